"""The commit protocol: a manifest decides a commit, and whoever finds one that is not finished rolls it forward.

Staged files are whole and on the disk before the manifest names them. From the manifest on, each step may be done
again: files are renamed where that is still to do, the state is changed once a commit id, and the done mark comes last.
"""

import gzip
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq
from apache_beam.coders import RowCoder, registry

from schemas.errors import DatasetError
from schemas.parquet import signature_of
from schemas.records import FeedState, LinkState, Signature, VersionState
from transforms.state import Delta, Store, from_scalars
from transforms.write.dataset import Dataset, committing, explained, publish_file, sync_folders

FORMAT: Final = 1
DELTA: Final = "_meta/delta"


class StagedFile(NamedTuple):
    """A whole file under staging, and what it is to become."""

    table: str  # "articles", "rejects", "signatures"; in the delta "feeds", "links", "versions"
    outlet: str  # "" where the table is not partitioned by outlet
    path: str  # from ROOT
    staged: str  # from ROOT
    rows: int
    bytes: int
    sha256: str


registry.register_coder(StagedFile, RowCoder)


class Manifest(NamedTuple):
    """A decided commit."""

    commit_id: str
    created: float  # seconds since 1970; orders the commits
    files: Sequence[StagedFile]  # of the tables, sorted by path
    state: Sequence[StagedFile]  # the delta
    counts: Mapping[str, Any]  # entries, articles, skips by reason, rejects by reason
    by_outlet: Mapping[str, Any]  # the same, by outlet
    feeds: Mapping[str, int]  # polled feeds by outcome

    def to_json(self) -> bytes:
        """Return the manifest as it is kept."""
        return json.dumps(
            {
                "commit_id": self.commit_id,
                "format": FORMAT,
                "created": self.created,
                "rows": sum(file.rows for file in self.files),
                "files": [file._asdict() for file in self.files],
                "removes": [],
                "state": [file._asdict() for file in self.state],
                "counts": self.counts,
                "by_outlet": self.by_outlet,
                "feeds": self.feeds,
            },
            ensure_ascii=False,
            indent=1,
        ).encode()


class Recovery(NamedTuple):
    """What `recover` found to do, by commit id."""

    finished: Sequence[str]  # decided, and now in place
    dropped: Sequence[str]  # undecided, and now gone
    reapplied: Sequence[str]  # in place, but missing from the state


def manifest_path(dataset: Dataset, commit_id: str) -> Path:
    """Return where the manifest of a commit is or will be."""
    return dataset.manifests / f"{commit_id}.json"


def read_manifest(path: Path) -> Manifest:
    """Return a manifest.

    Raises:
        DatasetError: it cannot be read, is damaged, or of a format this version does not know.
    """
    with explained(str(path)):
        data = path.read_bytes()
    try:
        kept = json.loads(data)
        if kept["format"] != FORMAT:
            raise DatasetError(str(path), f"is of format {kept['format']}", "Use the newsbeam that wrote this dataset")
        return Manifest(
            kept["commit_id"],
            kept["created"],
            [StagedFile(**file) for file in kept["files"]],
            [StagedFile(**file) for file in kept["state"]],
            kept["counts"],
            kept["by_outlet"],
            kept["feeds"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(str(path), f"the manifest is damaged ({error})", "Restore it from a backup") from error


def decide(dataset: Dataset, manifest: Manifest) -> Manifest:
    """Write the manifest, the commit point; return the one that counts: an earlier one of this id stays as it is.

    Raises:
        DatasetError: a staged file is gone (another run took over and cleared it away), or the disk is full.
    """
    staged = [dataset.path(file.staged) for file in (*manifest.files, *manifest.state)]
    path = manifest_path(dataset, manifest.commit_id)
    with explained(dataset.root):
        if path.exists():
            return read_manifest(path)
        if lost := [file for file in staged if not file.exists()]:
            raise DatasetError(str(lost[0]), "a staged file is gone: another run took over", "Start the run again")
        sync_folders(staged, dataset.meta)
        return manifest if publish_file(path, manifest.to_json()) else read_manifest(path)


def roll_forward(dataset: Dataset, store: Store, manifest: Manifest) -> None:
    """Bring a decided commit to its end; whatever of it has been done already is left as it is.

    Raises:
        DatasetError: a file of the commit is lost, the state is damaged, or the disk is full.
    """
    with explained(dataset.root):
        _promote(dataset, (*manifest.files, *manifest.state))
        store.apply(manifest.commit_id, read_delta(dataset, manifest))
        mark = json.dumps({"commit_id": manifest.commit_id, "finished": time.time()})
        publish_file(dataset.done / f"{manifest.commit_id}.json", mark.encode())
        shutil.rmtree(dataset.staging / manifest.commit_id, ignore_errors=True)


def recover(dataset: Dataset, store: Store) -> Recovery:
    """Finish decided commits, drop undecided ones, and give the state what it lacks. Needs the dataset's `lock`.

    A state that is missing altogether is thereby built anew.

    Raises:
        DatasetError: as `roll_forward`.
    """
    with explained(dataset.root), committing(dataset):
        decided, done, applied = _names(dataset.manifests), _names(dataset.done), store.applied()
        unfinished = [read_manifest(manifest_path(dataset, name)) for name in decided - (done & applied)]
        for manifest in sorted(unfinished, key=lambda manifest: (manifest.created, manifest.commit_id)):
            if manifest.commit_id in done:
                store.apply(manifest.commit_id, read_delta(dataset, manifest))
            else:
                roll_forward(dataset, store, manifest)
        dropped = [folder.name for folder in sorted(dataset.staging.iterdir()) if folder.name not in decided]
        for leftover in (*dataset.staging.iterdir(), *dataset.manifests.glob("*.draft"), *dataset.done.glob("*.draft")):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    return Recovery(sorted(decided - done), dropped, sorted((decided & done) - applied))


def read_delta(dataset: Dataset, manifest: Manifest) -> Delta:
    """Return what a commit changes in the state, from its promoted files.

    Raises:
        DatasetError: one of them is damaged.
    """
    try:
        return Delta(
            [from_scalars(FeedState, row) for row in _delta_rows(dataset, manifest, "feeds")],
            [from_scalars(LinkState, row) for row in _delta_rows(dataset, manifest, "links")],
            [from_scalars(VersionState, row) for row in _delta_rows(dataset, manifest, "versions")],
            list(_signatures(dataset, manifest)),
        )
    except (EOFError, ValueError, TypeError, zlib.error) as error:
        problem = f"what it changes in the state cannot be read ({error})"
        raise DatasetError(
            str(manifest_path(dataset, manifest.commit_id)), problem, "Restore it from a backup"
        ) from error


def _promote(dataset: Dataset, files: Sequence[StagedFile]) -> None:
    for file in files:
        final = dataset.path(file.path)
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(dataset.path(file.staged), final)
        except FileNotFoundError:
            if not final.exists():
                problem = "the manifest names it, but it is neither staged nor in place"
                raise DatasetError(str(final), problem, "Restore it from a backup") from None
    sync_folders((dataset.path(file.path) for file in files), Path(dataset.root))


def _delta_rows(dataset: Dataset, manifest: Manifest, table: str) -> Iterator[dict[str, Any]]:
    for file in manifest.state:
        if file.table == table:
            with gzip.open(dataset.path(file.path), "rt", encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def _signatures(dataset: Dataset, manifest: Manifest) -> Iterator[Signature]:
    for file in manifest.files:
        path = dataset.path(file.path)
        if file.table == "signatures" and path.exists():  # someone may have deleted an old partition since
            yield from map(signature_of, pq.ParquetFile(path).read().to_pylist())


def _names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.json")}
