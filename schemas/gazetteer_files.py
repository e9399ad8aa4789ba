"""Reading the gazetteer's files: every row is checked, and what is wrong is said with file, line, field and remedy.

Only the launcher reads the files. Workers are handed the `Gazetteer`.
"""

import csv
import gc
import hashlib
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple, NoReturn, Optional

from schemas.errors import ConfigError, Noted
from schemas.gazetteer import (
    ALIAS_FIELDS,
    BLOCKER_FIELDS,
    ENTITY_FIELDS,
    EVENT_TYPES,
    FLAGS,
    GUARDS,
    IMPORTED,
    KINDS,
    LINKS,
    NO_EVENT,
    PLACE,
    SPORT,
    TRIGGER_FIELDS,
    TYPES,
    AliasRow,
    BlockerRow,
    EntityRow,
    Gazetteer,
    TriggerRow,
)
from schemas.settings import SLUG

_STRAY = re.compile(r"[^\S ]|  | \||\| |^ | $")  # white space that is none between two words, among cells joined by |
_QID = re.compile(r"Q[1-9][0-9]*")
_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
_LANGS = re.compile(r"[a-z]{2,3}( [a-z]{2,3})*")


class _Line(NamedTuple):
    """A row of a file, with what an error message must say about it."""

    path: Path
    number: int
    cells: dict[str, str]

    def refuse(self, field: str, problem: str, remedy: str) -> NoReturn:
        raise ConfigError(str(self.path), self.number, field, problem, remedy)


def tiers(folder: Path) -> tuple[Path, list[Path]]:
    """Return the curated folder and the imported ones below the gazetteer's `folder`."""
    return folder / "curated", sorted(path for path in (folder / "imported").glob("*") if path.is_dir())


def load_gazetteer(curated: Path, imported: Sequence[Path] = ()) -> Gazetteer:
    """Return the gazetteer of the files in the folder `curated` and in the `imported` ones, checked.

    Raises:
        ConfigError: the first of the problems that `read_gazetteer` finds.
    """
    gazetteer, problems = read_gazetteer(curated, imported)
    if problems:
        raise problems[0]
    return gazetteer


def read_gazetteer(curated: Path, imported: Sequence[Path] = ()) -> tuple[Gazetteer, list[ConfigError]]:
    """Return the gazetteer of all rows that are sound, and what is wrong with the others.

    Wrong is: a file or column that is missing, an id that is unknown or doubled, parents that run in a circle, an alias
    that is too short or claimed by two entities without a flag that says so, text that is not NFC, a missing source.
    """
    with uncollected():
        return _read_all(curated, imported)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking over and over what is being built: a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _read_all(curated: Path, imported: Sequence[Path]) -> tuple[Gazetteer, list[ConfigError]]:
    problems: list[ConfigError] = []
    entities: dict[str, EntityRow] = {}
    lines: dict[str, _Line] = {}
    for folder in (curated, *imported):
        for line in _read(folder / "entities.csv", ENTITY_FIELDS, problems):
            with Noted(problems):
                row = _entity(line)
                if row.id in entities:
                    first = lines[row.id]
                    line.refuse("id", f"{row.id} is already in {first.path}:{first.number}", "Keep one of the two rows")
                entities[row.id], lines[row.id] = row, line
    for row in entities.values():
        with Noted(problems):
            _check_links(row, entities, lines)
    aliases = _curated_aliases(curated / "aliases.csv", entities, problems)
    aliases += _imported_aliases([folder / "aliases.csv" for folder in imported], entities, aliases, problems)
    blockers, triggers = [], []
    for line in _read(curated / "blockers.csv", BLOCKER_FIELDS, problems):
        with Noted(problems):
            blockers.append(_blocker(line))
    for line in _read(curated / "triggers.csv", TRIGGER_FIELDS, problems):
        with Noted(problems):
            triggers.append(_trigger(line))
    unread = [problem for problem in problems if problem.field == "header"]  # each makes thousands of others
    return Gazetteer(entities, aliases, blockers, _version([curated, *imported]), triggers), unread or problems


def _read(path: Path, fields: Sequence[str], problems: list[ConfigError]) -> Iterator[_Line]:
    """Yield the lines that are whole."""

    def refuse(number: Optional[int], field: str, problem: str, remedy: str) -> None:
        problems.append(ConfigError(str(path), number, field, problem, remedy))

    try:
        text = path.read_text("utf-8-sig")  # spreadsheets begin a file with a byte order mark
    except OSError as error:
        return refuse(None, "file", error.strerror or "cannot be read", "Give the folder of the files")
    except UnicodeDecodeError:
        return refuse(None, "file", "is not UTF-8", "Save it as CSV UTF-8")
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = next(reader, [])
        if header != list(fields):
            return refuse(1, "header", f"is {','.join(header)!r}", f"Make it {','.join(fields)}")
        for cells in reader:
            line = _Line(path, reader.line_num, dict(zip(fields, cells, strict=False)))
            with Noted(problems):
                if len(cells) != len(fields):
                    remedy = f"Give it {len(fields)}; quote a cell with a comma in it"
                    line.refuse("row", f"has {len(cells)} cells", remedy)
                _check_text(line)
                yield line
    except csv.Error as error:
        refuse(reader.line_num, "row", str(error), "Mend the quotes")


def _check_text(line: _Line) -> None:
    whole = "|".join(line.cells.values())
    if unicodedata.is_normalized("NFC", whole) and not _STRAY.search(whole):
        return
    for field, cell in line.cells.items():
        if not unicodedata.is_normalized("NFC", cell):
            line.refuse(field, f"{cell!r} is not in Unicode's composed form", "Replace it by its NFC form")
        if cell != " ".join(cell.split()):
            line.refuse(field, f"{cell!r} has stray white space", "Remove it")


def _entity(line: _Line) -> EntityRow:
    row = EntityRow(**line.cells)
    if not SLUG.fullmatch(row.id):
        line.refuse("id", f"{row.id!r} is no slug", "Use a-z, 0-9 and '-'")
    if row.type not in TYPES:
        line.refuse("type", f"unknown type {row.type!r}", "Use one of " + ", ".join(sorted(TYPES)))
    if not row.label:
        line.refuse("label", "is empty", "Give the English name")
    if row.wikidata and not _QID.fullmatch(row.wikidata):
        line.refuse("wikidata", f"{row.wikidata!r} is no QID", "Write Q and digits, or leave it empty")
    for field in ("valid_from", "valid_to"):
        if line.cells[field] and not _DAY.fullmatch(line.cells[field]):
            line.refuse(field, f"{line.cells[field]!r} is no date", "Write 2019, 2019-05 or 2019-05-31")
    return row


def _check_links(row: EntityRow, entities: Mapping[str, EntityRow], lines: Mapping[str, _Line]) -> None:
    for field in LINKS:
        over = getattr(row, field)
        if over and over not in entities:
            lines[row.id].refuse(field, f"unknown id {over!r}", "Add that entity, or mend the spelling")
    path, over = [row.id], row.parent
    while over:
        if over in path:
            lines[row.id].refuse("parent", "runs in a circle: " + " > ".join([*path, over]), "Break it at one of them")
        path.append(over)
        over = entities[over].parent if over in entities else ""


def _curated_aliases(path: Path, entities: Mapping[str, EntityRow], problems: list[ConfigError]) -> list[AliasRow]:
    aliases: list[AliasRow] = []
    first: dict[str, tuple[AliasRow, int]] = {}
    for line in _read(path, ALIAS_FIELDS, problems):
        with Noted(problems):
            row = _alias(line, entities)
            other, number = first.setdefault(row.alias, (row, line.number))
            if other is not row:
                _check_shared(line, row, other, number)
            aliases.append(row)
    return aliases


def _imported_aliases(
    paths: Sequence[Path],
    entities: Mapping[str, EntityRow],
    curated: Sequence[AliasRow],
    problems: list[ConfigError],
) -> list[AliasRow]:
    """Return the second tier, without the names that the first tier, or an earlier import, has for something."""
    aliases: list[AliasRow] = []
    taken = {row.alias for row in curated}
    for path in paths:
        for line in _read(path, ALIAS_FIELDS, problems):
            with Noted(problems):
                row = _alias(line, entities, imported=True)
                if " " not in row.alias:
                    line.refuse("alias", f"{row.alias!r} is one word", "Leave it out, or make it a curated alias")
                if row.alias not in taken:
                    aliases.append(row)
                    taken.add(row.alias)
    return aliases


@cache  # each of these is the same for thousands of rows, and is kept once
def _flags(cell: str) -> frozenset[str]:
    return frozenset(cell.split())


@cache
def _imported(flags: frozenset[str]) -> frozenset[str]:
    return flags | {IMPORTED}


@cache
def _languages(cell: str) -> tuple[str, ...]:
    return tuple(cell.split())


def _alias(line: _Line, entities: Mapping[str, EntityRow], *, imported: bool = False) -> AliasRow:
    cells = line.cells
    flags = _flags(cells["flags"])
    if cells["id"] not in entities:
        line.refuse("id", f"unknown id {cells['id']!r}", "Add the entity to entities.csv, or mend the spelling")
    if unknown := flags - FLAGS:
        line.refuse(
            "flags", f"unknown flag {min(unknown)!r}", "Use " + ", ".join(sorted(FLAGS)) + ", with spaces between"
        )
    if cells["kind"] not in KINDS:
        line.refuse("kind", f"unknown kind {cells['kind']!r}", "Use one of " + ", ".join(sorted(KINDS)))
    if cells["lang"] and not _LANGS.fullmatch(cells["lang"]):
        line.refuse(
            "lang", f"{cells['lang']!r} is no language code", "Write codes like en or 'de fr', or leave it empty"
        )
    if "lang_only" in flags and not cells["lang"]:
        line.refuse("lang", "is empty although lang_only is set", "Name the languages")
    if not cells["source"]:
        line.refuse("source", "is missing", "Say where the name is from; 'curated' for your own knowledge")
    for word in () if cells["alias"].isascii() else cells["alias"].split():
        if len(scripts := {_script(character) for character in word if character.isalpha()}) > 1:
            line.refuse("alias", f"{word!r} mixes {' and '.join(sorted(scripts))}", "Retype the odd letters")
    if _too_short(cells["alias"]) and not flags & GUARDS:
        line.refuse(
            "alias", f"{cells['alias']!r} is short and would be found in other words", "Flag it case or ambiguous"
        )
    return AliasRow(
        sys.intern(cells["id"]), cells["alias"], _languages(cells["lang"]), sys.intern(cells["kind"]),
        _imported(flags) if imported else flags, sys.intern(cells["source"]), sys.intern(cells["source_ref"]),
        sys.intern(cells["added_by"]), sys.intern(cells["added_on"]),
    )  # fmt: skip


def _too_short(alias: str) -> bool:
    """Fewer than four letters or digits; three are enough where vowels go unwritten, two where a sign is a syllable."""
    bare = alias.replace(" ", "")
    letters: Sequence[str] = bare if bare.isalnum() else [character for character in bare if character.isalnum()]
    enough = 4 if not letters or letters[0] < "\u0590" else 3 if letters[0] < "\u0900" else 2
    return len(letters) < enough


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "unnamed").split()[0].lower()


def _check_shared(line: _Line, row: AliasRow, other: AliasRow, number: int) -> None:
    if row.id == other.id:
        line.refuse("alias", f"{row.alias!r} is already on line {number}", "Keep one of the two rows")
    apart = {"lang_only"} <= row.flags & other.flags and not set(row.langs) & set(other.langs)
    if "ambiguous" not in row.flags & other.flags and not apart:
        line.refuse(
            "flags",
            f"{row.alias!r} also names {other.id} (line {number})",
            "Flag both rows ambiguous, or remove one",
        )


def _blocker(line: _Line) -> BlockerRow:
    cells = line.cells
    if not cells["phrase"] or not cells["reason"]:
        line.refuse("reason" if cells["phrase"] else "phrase", "is empty", "Fill it in")
    if PLACE in cells["phrase"] and not re.fullmatch(r"\{place\} [^{}]+|[^{}]+ \{place\}", cells["phrase"]):
        line.refuse("phrase", f"{PLACE} stands inside", f"Put it first or last, once, with a blank: {PLACE} Times")
    return BlockerRow(cells["phrase"], tuple(cells["lang"].split()), cells["reason"])


def _trigger(line: _Line) -> TriggerRow:
    row = TriggerRow(**line.cells)
    if row.type not in EVENT_TYPES | {NO_EVENT, SPORT}:
        known = ", ".join([*sorted(EVENT_TYPES), NO_EVENT, SPORT])
        line.refuse("type", f"unknown type {row.type!r}", f"Use one of {known}")
    if not row.phrase:
        line.refuse("phrase", "is empty", "Fill it in")
    if not _LANGS.fullmatch(row.lang) or " " in row.lang:
        line.refuse("lang", f"{row.lang!r} is no language code", "Write one code like en")
    return row


def _version(folders: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for name in ("entities.csv", "aliases.csv", "blockers.csv", "triggers.csv"):
            if (folder / name).is_file():
                digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
