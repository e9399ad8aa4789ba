"""A dataset on disk: where its parts lie, who may work on it, and writes that survive a crash.

    ROOT/articles/date=…/outlet=…/part-….parquet    what readers see; the tables rejects and signatures beside it
    ROOT/_meta/staging/<commit>/                    files of a commit that is not decided yet
    ROOT/_meta/manifests/<commit>.json              written: the commit is decided
    ROOT/_meta/delta/<commit>/                      what the commit changes in the state
    ROOT/_meta/done/<commit>.json                   written: all of the commit is in place
    ROOT/_meta/state.sqlite, lock, commit.lock

All handling of paths and files is in this module; manifests name files relative to ROOT.
"""

import contextlib
import datetime
import errno
import fcntl
import os
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import DatasetError, LockHeld

_REMEDIES: Final = {
    errno.ENOSPC: "Free some space, then start again: the next run goes on from what was committed",
    errno.EDQUOT: "Raise the quota or free some space, then start again",
    errno.EROFS: "Mount it for writing, or give another --output",
    errno.EACCES: "Give this user the right to read and write there, or give another --output",
    errno.EPERM: "Give this user the right to read and write there, or give another --output",
    errno.ENOTDIR: "Give a folder as --output",
}


class Dataset(NamedTuple):
    """The parts of the dataset at `root`."""

    root: str

    def path(self, relative: str) -> Path:
        """Return the path of a file that a manifest names."""
        return Path(self.root, relative)

    @property
    def meta(self) -> Path:
        return Path(self.root, "_meta")

    @property
    def staging(self) -> Path:
        return self.meta / "staging"

    @property
    def manifests(self) -> Path:
        return self.meta / "manifests"

    @property
    def done(self) -> Path:
        return self.meta / "done"

    @property
    def state(self) -> Path:
        return self.meta / "state.sqlite"


def prepare(dataset: Dataset) -> None:
    """Make the folders of a dataset, and find out whether a run can work there.

    Raises:
        DatasetError: the root is no folder, or cannot be read or written.
    """
    root = Path(dataset.root)
    if root.exists() and not root.is_dir():
        raise DatasetError(dataset.root, "is not a folder", _REMEDIES[errno.ENOTDIR])
    with explained(dataset.root):
        for folder in (dataset.staging, dataset.manifests, dataset.done):
            folder.mkdir(parents=True, exist_ok=True)
        os.listdir(root)
        probe = dataset.meta / f"probe-{uuid.uuid4().hex}"
        probe.write_bytes(b"can this be written?")
        probe.unlink()


def require_room(dataset: Dataset, min_free_bytes: int) -> None:
    """Find out whether there is room for another run. One that is decided needs little, and is finished without asking.

    Raises:
        DatasetError: the disk has less than `min_free_bytes` to give.
    """
    with explained(dataset.root):
        free = shutil.disk_usage(dataset.root).free
    if free < min_free_bytes:
        problem = f"only {free / 1e6:.0f} MB free, and a run wants {min_free_bytes / 1e6:.0f}"
        raise DatasetError(dataset.root, problem, "Free some space, or lower write.min_free_bytes in the settings")


@contextlib.contextmanager
def lock(dataset: Dataset) -> Iterator[None]:
    """Hold the dataset for one run: `recover`, the run and later maintenance need it. The kernel frees it on death.

    Raises:
        LockHeld: another process has it.
    """
    with explained(dataset.root):
        file = (dataset.meta / "lock").open("a+", encoding="utf-8")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise LockHeld(dataset.root, file.read(200).strip() or "its name is not known yet") from error
        with explained(dataset.root):
            now = datetime.datetime.now(datetime.UTC)
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M:%S} UTC")
            file.flush()
        yield


@contextlib.contextmanager
def committing(dataset: Dataset) -> Iterator[None]:
    """Wait for, and hold, the right to decide or finish commits.

    `lock` belongs to the process that started a run. A worker of a run that was killed may live a little longer, and
    must not commit while the next run's `recover` clears away its files.
    """
    with (dataset.meta / "commit.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn the operating system's errors into `DatasetError`s about `path`."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Check the disk and the folder's permissions, then start again")
        raise DatasetError(str(error.filename or path), error.strerror or str(error), remedy) from error


def write_file(path: Path, data: bytes) -> None:
    """Write a new file and see it onto the disk; its name is safe only after `sync_folder`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def publish_file(path: Path, data: bytes) -> bool:
    """Write a file that is there whole or not at all, also after a power cut; return False where it was there before.

    A hard link, unlike a rename, never replaces what another process has just published under that name.
    """
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}.draft")
    write_file(draft, data)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """See a folder's entries onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(files: Iterable[Path], top: Path) -> None:
    """See the folders that hold `files`, and those above them up to `top`, onto the disk; each once."""
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(top)}
    for folder in sorted(folders, reverse=True):
        sync_folder(folder)
