"""Replays: a text that the state holds already is not written again, however often it is delivered.

Engines deliver again what they delivered before, and two windows of a stream may both find the same change of a page.
An outlet that goes back to an earlier text makes a new version of it: that was fetched after the newest one.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.parquet import SCHEMAS
from schemas.records import SkipReason, Tally, VersionState
from transforms.state import Store
from transforms.write.delta import delta_file, delta_rows
from transforms.write.manifest import StagedFile
from transforms.write.stage import Stager, parquet_bytes

_KEYED: Final = {"articles", "removals", "signatures", "versions"}  # rows of one version of an article
_LEVEL: Final = 3  # zstd; a file that is written anew here is rare


class Number(NamedTuple):
    """The version that a text is to have, or has."""

    version: int
    stored: bool


_Numbers = Mapping[tuple[str, int], Number]  # by article and version, of those whose version is taken


class Fresh(NamedTuple):
    """What of a commit is new."""

    files: list[StagedFile]
    tallies: list[Tally]  # skips that stand for the articles left out


def without_written(stager: Stager, store: Store, files: Sequence[StagedFile]) -> Fresh:
    """Return `files` without what the state holds; needs `committing`.

    Of an article whose version is taken the rows are left out where the newest text is the same, or an older one is and
    these were fetched no later than the newest. Any other text becomes the version after it. Only files in which such
    rows lie are written anew.
    """
    new = [row for file in files if file.table == "versions" for row in delta_rows(_read(stager, file))]
    numbers = _numbers(new, store.all_versions({row["article_id"] for row in new}))
    if not numbers:
        return Fresh(list(files), [])
    kept, skips = list[StagedFile](), Counter[str]()
    for file in files:
        if file.table not in _KEYED and file.table != "clusters":
            kept.append(file)
            continue
        before = _rows(stager, file)
        after = list(_numbered(before, numbers)) if file.table in _KEYED else [_regrouped(r, numbers) for r in before]
        if file.table == "articles":
            skips[file.outlet] += len(before) - len(after)
        if after == before:
            kept.append(file)
        elif after:
            kept.append(stager.write(file.table, file.outlet, file.path, len(after), _packed(file.table, after)))
    reason = f"write.{SkipReason.UNCHANGED}"
    return Fresh(kept, [Tally(outlet, "skip", reason, n) for outlet, n in sorted(skips.items()) if n])


def _numbers(new: Iterable[Mapping[str, Any]], stored: Mapping[str, Sequence[VersionState]]) -> _Numbers:
    numbers = dict[tuple[str, int], Number]()
    last = {article_id: known[-1].version for article_id, known in stored.items()}
    for row in sorted(new, key=lambda row: (row["article_id"], row["version"])):
        article_id, version = key = row["article_id"], row["version"]
        known = stored.get(article_id, ())
        if not known or version > last[article_id]:
            continue
        newest = known[-1]
        same = [state for state in known if state.content_hash == row["content_hash"]]
        if same and (same[-1] is newest or row["at"] <= newest.at.micros):
            numbers[key] = Number(same[-1].version, stored=True)
        else:
            last[article_id] += 1
            numbers[key] = Number(last[article_id], stored=False)
    return numbers


def _numbered(rows: Iterable[dict[str, Any]], numbers: _Numbers) -> Iterator[dict[str, Any]]:
    for row in rows:
        number = numbers.get((row["article_id"], row["version"]))
        if number is None:
            yield row
        elif not number.stored:
            yield {**row, "version": number.version}


def _regrouped(cluster: dict[str, Any], numbers: _Numbers) -> dict[str, Any]:
    """A cluster keeps its members: those that are stored are in it by the version they have."""
    members = [
        {**member, "version": number.version}
        if (number := numbers.get((member["article_id"], member["version"])))
        else member
        for member in cluster["members"]
    ]
    return {**cluster, "members": members}


def _read(stager: Stager, file: StagedFile) -> bytes:
    return stager.dataset.files.read(file.staged)


def _rows(stager: Stager, file: StagedFile) -> list[dict[str, Any]]:
    if file.table == "versions":
        return delta_rows(_read(stager, file))
    rows: list[dict[str, Any]] = pq.ParquetFile(io.BytesIO(_read(stager, file))).read().to_pylist()
    return rows


def _packed(table: str, rows: Sequence[dict[str, Any]]) -> bytes:
    if table == "versions":
        return delta_file(rows)
    return parquet_bytes(pa.Table.from_pylist(list(rows), SCHEMAS[table]), _LEVEL)
