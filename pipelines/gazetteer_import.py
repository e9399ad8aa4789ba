"""Import names from somebody's list into the gazetteer's second tier, reconciled with what is curated.

The list is in the shape of Wikidata's: one JSON object a line (or an array of one a line, as in its dumps), each with
`id`, `labels`, `aliases` and, where known, `claims` P17 or P27 for the country. All items of a file are of one type.

An item that is curated already, by its QID or by a name and its type, only brings names to it. One that shares a name
with several curated entities, or with one of another type, goes to `review.csv` instead. So do names that are one word,
everyday words throughout, or claimed by two items: imported raw, such lists cost more precision than they bring recall.
"""

import csv
import gzip
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from unicodedata import normalize

from pipelines.common_words import everyday_words
from schemas.errors import ConfigError
from schemas.gazetteer import ALIAS_FIELDS, ENTITY_FIELDS, Gazetteer
from transforms.tag.normalize import fold_name

LANGUAGES: Final = ("en", "ar", "fa", "he", "tr", "ku", "ckb", "ur", "de", "fr", "es", "ru")
REVIEW_FIELDS: Final = "item name lang candidates reason".split()
_COUNTRY: Final = ("P17", "P27")  # country; country of citizenship
_QID: Final = re.compile(r"Q[1-9][0-9]*")


class Item(NamedTuple):
    """One thing of the list."""

    qid: str
    label: str
    names: Sequence[tuple[str, str]]  # (language, name), the labels first
    countries: Sequence[str]  # QIDs


class Imported(NamedTuple):
    """The rows of the files to write."""

    entities: list[dict[str, str]]
    aliases: list[dict[str, str]]
    review: list[dict[str, str]]
    matched: int  # items that are curated already


def read_items(path: Path) -> Iterator[Item]:
    """Yield the items of a Wikidata-shaped file, plain or gzip, that have a name in one of `LANGUAGES`.

    Raises:
        ConfigError: a line is no JSON object of that shape, or the file cannot be read.
    """
    for number, line in enumerate(_lines(path), 1):
        text = line.strip().rstrip(",")
        if text in ("", "[", "]"):
            continue
        try:
            found = _item(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "Give one Wikidata entity a line: id, labels, aliases, claims"
            raise ConfigError(str(path), number, "line", f"is no item ({error!r})", remedy) from error
        if found.names:
            yield found


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            yield from file
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise ConfigError(
            str(path), None, "file", f"cannot be read ({error})", "Give UTF-8 text, or .gz of it"
        ) from error


def _item(entity: Mapping[str, Any]) -> Item:
    if not _QID.fullmatch(entity["id"]):
        raise ValueError(entity["id"])
    labels = [(lang, entity["labels"][lang]["value"]) for lang in LANGUAGES if lang in entity["labels"]]
    others = entity.get("aliases") or {}
    names = labels + [(lang, alias["value"]) for lang in LANGUAGES for alias in others.get(lang, ())]
    claims = entity.get("claims") or {}
    countries = [
        claim["mainsnak"]["datavalue"]["value"]["id"]
        for property in _COUNTRY
        for claim in claims.get(property, ())
        if "datavalue" in claim["mainsnak"]
    ]
    clean = [(lang, " ".join(normalize("NFC", name).split())) for lang, name in names]
    return Item(entity["id"], clean[0][1] if clean else "", clean, countries)


def reconcile(items: Sequence[Item], type: str, source: str, gazetteer: Gazetteer) -> Imported:
    """Return the rows that `items`, all of the gazetteer's `type`, make in the second tier."""
    entities: dict[str, dict[str, str]] = {}
    found: dict[tuple[str, str], dict[str, str]] = {}
    review: list[dict[str, str]] = []
    by_qid = {row.wikidata: id for id, row in gazetteer.entities.items() if row.wikidata}
    curated = _folded(gazetteer)
    claims = Counter(form for item in items for form in {form for _, name in item.names for form in fold_name(name)})
    today = datetime.now(UTC).date().isoformat()
    matched = 0
    for item in items:
        candidates = _candidates(item, by_qid, curated)
        if len(candidates) > 1 or (
            candidates and item.qid not in by_qid and gazetteer.entities[candidates[0]].type != type
        ):
            review.append(_doubt(item, item.label, "", "shares a name with them", candidates))
            continue
        matched += bool(candidates)
        id = candidates[0] if candidates else f"{source}-{item.qid.lower()}"
        mine = 0
        for lang, name in item.names:
            forms = fold_name(name)
            if any(form in curated for form in forms) or not forms:
                continue
            if reason := _doubtful(name, lang, forms, claims):
                review.append(_doubt(item, name, lang, reason, [id]))
                continue
            mine += 1
            row = found.setdefault((id, name), _alias(id, name, source, item.qid, today))
            row["lang"] = " ".join(dict.fromkeys([*row["lang"].split(), lang]))
        if mine and not candidates:
            country = next((by_qid[qid] for qid in item.countries if qid in by_qid), "")
            entities[id] = dict.fromkeys(ENTITY_FIELDS, "")
            entities[id].update(id=id, type=type, label=item.label, wikidata=item.qid, country=country)
    return Imported([entities[id] for id in sorted(entities)], [found[key] for key in sorted(found)], review, matched)


def _folded(gazetteer: Gazetteer) -> Mapping[str, frozenset[str]]:
    """The folded curated names, each with the entities that it may be."""
    names: dict[str, set[str]] = {}
    for alias in gazetteer.aliases:
        for form in fold_name(alias.alias):
            names.setdefault(form, set()).add(alias.id)
    return {form: frozenset(ids) for form, ids in names.items()}


def _candidates(item: Item, by_qid: Mapping[str, str], curated: Mapping[str, frozenset[str]]) -> list[str]:
    if item.qid in by_qid:
        return [by_qid[item.qid]]
    return sorted({id for _, name in item.names for form in fold_name(name) for id in curated.get(form, ())})


def _doubtful(name: str, lang: str, forms: set[str], claims: Mapping[str, int]) -> str:
    """Why a name must not be imported as it stands, "" where it may."""
    if any(" " not in form for form in forms) or " " not in name:
        return "one word"
    if any(claims[form] > 1 for form in forms):
        return "name of several items"
    return "everyday words" if everyday_words(name, lang) else ""


def _alias(id: str, name: str, source: str, qid: str, today: str) -> dict[str, str]:
    kind = "name" if name[0] < "\u0370" else "native"
    values = (id, name, "", kind, "no_variants", source, qid, "import", today)
    return dict(zip(ALIAS_FIELDS, values, strict=True))


def _doubt(item: Item, name: str, lang: str, reason: str, candidates: Sequence[str]) -> dict[str, str]:
    return dict(zip(REVIEW_FIELDS, (item.qid, name, lang, " ".join(candidates), reason), strict=True))


def write_import(imported: Imported, folder: Path, origin: Path, source: str, licence: str) -> None:
    """Write the tier's files into `folder`, with a manifest that says where they come from."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, fields, rows in (
        ("entities", ENTITY_FIELDS, imported.entities),
        ("aliases", ALIAS_FIELDS, imported.aliases),
        ("review", REVIEW_FIELDS, imported.review),
    ):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fields, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    manifest = {
        "source": source,
        "licence": licence,
        "file": origin.name,
        "sha256": hashlib.sha256(origin.read_bytes()).hexdigest(),
        "imported_on": datetime.now(UTC).date().isoformat(),
        "entities": len(imported.entities),
        "aliases": len(imported.aliases),
        "review": len(imported.review),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
