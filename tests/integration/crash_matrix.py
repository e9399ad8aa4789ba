"""Kill the commit protocol at every step it takes, look at what readers see, recover, and look again.

    PYTHONPATH=. python tests/integration/crash_matrix.py [EVERY]

Breaks each step (or each EVERYth), prints one line a family of faults, and exits 1 where a row was lost, doubled or half
there. Each fault happens in a
forked child whose file and database calls are counted, so that the product needs no hooks for it. Three families: the
commit is killed; the disk is full, so a call of the commit fails; the recovery after a kill is killed.
"""

import contextlib
import errno
import io
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import DatasetError
from schemas.records import (
    Article,
    FeedState,
    Origin,
    Reject,
    RejectReason,
    Signature,
    TaggedArticle,
    Tally,
)
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write import Dataset, lock, prepare, recover
from transforms.write.ends import link_of_article, link_of_reject, version_of
from transforms.write.manifest import StagedFile
from transforms.write.stage import StageDeltaFn, Stager, StageTableFn, partition
from transforms.write.transform import commit
from transforms.write.verify import verify

NOON = Timestamp(1_760_011_200)
SETTINGS = WriteSettings(shards=1, max_rows_per_file=2, compression_level=1, min_free_bytes=0)
UNHURT, COPED, FAILED, KILLED = 0, 3, 4, -signal.SIGKILL


def article(number: int) -> TaggedArticle:
    outlet, name = ("gazette", "courier")[number % 2], f"article-{number}"
    url = f"https://{outlet}.example/{number}"
    origin = Origin(outlet, f"https://{outlet}.example/rss", name, url, NOON, "en")
    bare = Article(
        origin=origin, article_id=name, version=1, url=url, canonical_url=url, title=name, subtitle="", description="",
        authors=[], section="", tags=[], image_url="", article_type="news", text="Some text. " * 20, dateline="",
        captions=[], syndication_source="", published_at=NOON + number, published_at_source="meta", modified_at=None,
        fetched_at=NOON + 60, language="en", language_confidence=0.9, content_hash=name, change_ratio=None,
        cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main", extraction_quality=0.8,
        warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip
    return TaggedArticle(bare, [], [], 0.0, "g1")


def write(dataset: Dataset, store: Store, run_id: str, articles: Sequence[TaggedArticle]) -> None:
    """Commit `articles` and one reject, as the pipeline does, in one process."""
    stager, outlet = Stager(dataset, run_id), "gazette"
    origin = Origin(outlet, "https://gazette.example/rss", "", f"https://gazette.example/lost-{run_id}", NOON, None)
    reject = Reject("fetch", RejectReason.TIMEOUT, origin, "entry", origin.link, "", True, NOON)
    feed = FeedState(
        origin.feed,
        outlet,
        origin.feed,
        None,
        None,
        200,
        "fetched",
        NOON,
        NOON,
        NOON,
        NOON + 60,
        60.0,
        0,
        False,
        9,
        run_id,
    )
    signatures = [
        Signature(a.article_id, 1, a.origin.outlet, a.article_id, "", [1, 2], b"", "{}", 9, a.published_at, NOON, "")
        for a, *_ in articles
    ]
    tables: dict[str, Sequence[Any]] = {"articles": articles, "rejects": [reject], "signatures": signatures}
    deltas: dict[str, Sequence[Any]] = {
        "links": [*(link_of_article(tagged.article) for tagged in articles), link_of_reject(reject)],
        "versions": [version_of(tagged.article) for tagged in articles],
        "feeds": [feed],
    }
    files: list[StagedFile] = []
    for table, records in tables.items():
        for place in sorted({partition(table, record) for record in records}):
            group = [record for record in records if partition(table, record) == place]
            files += StageTableFn(stager, table, "0.1", SETTINGS).process((f"{place}/part-{run_id}-000", group))
    for table, records in deltas.items():
        files += StageDeltaFn(stager, table, store).process((f"{table}-000", records))
    tallies = [Tally(tagged.article.origin.outlet, "entry", "", 1) for tagged in articles]
    tallies += [
        Tally(outlet, "entry", "", 1),
        Tally(outlet, "reject", "timeout", 1),
        Tally(outlet, "feed", "fetched", 1),
    ]
    commit(dataset, store, run_id, files, tallies, "0.1")


OLD, NEW = [article(n) for n in range(3)], [article(n) for n in range(3, 8)]


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
NO_ROOM = sqlite3.OperationalError("database or disk is full")


class Fault:
    """Kills the process, or fails the call, at the step `number`."""

    def __init__(self, number: int, kill: bool) -> None:
        self.number, self.kill, self.count = number, kill, 0

    def __call__(self, error: Exception = NO_SPACE) -> None:
        self.count += 1
        if self.count == self.number and self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == self.number:
            raise error


@contextlib.contextmanager
def steps(fault: Fault) -> Iterator[None]:
    """Call `fault` before each call that changes files or the database, and after a file was made but not written."""

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **options: Any) -> Any:
            fault()
            return function(*args, **options)

        return stepped

    class Connection(sqlite3.Connection):
        def execute(self, *args: Any) -> sqlite3.Cursor:
            fault(NO_ROOM)
            return super().execute(*args)

        def executemany(self, *args: Any) -> sqlite3.Cursor:
            fault(NO_ROOM)
            return super().executemany(*args)

        def __exit__(self, *args: Any) -> Any:
            fault(NO_ROOM)
            return super().__exit__(*args)

    real_open, real_connect = io.open, sqlite3.connect

    def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if mode == "xb":
            fault()
            real_open(file, mode).close()
            fault()
            mode = "wb"
        return real_open(file, mode, *args, **options)

    changed = ("fsync", "replace", "link", "unlink", "mkdir", "rmdir")
    kept = {name: getattr(os, name) for name in changed}
    for name in changed:
        setattr(os, name, before(kept[name]))
    io.open, sqlite3.connect = opened, lambda *args, **options: real_connect(*args, factory=Connection, **options)  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in changed:
            setattr(os, name, kept[name])
        io.open, sqlite3.connect = real_open, real_connect


def in_child(work: Callable[[], object], fault: Fault) -> int:
    """Do `work` in a child that meets `fault`; return how the child ended: UNHURT where it had fewer steps."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        with steps(fault):
            work()
        status = COPED if fault.count >= fault.number else UNHURT
    except DatasetError:
        status = FAILED
    except BaseException as error:
        print("unexpected:", repr(error), file=sys.stderr)
    finally:
        os._exit(status)


def rows(dataset: Dataset) -> list[str]:
    """Return the ids of all rows readers see; any file among them that is not whole Parquet raises."""
    found = []
    for path in Path(dataset.root, "articles").rglob("*"):
        if path.is_file():
            found += pq.ParquetFile(path).read(columns=["article_id"]).column(0).to_pylist()
    return sorted(found)


def expect(what: str, wrong: bool) -> None:
    """Stop the matrix where something is wrong."""
    if wrong:
        raise SystemExit(f"WRONG: {what}")


def check(dataset: Dataset, tagged: Sequence[TaggedArticle], runs: int) -> None:
    """Rows once, state as the rows say, and nothing left over."""
    names = sorted(each.article.article_id for each in tagged)
    store = Store(dataset.state)
    expect(f"rows {rows(dataset)}", rows(dataset) != names)
    expect(
        "links",
        set(store.links([each.article.origin.link for each in tagged]))
        != {each.article.origin.link for each in tagged},
    )
    expect("versions", set(store.versions(names)) != set(names))
    expect("signatures", sorted(s.article_id for s in store.signatures([1], Timestamp(0))) != names)
    expect("commits", len(store.applied()) != runs)
    expect("staging", bool(list(dataset.staging.iterdir())))
    expect("drafts", bool(list(dataset.meta.rglob("*.draft"))))
    with lock(dataset) as held:
        expect("recovery finds more to do", any(recover(held, store)))
        expect("faults", bool(verify(held).faults))
    store.close()


def next_run(dataset: Dataset) -> None:
    """Do what the next scheduled run does: recover, then write what is not there yet."""
    store = Store(dataset.state)
    with lock(dataset) as dataset:
        recover(dataset, store)
        if not is_decided(dataset):
            write(dataset, store, "run-2", NEW)
    store.close()


def broken_commits(base: Path, work: Path, every: int, kill: bool) -> str:
    """Break the second commit at each of its steps; return what was seen."""
    old, both = (sorted(each.article.article_id for each in part) for part in (OLD, [*OLD, *NEW]))
    decided = broken = 0
    for number in range(1, 10_000, every):
        dataset = fresh(base, work)
        status = in_child(lambda: first_run(dataset), Fault(number, kill))  # noqa: B023
        expect(
            f"step {number} ended with {status}", status not in ({UNHURT, KILLED} if kill else {UNHURT, FAILED, COPED})
        )
        seen = rows(dataset)
        after = is_decided(dataset)
        expect(f"step {number} shows {seen}", len(set(seen)) != len(seen) or not set(old) <= set(seen) <= set(both))
        expect(f"step {number} shows rows of an undecided run", not after and seen != old)
        next_run(dataset)
        check(dataset, [*OLD, *NEW], 2)
        if status == UNHURT:
            return f"{broken} faults, {decided} of them after the decision: every row once"
        broken, decided = broken + 1, decided + after
    raise SystemExit("WRONG: no end")


def broken_recoveries(base: Path, work: Path, every: int) -> str:
    """Kill a commit right after its manifest, then kill the recovery at each of its steps; return what was seen."""
    first = next(number for number in range(1, 10_000) if is_decided(killed_commit(base, work, number)))
    for step in range(1, 10_000, every):
        dataset = killed_commit(base, work, first)
        status = in_child(lambda: recovered(dataset), Fault(step, kill=True))  # noqa: B023
        next_run(dataset)
        check(dataset, [*OLD, *NEW], 2)
        if status == UNHURT:
            return f"{(step - 1) // every} faults: every row once"
    raise SystemExit("WRONG: no end")


def first_run(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state) as store:
        write(held, store, "run-1", NEW)


def recovered(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state) as store:
        recover(held, store)


def is_decided(dataset: Dataset) -> bool:
    return (dataset.manifests / "run-1.json").exists()


def killed_commit(base: Path, work: Path, number: int) -> Dataset:
    """Return a dataset whose second commit was killed at step `number`."""
    dataset = fresh(base, work)
    in_child(lambda: first_run(dataset), Fault(number, kill=True))
    return dataset


def fresh(base: Path, work: Path) -> Dataset:
    """Return a copy of the dataset that holds one earlier commit."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    return Dataset(str(work))


def main(folder: Path, every: int) -> None:
    """Run the matrix below `folder`, at each `every`th step."""
    base, work = folder / "base", folder / "work"
    dataset = Dataset(str(base))
    prepare(dataset)
    write(dataset, Store(dataset.state), "run-0", OLD)
    check(dataset, OLD, 1)
    print("commit killed:", broken_commits(base, work, every, kill=True), flush=True)
    print("commit out of disk:", broken_commits(base, work, every, kill=False), flush=True)
    print("recovery killed:", broken_recoveries(base, work, every), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), int(sys.argv[1]) if len(sys.argv) > 1 else 1)
