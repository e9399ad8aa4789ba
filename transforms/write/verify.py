"""Verification: what lies in the dataset against what its manifests say."""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, Optional

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import DatasetError
from schemas.parquet import SCHEMAS
from transforms.write.dataset import Dataset, explained
from transforms.write.files import is_remote
from transforms.write.manifest import Manifest, StagedFile, is_decided, live_files, load_manifests

_THREADS: Final = 8  # reading and hashing let other threads run


class Fault(NamedTuple):
    """Something that is not as the manifests say."""

    kind: str  # lost, unlisted, damaged, rows, counts, unfinished, manifest
    path: str
    detail: str


class Verified(NamedTuple):
    """What was looked at."""

    commits: int
    files: int
    rows: int
    bytes: int
    faults: list[Fault]


def verify(dataset: Dataset, *, quick: bool = False) -> Verified:
    """Compare the dataset with its manifests; `quick` goes by the files' lengths and reads none of them.

    Needs the dataset's `lock`: beside a run, files come and go.

    Raises:
        DatasetError: the dataset cannot be read.
    """
    faults = list[Fault]()
    with explained(dataset.root):
        try:
            manifests = load_manifests(dataset)
        except DatasetError as error:
            return Verified(0, 0, 0, 0, [Fault("manifest", error.path, error.problem)])
        live = live_files(manifests)
        faults += _unfinished(dataset)
        faults += (fault for manifest in manifests for fault in _miscounted(manifest))
        sizes = {file.path: file.bytes for table in SCHEMAS for file in dataset.files.walk(table)}
        replaced = {path for manifest in manifests for path in manifest.removes} if is_remote(dataset.root) else set()
        for path in sorted(sizes.keys() - live.keys() - replaced):
            faults.append(Fault("unlisted", path, "no manifest names it, or a compaction has replaced it"))
        with ThreadPoolExecutor(_THREADS) as pool:
            checked = pool.map(lambda file: _compare(dataset, file, sizes.get(file.path), quick), live.values())
            faults += (fault for fault in checked if fault is not None)
            deltas = pool.map(
                lambda file: _compare(dataset, file, file.bytes, quick), (f for m in manifests for f in m.state)
            )
            faults += (fault for fault in deltas if fault is not None)
    rows, length = sum(file.rows for file in live.values()), sum(file.bytes for file in live.values())
    return Verified(len(manifests), len(live), rows, length, faults)


def _unfinished(dataset: Dataset) -> Iterator[Fault]:
    done = set(dataset.files.names("_meta/done"))
    for name in dataset.files.names("_meta/manifests"):
        if name not in done:
            yield Fault("unfinished", f"_meta/manifests/{name}", "decided, but not in place; the next run finishes it")
    for name in sorted(done):
        if not is_decided(dataset, name.removesuffix(".json")):
            yield Fault("manifest", f"_meta/manifests/{name}", "the commit is done, but its manifest is lost")


def _miscounted(manifest: Manifest) -> Iterator[Fault]:
    """The manifest against itself: every entry has one end, and each outlet's articles are rows of its files."""
    if manifest.removes:
        return
    path = f"_meta/manifests/{manifest.commit_id}.json"
    for outlet, counts in {"all outlets": manifest.counts, **manifest.by_outlet}.items():
        if counts["entries"] != _ends(counts):
            yield Fault("counts", path, f"{outlet}: {counts['entries']} entries, but {_ends(counts)} ends")
    rows = sum(file.rows for file in manifest.files if file.table == "articles")
    if rows != manifest.counts["articles"]:
        yield Fault("counts", path, f"{manifest.counts['articles']} articles, but {rows} rows")


def _ends(counts: Mapping[str, Any]) -> int:
    return int(counts["articles"] + sum(counts["skips"].values()) + sum(counts["rejects"].values()))


def _compare(dataset: Dataset, file: StagedFile, size: Optional[int], quick: bool) -> Optional[Fault]:
    if size is None:
        return Fault("lost", file.path, "the manifest names it, but it is not there")
    if size != file.bytes:
        return Fault("damaged", file.path, f"{size} bytes long, the manifest says {file.bytes}")
    if quick:
        return None
    try:
        data = dataset.files.read(file.path)
    except FileNotFoundError:
        return Fault("lost", file.path, "the manifest names it, but it is not there")
    if hashlib.sha256(data).hexdigest() != file.sha256:
        return Fault("damaged", file.path, "its content is not what was written: the sha256 differs")
    if file.path.endswith(".parquet"):
        rows = pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows
        if rows != file.rows:
            return Fault("rows", file.path, f"{rows} rows, the manifest says {file.rows}")
    return None
