"""Compaction: the many small files of a closed day become one sorted file a partition; nothing of their rows changes.

A day's partitions of one table are one commit, with `removes` for the files whose rows it takes over. Where it is
killed, what was decided is finished by the next `recover`, and the rest is found again. On a local disk each
partition's folder is swapped at once: a reader lists the old folder or the new one. An object store has no such step:
there both are in place until `vacuum`, and readers go by the manifests' list (`live_files`, `views.sql`).
"""

import hashlib
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import pyarrow as pa

from schemas.errors import DatasetError
from schemas.parquet import SCHEMAS
from transforms.state import Store
from transforms.write.dataset import Dataset, committing, explained
from transforms.write.files import LocalFiles
from transforms.write.manifest import (
    REPLACED,
    Manifest,
    StagedFile,
    compaction_of,
    decide,
    live_files,
    load_manifests,
    roll_forward,
)
from transforms.write.read import read_rows
from transforms.write.stage import Stager, parquet_bytes

_LEVEL: Final = 9  # zstd: written once, read for years [3: 14.7 MB in .32 s; 9: 11.7 MB in 1.12 s]
_MOST_ROWS: Final = 1_000_000  # of one file; a partition that has more gets several
ORDER: Final[Mapping[str, Sequence[str]]] = {  # as the stage that wrote them sorts, so that page statistics prune
    "aliases": ("merged_at", "cluster_id"),
    "articles": ("published_at", "article_id", "version"),
    "clusters": ("last_seen_at", "cluster_id"),
    "feeds": ("polled_at", "url"),
    "rejects": ("at", "stage", "reason", "url"),
    "removals": ("fetched_at", "article_id", "version", "number"),
    "runs": ("committed_at",),
    "signatures": ("fetched_at", "article_id", "version"),
}


class Compacted(NamedTuple):
    """What one commit of a compaction did."""

    commit_id: str
    table: str
    date: str
    before: int  # files
    after: int
    bytes_before: int
    bytes_after: int


def compact(dataset: Dataset, store: Store, before: str) -> Iterator[Compacted]:
    """Merge the partitions of days earlier than `before` (YYYY-MM-DD) that have several files.

    Needs the dataset's `lock`, and `recover` before it. Yields after each commit, one a table and day.

    Raises:
        DatasetError: a file is lost or differs from its manifest, the disk is full, or the file system cannot swap
            folders. What was yielded is in place.
    """
    days = defaultdict[tuple[str, str], dict[str, list[StagedFile]]](dict)
    manifests = load_manifests(dataset)
    for file in live_files(manifests).values():  # in the order of their commits, which a stable sort keeps
        folder = PurePosixPath(file.path).parent
        date = folder.parts[1].removeprefix("date=")
        if date < before:
            days[date, file.table].setdefault(str(folder), []).append(file)
    for (date, table), folders in sorted(days.items()):
        crowded = {
            folder: files
            for folder, files in folders.items()
            if len(files) > 1 and dataset.files.names(folder)  # someone may have deleted an old partition
        }
        if crowded:
            yield _compact_day(dataset, store, table, date, crowded)


def vacuum(dataset: Dataset, before: float) -> int:
    """Delete what compactions finished earlier than `before` (seconds since 1970) replaced; return how many files.

    Needs the dataset's `lock`. A reader may be at work on replaced files for as long as its query runs.

    Raises:
        DatasetError: something cannot be deleted.
    """
    deleted, files = 0, dataset.files
    with explained(dataset.root), committing(dataset):
        for manifest in load_manifests(dataset):
            if not manifest.removes or manifest.created >= before:
                continue
            place = f"{REPLACED}/{manifest.commit_id}"
            deleted += sum(1 for _ in files.walk(place))
            files.delete(place)
            for path in manifest.removes:
                if files.exists(path):  # in an object store they have stayed where they were
                    files.delete(path)
                    deleted += 1
    return deleted


def _compact_day(
    dataset: Dataset, store: Store, table: str, date: str, folders: Mapping[str, Sequence[StagedFile]]
) -> Compacted:
    commit_id = f"{compaction_of(table, date)}{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    with explained(dataset.root), committing(dataset):
        if isinstance(dataset.files, LocalFiles):
            _check_swaps(dataset.files, f"_meta/staging/{commit_id}/swap", folders)
        staged = list[StagedFile]()
        for number, (folder, files) in enumerate(sorted(folders.items())):
            staged += _merge(Stager(dataset, commit_id), table, number, folder, files)
        old = [file for files in folders.values() for file in files]
        created = max(time.time(), store.newest_commit() + 1e-3)
        counts = {"entries": 0, "articles": 0, "skips": {}, "rejects": {}}  # it brings in nothing
        removes = tuple(sorted(file.path for file in old))
        manifest = decide(dataset, Manifest(commit_id, created, staged, [], counts, {}, {}, removes))
        roll_forward(dataset, store, manifest)
    return Compacted(
        commit_id, table, date, len(old), len(staged), sum(f.bytes for f in old), sum(f.bytes for f in staged)
    )


def _check_swaps(files: LocalFiles, scratch: str, folders: Mapping[str, Sequence[StagedFile]]) -> None:
    """Once a compaction is decided it must be possible to finish it: folders can be swapped here, and as a whole.

    So nothing may lie in one of them that no manifest names.
    """
    for name in ("one", "other"):
        files.write(f"{scratch}/{name}/file", b"")
    files.swap(f"{scratch}/one", f"{scratch}/other")
    files.delete(scratch)
    for folder, listed in folders.items():
        known = {PurePosixPath(file.path).name for file in listed}
        if stray := set(files.names(folder)) - known:
            problem = "no manifest names it, or a compaction has replaced it"
            raise DatasetError(f"{folder}/{min(stray)}", problem, "Look at it with `newsbeam verify`, and move it away")


def _merge(stager: Stager, table: str, number: int, folder: str, files: Sequence[StagedFile]) -> Iterator[StagedFile]:
    schema, rows = SCHEMAS[table], sum(file.rows for file in files)
    for file in files:  # what is damaged must be found, not packed anew with a new sha256
        if hashlib.sha256(stager.dataset.files.read(file.path)).hexdigest() != file.sha256:
            problem = "its content is not what was written: the sha256 differs"
            raise DatasetError(file.path, problem, "Restore it from a backup, then start again")
    parts = [read_rows(stager.dataset, file.path, schema) for file in files]
    merged = pa.concat_tables(parts).sort_by([(name, "ascending") for name in ORDER[table]])
    if merged.num_rows != rows:
        raise DatasetError(folder, f"holds {merged.num_rows} rows, its manifests say {rows}", "Run `newsbeam verify`")
    for part, start in enumerate(range(0, rows, _MOST_ROWS)):
        data = parquet_bytes(merged.slice(start, _MOST_ROWS), _LEVEL)
        path = f"{folder}/part-{stager.commit_id}-{part:02d}.parquet"
        count = min(_MOST_ROWS, rows - start)
        yield stager.write_into(f"{number:05d}", table, files[0].outlet, path, count, data)
