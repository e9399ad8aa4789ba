"""A dataset on disk: where its parts lie, who may work on it, and writes that survive a crash.

    ROOT/articles/date=…/outlet=…/part-….parquet    what readers see; the tables rejects and signatures beside it
    ROOT/_meta/staging/<commit>/                    files of a commit that is not decided yet
    ROOT/_meta/manifests/<commit>.json              written: the commit is decided
    ROOT/_meta/delta/<commit>/                      what the commit changes in the state
    ROOT/_meta/done/<commit>.json                   written: all of the commit is in place
    ROOT/_meta/replaced/<commit>/                   folders that a compaction has taken out, until `vacuum`
    ROOT/_meta/epoch                                how often the lock was taken: the right of its holder to commit
    ROOT/_meta/state.sqlite, lock, commit.lock

ROOT is a folder, or a prefix in an object store; manifests name files relative to it.
"""

import contextlib
import datetime
import errno
import os
import shutil
import socket
import stat
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import DatasetError, LockHeld, TakenOver
from transforms.state import is_database
from transforms.write.files import Files, is_remote, open_files
from transforms.write.locks import hold

_EPOCH: Final = "_meta/epoch"
_SCRATCH: Final = "a scratch folder of newsbeam: deleted once nobody holds this lock"
_REMEDIES: Final = {
    errno.ENOSPC: "Free some space, then start again: the next run goes on from what was committed",
    errno.EDQUOT: "Raise the quota or free some space, then start again: nothing is lost",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), then start again: nothing is lost",
    errno.EROFS: "Mount it for writing, or give another --output",
    errno.EACCES: "Give this user the right to read and write there, or give another --output",
    errno.EPERM: "Give this user the right to read and write there, or give another --output",
    errno.ENOTDIR: "Give a folder as --output",
}


class Dataset(NamedTuple):
    """The parts of the dataset at `root`, a folder or the URL of a prefix in an object store."""

    root: str
    state_at: str = ""  # path or URL of a state that does not lie beside the dataset, "" where it does
    epoch: int = 0  # of the `lock` it was got from: whoever holds an earlier one may not commit any more

    def path(self, relative: str) -> Path:
        """Return the path of a file that a manifest names."""
        return Path(self.root, relative)

    @property
    def address(self) -> str:
        """The root as readers and people write it: without the options of our own client."""
        return self.root.partition("?")[0] if is_remote(self.root) else self.root

    @property
    def files(self) -> Files:
        return open_files(self.root)

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

    @property
    def state_address(self) -> str:
        """Where `transforms.state.Store` finds the state."""
        return self.state_at or str(self.state)


def dataset_at(output: str, state: str = "") -> Dataset:
    """Return the dataset at `output`, a folder or a URL, with its state at `state`, a file or a URL, or beside it."""
    root = output if is_remote(output) else str(Path(output).absolute())
    return Dataset(root, state if is_database(state) or not state else str(Path(state).absolute()))


def find(dataset: Dataset) -> None:
    """Make sure that there is a dataset: for what must not make one by a slip in its path.

    Raises:
        DatasetError: there is none, or it cannot be read.
    """
    with explained(dataset.root):
        try:
            found = dataset.files.names("_meta")
        except NotADirectoryError:
            found = []
    if not found:
        raise DatasetError(dataset.root, "is no dataset", "Give the --output of an earlier run")


def prepare(dataset: Dataset) -> None:
    """Make the folders of a dataset, and find out whether a run can work there.

    Raises:
        DatasetError: the root is no folder, or cannot be read or written; it is in an object store, which can hold
            no state, and none was named.
    """
    root = Path(dataset.root)
    if is_remote(dataset.root):
        if not dataset.state_at:
            remedy = "Name one with --state: postgresql://…, or a file where all runs come from one machine"
            raise DatasetError(dataset.root, "an object store can hold no state", remedy)
    elif root.exists() and not root.is_dir():
        raise DatasetError(dataset.root, "is not a folder", _REMEDIES[errno.ENOTDIR])
    with explained(dataset.root):
        probe = f"_meta/probe-{uuid.uuid4().hex}"
        if not is_remote(dataset.root):
            for folder in (dataset.staging, dataset.manifests, dataset.done):
                folder.mkdir(parents=True, exist_ok=True)
            dataset.files.settle(("_meta/staging/x", "_meta/manifests/x", "_meta/done/x"))
        dataset.files.names("")
        dataset.files.write(probe, b"can this be written?")
        dataset.files.delete(probe)


def require_room(dataset: Dataset, min_free_bytes: int) -> None:
    """Find out whether there is room for another run. One that is decided needs little, and is finished without asking.

    Raises:
        DatasetError: the disk has less than `min_free_bytes` to give.
    """
    if is_remote(dataset.root):
        return
    with explained(dataset.root):
        free = shutil.disk_usage(dataset.root).free
    if free < min_free_bytes:
        problem = f"only {free / 1e6:.0f} MB free, and a run wants {min_free_bytes / 1e6:.0f}"
        raise DatasetError(dataset.root, problem, "Free some space, or lower write.min_free_bytes in the settings")


@contextlib.contextmanager
def scratch(dataset: Dataset, name: str) -> Iterator[Path]:
    """Make a folder of this machine for what a run needs while it works.

    It goes when the run has ended well. It lies below staging, so that what a killed run leaves goes with the rest; of
    a dataset in an object store, in the system's temporary folder, where the next such run on this machine finds that
    its lock is free.
    """
    if is_remote(dataset.root):
        with _temporary(name) as folder:
            yield folder
        return
    folder = dataset.staging / name
    with explained(dataset.root):
        folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _temporary(name: str) -> Iterator[Path]:
    """A temporary folder that is held by a lock in it; those of killed runs are deleted."""
    for left in Path(tempfile.gettempdir()).glob("newsbeam-*"):
        with contextlib.suppress(OSError):
            if not _is_scratch(left):
                continue
            with hold(f"{left}/", "lock", "", wait=False) as other:
                if other is None:
                    shutil.rmtree(left)
    with explained(tempfile.gettempdir()):
        made = Path(tempfile.mkdtemp(prefix=f".newsbeam-{name}-"))
    with hold(f"{made}/", "lock", _SCRATCH, wait=False):
        folder = made.rename(made.with_name(made.name[1:]))  # seen by others once it is held
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_scratch(folder: Path) -> bool:
    """Tell whether `_temporary` made a folder, for this user; others may name theirs after newsbeam, too."""
    file = folder / "lock"
    of_folder, of_file = folder.lstat(), file.lstat()
    kinds = stat.S_ISDIR(of_folder.st_mode) and stat.S_ISREG(of_file.st_mode)
    ours = of_folder.st_uid == of_file.st_uid == os.getuid()
    return kinds and ours and file.read_bytes() == _SCRATCH.encode()


@contextlib.contextmanager
def lock(dataset: Dataset) -> Iterator[Dataset]:
    """Hold the dataset for one run: `recover`, the run and all maintenance need it. It ends with its holder's death.

    Yields the dataset as its holder must use it: with the number of this holding, which `committing` asks for. Workers
    of an earlier holder that are still alive thereby lose the right to commit.

    Raises:
        LockHeld: another process has it.
    """
    now = datetime.datetime.now(datetime.UTC)
    holder = f"process {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M:%S} UTC"
    with contextlib.ExitStack() as stack:
        with explained(dataset.root):
            other = stack.enter_context(hold(_lock_place(dataset), "lock", holder, wait=False))
            if other is not None:
                raise LockHeld(dataset.root, other or "its name is not known yet")
            epoch = _epoch(dataset) + 1
            dataset.files.replace(_EPOCH, str(epoch).encode())
        yield dataset._replace(epoch=epoch)


@contextlib.contextmanager
def committing(dataset: Dataset) -> Iterator[None]:
    """Wait for, and hold, the right to decide or finish commits.

    `lock` belongs to the process that started a run. A worker of a run that was killed may live a little longer, and
    must not commit once the next run has the lock.

    Raises:
        TakenOver: a later run has taken the dataset over.
    """
    with hold(_lock_place(dataset), "commit.lock", "", wait=True):
        if is_taken_over(dataset):
            problem = "another run took over; this one may commit nothing any more"
            raise TakenOver(dataset.root, problem, "Nothing is lost: the other run, or the next, does the work")
        yield


def is_taken_over(dataset: Dataset) -> bool:
    """Tell whether a later run than the one that `dataset` belongs to has had the `lock`."""
    return dataset.epoch != _epoch(dataset)


def _lock_place(dataset: Dataset) -> str:
    """The lock lies beside the dataset; an object store has none to offer, so there it lies with the state."""
    if not is_remote(dataset.root):
        return f"{dataset.meta}/"
    return dataset.state_at if is_database(dataset.state_at) else f"{dataset.state_at}."


def _epoch(dataset: Dataset) -> int:
    return int(dataset.files.read(_EPOCH)) if dataset.files.exists(_EPOCH) else 0


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn the operating system's errors into `DatasetError`s about `path`."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Check the disk and the folder's permissions, then start again")
        raise DatasetError(str(error.filename or path), error.strerror or str(error), remedy) from error
