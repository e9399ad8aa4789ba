"""Replays: a row that a manifest or the state holds already is not written again, however often it is delivered."""

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.records import SkipReason, Tally, VersionState
from transforms.state import Store, from_scalars
from transforms.write.delta import delta_file, delta_rows
from transforms.write.manifest import StagedFile
from transforms.write.stage import Stager, parquet_bytes

_KEYED: Final = {
    "articles",
    "removals",
    "signatures",
}  # of one version, and written once with it
_LEVEL: Final = 3  # zstd; a file that is written anew here is rare


class Fresh(NamedTuple):
    """What of a commit is new."""

    files: list[StagedFile]
    tallies: list[Tally]  # skips that stand for the articles left out


def without_written(stager: Stager, store: Store, files: Sequence[StagedFile]) -> Fresh:
    """Return `files` without rows whose `(article_id, version)` the state holds; needs `committing`.

    Only files in which such rows lie are written anew.
    """
    keys = [_key(state) for file in files if _is_versions(file) for state in _versions(stager, file)]
    stored = store.versions({article_id for article_id, _ in keys})
    written = {key for key in keys if key[0] in stored and key[1] <= stored[key[0]].version}
    if not written:
        return Fresh(list(files), [])
    kept, skips = list[StagedFile](), Counter[str]()
    for file in files:
        if _is_versions(file):
            fresh = [from_scalars(VersionState, s) for s in _versions(stager, file) if _key(s) not in written]
            kept += [stager.write(file.table, "", file.path, len(fresh), delta_file(fresh))] if fresh else []
        elif file.table in _KEYED:
            table = _unwritten(stager, file, written)
            if file.table == "articles":
                skips[file.outlet] += file.rows - table.num_rows
            if table.num_rows == file.rows:
                kept.append(file)
            elif table.num_rows:
                data = parquet_bytes(table, _LEVEL)
                kept.append(stager.write(file.table, file.outlet, file.path, table.num_rows, data))
        else:
            kept.append(file)
    reason = f"write.{SkipReason.UNCHANGED}"
    return Fresh(kept, [Tally(outlet, "skip", reason, n) for outlet, n in sorted(skips.items()) if n])


def _is_versions(file: StagedFile) -> bool:
    return file.table == "versions"


def _versions(stager: Stager, file: StagedFile) -> list[dict[str, Any]]:
    return delta_rows(stager.dataset.files.read(file.staged))


def _key(state: dict[str, Any]) -> tuple[str, int]:
    return state["article_id"], state["version"]


def _unwritten(stager: Stager, file: StagedFile, written: set[tuple[str, int]]) -> pa.Table:
    table = pq.ParquetFile(io.BytesIO(stager.dataset.files.read(file.staged))).read()
    keys = zip(table.column("article_id").to_pylist(), table.column("version").to_pylist(), strict=True)
    return table.filter(pa.array([key not in written for key in keys], pa.bool_()))
