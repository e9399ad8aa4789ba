"""The commit protocol: a manifest decides a commit, and whoever finds one that is not finished rolls it forward.

Staged files are whole and on the disk before the manifest names them. From the manifest on, each step may be done
again: files are brought to their places where that is still to do, the state is changed once a commit id, and the done
mark comes last. A compaction is a commit that also `removes` files: there whole folders are swapped.
"""

import contextlib
import gzip
import io
import json
import time
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq
from apache_beam.coders import RowCoder, registry

from schemas.errors import DatasetError
from schemas.records import FeedState, LinkState, Signature, VersionState
from schemas.rows import signature_of
from transforms.state import Delta, Store
from transforms.state.records import TABLES, R, check_scalars
from transforms.write.dataset import Dataset, committing, explained
from transforms.write.delta import delta_rows
from transforms.write.files import LocalFiles, is_remote
from transforms.write.views import pattern, write_views

FORMAT: Final = 1
REPLACED: Final = "_meta/replaced"
_LISTED: Final = "_meta/live.json"  # of a dataset in an object store
_READERS: Final = 8


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
    removes: Sequence[str] = ()  # paths of earlier commits' files whose rows are in `files` now

    def to_json(self) -> bytes:
        """Return the manifest as it is kept."""
        return json.dumps(
            {
                "commit_id": self.commit_id,
                "format": FORMAT,
                "created": self.created,
                "rows": sum(file.rows for file in self.files),
                "files": [file._asdict() for file in self.files],
                "removes": list(self.removes),
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


def is_decided(dataset: Dataset, commit_id: str) -> bool:
    """Tell whether a commit has its manifest."""
    return dataset.files.exists(f"_meta/manifests/{commit_id}.json")


def read_manifest(dataset: Dataset, commit_id: str) -> Manifest:
    """Return the manifest of a commit.

    Raises:
        DatasetError: it cannot be read, is damaged, or of a format this version does not know.
    """
    path = manifest_path(dataset, commit_id)
    with explained(str(path)):
        data = dataset.files.read(f"_meta/manifests/{commit_id}.json")
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
            tuple(kept.get("removes", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(str(path), f"the manifest is damaged ({error})", "Restore it from a backup") from error


def decide(dataset: Dataset, manifest: Manifest) -> Manifest:
    """Write the manifest, the commit point; return the one that counts: an earlier one of this id stays as it is.

    Raises:
        DatasetError: a staged file is gone (another run took over and cleared it away), or the disk is full.
    """
    files, path = dataset.files, f"_meta/manifests/{manifest.commit_id}.json"
    staged = [file.staged for file in (*manifest.files, *manifest.state)]
    with explained(dataset.root):
        if files.exists(path):
            return read_manifest(dataset, manifest.commit_id)
        if lost := [file for file in staged if not files.exists(file)]:
            raise DatasetError(lost[0], "a staged file is gone: another run took over", "Start the run again")
        files.flush(staged)
        files.settle(staged)
        return manifest if files.publish(path, manifest.to_json()) else read_manifest(dataset, manifest.commit_id)


def roll_forward(dataset: Dataset, store: Store, manifest: Manifest) -> None:
    """Bring a decided commit to its end; whatever of it has been done already is left as it is.

    Raises:
        DatasetError: a file of the commit is lost, the state is damaged, or the disk is full.
    """
    with explained(dataset.root):
        _promote(dataset, manifest)
        store.apply(manifest.commit_id, read_delta(dataset, manifest), manifest.created)
        mark = json.dumps({"commit_id": manifest.commit_id, "finished": time.time()})
        dataset.files.publish(f"_meta/done/{manifest.commit_id}.json", mark.encode())
        write_views(dataset, _readable(dataset))
        dataset.files.delete(f"_meta/staging/{manifest.commit_id}")


def finish_decided(dataset: Dataset, store: Store) -> Sequence[str]:
    """Bring all decided commits to their ends and give the state what it lacks; return the ids of those unfinished.

    Needs `committing`.

    Raises:
        DatasetError: as `roll_forward`.
    """
    decided, done, applied = _names(dataset, "manifests"), _names(dataset, "done"), store.applied()
    unfinished = [read_manifest(dataset, name) for name in decided - (done & applied)]
    for manifest in sorted(unfinished, key=lambda manifest: (manifest.created, manifest.commit_id)):
        if manifest.commit_id in done:
            store.apply(manifest.commit_id, read_delta(dataset, manifest), manifest.created)
        else:
            roll_forward(dataset, store, manifest)
    return sorted(decided - done)


def recover(dataset: Dataset, store: Store) -> Recovery:
    """Finish decided commits, drop undecided ones, and give the state what it lacks. Needs the dataset's `lock`.

    A state that is missing altogether is thereby built anew.

    Raises:
        DatasetError: the dataset is not what the newest `lock` gave out; else as `roll_forward`.
    """
    with explained(dataset.root), committing(dataset):
        decided, done, applied = _names(dataset, "manifests"), _names(dataset, "done"), store.applied()
        finished = finish_decided(dataset, store)
        staging = dataset.files.names("_meta/staging")
        for name in staging:
            dataset.files.delete(f"_meta/staging/{name}")
        for folder in ("", "_meta/", "_meta/manifests/", "_meta/done/", "_meta/runs/"):
            for name in dataset.files.names(folder):
                if name.endswith(".draft"):
                    dataset.files.delete(folder + name)
    return Recovery(finished, [name for name in staging if name not in decided], sorted((decided & done) - applied))


def load_manifests(dataset: Dataset) -> list[Manifest]:
    """Return the manifests of all commits that are in place, in their order.

    Raises:
        DatasetError: one cannot be read.
    """
    return _read_all(dataset, _names(dataset, "done"))


def live_files(manifests: Sequence[Manifest]) -> dict[str, StagedFile]:
    """Return what readers are to read, by path: the files of all commits that no compaction has replaced."""
    removed = {path for manifest in manifests for path in manifest.removes}
    return {file.path: file for manifest in manifests for file in manifest.files if file.path not in removed}


def compaction_of(table: str, date: str) -> str:
    """Return how the ids of compactions of a table's day begin."""
    return f"compact-{table}-{date}-"


def replaced(dataset: Dataset, table: str, dates: Collection[str]) -> set[str]:
    """Return the paths of the files of these days that compactions have replaced; some may still be there."""
    starts = tuple(compaction_of(table, date) for date in dates)
    commits = [name for name in _names(dataset, "done") if name.startswith(starts)]
    return {path for name in commits for path in read_manifest(dataset, name).removes}


def read_delta(dataset: Dataset, manifest: Manifest) -> Delta:
    """Return what a commit changes in the state, from its promoted files.

    Raises:
        DatasetError: one of them is damaged.
    """
    try:
        return Delta(
            _delta_rows(dataset, manifest, FeedState),
            _delta_rows(dataset, manifest, LinkState),
            _delta_rows(dataset, manifest, VersionState),
            list(_signatures(dataset, manifest)),
        )
    except (EOFError, ValueError, TypeError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"what it changes in the state cannot be read ({error})"
        raise DatasetError(
            str(manifest_path(dataset, manifest.commit_id)), problem, "Restore it from a backup"
        ) from error


def _promote(dataset: Dataset, manifest: Manifest) -> None:
    files, ours = dataset.files, (*manifest.files, *manifest.state)
    if manifest.removes and isinstance(files, LocalFiles):
        _swap(files, manifest)
    else:
        for file in ours:
            try:
                files.promote(file.staged, file.path)
            except FileNotFoundError:
                problem = "the manifest names it, but it is neither staged nor in place"
                raise DatasetError(file.path, problem, "Restore it from a backup") from None
    files.settle(file.path for file in ours)


def _swap(files: LocalFiles, manifest: Manifest) -> None:
    """Exchange each partition's folder for the one that was staged, and put the old one away until `vacuum`."""
    for folder, staged, first in sorted({(_folder(f.path), _folder(f.staged), f.path) for f in manifest.files}):
        if not files.exists(first):
            files.swap(staged, folder)
        if files.names(staged):
            files.put_away(staged, f"{REPLACED}/{manifest.commit_id}/{folder}")


def _readable(dataset: Dataset) -> dict[str, list[str]]:
    """The tables that have rows, with what finds their files."""
    if not is_remote(dataset.root):
        return {name: [pattern(name)] for name in dataset.files.names("") if name[0] != "_" and "." not in name}
    done = _names(dataset, "done")
    listed = _listed(dataset, done)
    new = _read_all(dataset, done - set(listed["commits"]))
    removed = {path for manifest in new for path in manifest.removes}
    live = {path: table for path, table in listed["files"].items() if path not in removed}
    live.update((path, file.table) for path, file in live_files(new).items())
    commits = [*listed["commits"], *(manifest.commit_id for manifest in new)]
    dataset.files.replace(_LISTED, json.dumps({"commits": commits, "files": live}).encode())
    tables = dict[str, list[str]]()
    for path, table in sorted(live.items()):
        tables.setdefault(table, []).append(path)
    return tables


def _listed(dataset: Dataset, done: set[str]) -> dict[str, Any]:
    """What earlier commits have read of manifests: the files that are live after `commits`, by path, with their tables.

    Where the list is lost, damaged or of other commits than those `done`, all manifests are read again.
    """
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        listed: dict[str, Any] = json.loads(dataset.files.read(_LISTED))
        if isinstance(listed["files"], dict) and done.issuperset(listed["commits"]):
            return listed
    return {"commits": [], "files": {}}


def _read_all(dataset: Dataset, names: Collection[str]) -> list[Manifest]:
    """The manifests of these commits in the commits' order; an object store answers several requests at a time."""
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda name: read_manifest(dataset, name), names))
    return sorted(found, key=lambda manifest: (manifest.created, manifest.commit_id))


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _delta_rows(dataset: Dataset, manifest: Manifest, kind: type[R]) -> list[dict[str, Any]]:
    files = [file for file in manifest.state if file.table == TABLES[kind].name]
    rows = [row for file in files for row in delta_rows(dataset.files.read(file.path))]
    check_scalars(kind, rows)
    return rows


def _signatures(dataset: Dataset, manifest: Manifest) -> Iterator[Signature]:
    for file in manifest.files:
        # Someone may have deleted an old partition since, or a compaction have taken the rows into its own commit.
        if file.table == "signatures" and dataset.files.exists(file.path):
            data = io.BytesIO(dataset.files.read(file.path))
            yield from map(signature_of, pq.ParquetFile(data).read().to_pylist())


def _names(dataset: Dataset, folder: str) -> set[str]:
    names = dataset.files.names(f"_meta/{folder}")
    return {name.removesuffix(".json") for name in names if name.endswith(".json")}
