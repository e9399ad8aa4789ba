"""Break commits, recoveries, compactions and publications at every step, look at what readers see, recover, look again.

    PYTHONPATH=. python tests/integration/crash_matrix.py [EVERY [TIMES]]     each EVERYth step, TIMES times; both 1
    PYTHONPATH=. python tests/integration/crash_matrix.py runs [TIMES]        whole runs, with one and two workers

Prints one line a family of faults, and exits 1 where a row was lost, doubled or half there. Each fault happens in a
forked child whose file and database calls are counted, so that the product needs no hooks for it: at the chosen call
the child is killed, or the call fails because the disk is full. Beside the child, another one reads the dataset all the
while, as a query does: it lists the files, opens each, and counts.
"""

import bisect
import contextlib
import errno
import importlib.util
import io
import itertools
import os
import shutil
import signal
import sqlite3
import sqlite3.dbapi2
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pyarrow.parquet as pq
from apache_beam.utils.timestamp import Timestamp
from pyiceberg.io.pyarrow import PyArrowFile

from pipelines.publish import open_table, publish
from schemas.errors import DatasetError
from schemas.parquet import ARTICLES
from schemas.records import (
    Article,
    Cluster,
    ClusterAlias,
    FeedState,
    Member,
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
from transforms.write.compact import compact
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
    members = [
        Member(a.article_id, 1, a.origin.outlet, "repost" if number else None, NOON, None, None)
        for number, (a, *_) in enumerate(articles)
    ]
    tables: dict[str, Sequence[Any]] = {
        "articles": articles,
        "rejects": [reject],
        "signatures": signatures,
        "clusters": [Cluster(run_id, members, complete=True)],
        "aliases": [ClusterAlias(f"before-{run_id}", run_id, NOON)],
    }
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
        self.one = threading.Lock()  # files are synced by several threads

    def __call__(self, error: Exception = NO_SPACE) -> None:
        with self.one:
            self.count += 1
            reached = self.count == self.number
        if reached and self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if reached:
            raise error


@contextlib.contextmanager
def steps(fault: Fault) -> Iterator[None]:
    """Call `fault` before each call that changes files or the database, and after a file was made but not written."""

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **options: Any) -> Any:
            fault()
            return function(*args, **options)

        return stepped

    class Cursor(sqlite3.Cursor):
        def execute(self, *args: Any) -> Any:
            fault(NO_ROOM)
            return super().execute(*args)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:  # how SQLAlchemy, below the Iceberg catalog, does it
            return super().cursor(factory)

        def commit(self) -> None:
            fault(NO_ROOM)
            super().commit()

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

    def connected(*args: Any, **options: Any) -> sqlite3.Connection:
        return real_connect(*args, **{**options, "factory": Connection})

    def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if mode == "xb":
            fault()
            real_open(file, mode).close()
            fault()
            mode = "wb"
        return real_open(file, mode, *args, **options)

    changed = ("fsync", "replace", "link", "unlink", "mkdir", "rmdir")
    kept = {name: getattr(os, name) for name in changed}
    PyArrowFile.create, created = before(PyArrowFile.create), PyArrowFile.create
    for name in changed:
        setattr(os, name, before(kept[name]))
    io.open, sqlite3.connect, sqlite3.dbapi2.connect = opened, connected, connected  # type: ignore[assignment]
    try:
        yield
    finally:
        PyArrowFile.create = created
        for name in changed:
            setattr(os, name, kept[name])
        io.open, sqlite3.connect, sqlite3.dbapi2.connect = real_open, real_connect, real_connect


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
    for path in Path(dataset.root, "articles").glob("date=*/outlet=*/*"):
        found += pq.ParquetFile(path).read(columns=["article_id"]).column(0).to_pylist()
    return sorted(found)


def clusters(dataset: Dataset) -> tuple[list[list[str]], int]:
    """Return the members of each cluster, and how many aliases there are."""
    tables = (pq.ParquetFile(path).read() for path in Path(dataset.root, "clusters").glob("date=*/*"))
    groups = [[member["article_id"] for member in row["members"]] for table in tables for row in table.to_pylist()]
    aliases = Path(dataset.root, "aliases").glob("date=*/*")
    return groups, sum(pq.ParquetFile(path).metadata.num_rows for path in aliases)


def expect(what: str, wrong: bool) -> None:
    """Stop the matrix where something is wrong."""
    if wrong:
        raise SystemExit(f"WRONG: {what}")


def check(dataset: Dataset, tagged: Sequence[TaggedArticle], commits: Optional[int]) -> None:
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
    grouped, aliases = clusters(dataset)
    expect(f"clusters {grouped}", sorted(name for group in grouped for name in group) != names)
    expect(f"aliases {aliases}", aliases != len(grouped))
    expect("commits", commits is not None and len(store.applied()) != commits)
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


def reader(dataset: Dataset, old: Sequence[str], both: Sequence[str], said: int) -> None:
    """Read for ever; say `!` and what was seen where that is wrong, else `.` a reading."""
    least, most = set(old), set(both)
    while True:
        try:
            seen = rows(dataset)
        except FileNotFoundError:  # swapped between the listing and the opening; a query is asked again
            os.write(said, b"?")
            continue
        right = len(set(seen)) == len(seen) and least <= set(seen) <= most
        os.write(said, b"." if right else f"!{seen}".encode())


@contextlib.contextmanager
def reading(dataset: Dataset, old: Sequence[str], both: Sequence[str], total: Counter[str]) -> Iterator[None]:
    """Let another process read the dataset; it must see all of `old`, nothing beside `both`, and nothing twice."""
    heard, said = os.pipe()
    os.set_blocking(said, False)
    child = os.fork()
    if not child:
        try:
            reader(dataset, old, both, said)
        except BaseException as error:
            os.write(said, f"!{error!r}".encode())
        os._exit(1)
    os.close(said)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with open(heard, "rb") as pipe:
            words = pipe.read().decode()
        expect(f"a reader saw {words[words.find('!') :][:300]}", "!" in words)
        total.update(words)


class Family(NamedTuple):
    """A kind of work that is broken at its steps."""

    name: str
    before: Callable[[], Dataset]  # makes the dataset as it is before the work
    work: Callable[[Dataset], object]
    after: Callable[[Dataset], None]  # what the next run does, and what must be true then
    old: Sequence[str]  # rows seen before
    both: Sequence[str]  # and after


def break_all(family: Family, kill: bool, every: int, times: int) -> str:
    """Break a family's work at each `every`th step, `times` times; return what was seen."""
    allowed = {UNHURT, KILLED} if kill else {UNHURT, FAILED, COPED}
    faults, total = 0, Counter[str]()
    for number in range(1, 10_000, every):
        for _ in range(times):
            dataset = family.before()
            with reading(dataset, family.old, family.both, total):
                status = in_child(lambda: family.work(dataset), Fault(number, kill))  # noqa: B023
                expect(f"{family.name}, step {number} ended with {status}", status not in allowed)
                seen = rows(dataset)
                decided = is_decided(dataset)
                wrong = not decided and len(seen) not in (len(family.old), len(family.both))
                expect(f"{family.name}, step {number} shows rows of an undecided run", wrong)
                family.after(dataset)
            faults += status != UNHURT
        if status == UNHURT:
            way = "killed" if kill else "disk full"
            readings = f"{total['.']} readings, {total['?']} asked again"
            return f"| {family.name} | {way} | {number - 1} | {faults} | {readings} | every row once |"
    raise SystemExit("WRONG: no end")


def first_run(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state) as store:
        write(held, store, "run-1", NEW)


def recovered(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state) as store:
        recover(held, store)


def is_decided(dataset: Dataset) -> bool:
    return (dataset.manifests / "run-1.json").exists()


def compacted(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state) as store:
        recover(held, store)
        for _ in compact(held, store, "2030-01-01"):
            pass


def after_compaction(dataset: Dataset) -> None:
    compacted(dataset)
    expect("files are left", len(list(Path(dataset.root, "articles").rglob("*.parquet"))) != 2)
    check(dataset, [*OLD, *NEW], None)


def published(dataset: Dataset) -> list[str]:
    """Publish what the Iceberg table lacks; return its rows."""
    place = Path(dataset.root, "_iceberg")
    place.mkdir(exist_ok=True)
    with lock(dataset) as held, Store(held.state) as store:
        recover(held, store)
        table = open_table(f"sqlite:///{place}/catalog.sqlite", place.as_uri(), "news.articles", ARTICLES)
        for _ in publish(held, table):
            pass
    return sorted(table.refresh().scan(selected_fields=("article_id",)).to_arrow().column(0).to_pylist())


def after_publication(dataset: Dataset) -> None:
    names = sorted(each.article.article_id for each in (*OLD, *NEW))
    expect("the table differs", published(dataset) != names)
    check(dataset, [*OLD, *NEW], 2)


def after_commit(dataset: Dataset) -> None:
    next_run(dataset)
    check(dataset, [*OLD, *NEW], 2)


def killed_after_its_manifest(base: Path, work: Path) -> Path:
    """Return a dataset whose second commit was decided, and no more."""

    def decided(number: int) -> bool:
        dataset = copy(base, work)
        in_child(lambda: first_run(dataset), Fault(number, kill=True))
        return is_decided(dataset)

    first = bisect.bisect_left(range(1, 1_000), True, key=decided) + 1
    expect("the commit cannot be cut", not decided(first))
    return work


def copy(base: Path, work: Path) -> Dataset:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    return Dataset(str(work))


def main(folder: Path, every: int, times: int) -> None:
    """Run the matrix below `folder`."""
    one, two, work = folder / "one", folder / "two", folder / "work"
    for base in (one, two):
        prepare(Dataset(str(base)))
        with lock(Dataset(str(base))) as held, Store(held.state) as store:
            write(held, store, "run-0", OLD)
        check(Dataset(str(base)), OLD, 1)
    first_run(Dataset(str(two)))
    cut = killed_after_its_manifest(one, folder / "cut")
    old, both = (sorted(each.article.article_id for each in part) for part in (OLD, [*OLD, *NEW]))
    families = [
        Family("commit", lambda: copy(one, work), first_run, after_commit, old, both),
        Family("recovery", lambda: copy(cut, work), recovered, after_commit, old, both),
        Family("compaction", lambda: copy(two, work), compacted, after_compaction, both, both),
        Family("publication", lambda: copy(two, work), published, after_publication, both, both),
    ]
    print("| what is broken | how | steps | faults | beside it | afterwards |\n|---|---|---|---|---|---|")
    for family in families:
        for kill in (True, False):
            if kill or family.name != "publication":  # the other libraries' files are not written by calls of ours
                print(break_all(family, kill, every, times), flush=True)


# A whole run, broken in whatever process of it comes to the step first.
POINTS = [
    ("replace", "/_meta/epoch", 1),
    ("link", "manifests", 1),
    ("replace", "/articles/", 1),
    ("replace", "/articles/", 5),
    ("replace", "/articles/", 8),
    ("replace", "/_meta/delta/", 1),
    ("link", "done", 1),
    ("replace", "views.sql", 1),
]


def runs(folder: Path, times: int) -> None:
    """Break whole runs at `POINTS`, with one and two workers, by a kill and by an error."""
    place = Path(__file__).with_name("test_write_crash.py")
    spec = importlib.util.spec_from_file_location("whole_runs", place)
    assert spec is not None
    assert spec.loader is not None
    whole = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(whole)
    script = folder / "run.py"
    script.write_text(whole.RUN, "utf-8")
    print("| workers | how | points | faults | afterwards |\n|---|---|---|---|---|")
    for workers in (1, 2):
        for action in ("os.killpg(0, signal.SIGKILL)", "raise OSError(5, 'Input/output error')"):
            for (name, part, number), turn in itertools.product(POINTS, range(times)):
                root = folder / f"{workers}-{name}-{number}-{turn}-{len(action)}-{part.strip('/').replace('/', '-')}"
                fault = whole.FAULT.format(name=name, part=part, number=number)
                (folder / "sitecustomize.py").write_text(fault.replace("os.killpg(0, signal.SIGKILL)", action), "utf-8")
                broken = whole.run(script, root, "run-1", workers, str(folder))
                expect(f"{root.name} was not broken", broken.returncode == 0)
                seen = whole.rows(root)
                expect(f"{root.name} shows {seen}", seen[0] != seen[1])
                again = whole.run(script, root, "run-2", workers)
                expect(f"{root.name}: {again.stderr}", again.returncode != 0)
                expect(f"{root.name} ends with {whole.rows(root)}", whole.rows(root) != (whole.ENTRIES, whole.ENTRIES))
                with lock(Dataset(str(root))) as held:
                    expect(f"{root.name} has faults", bool(verify(held).faults))
                shutil.rmtree(root)
            way = "killed" if "kill" in action else "an error"
            print(f"| {workers} | {way} | {len(POINTS)} | {len(POINTS) * times} | every row once |", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        if sys.argv[1:2] == ["runs"]:
            runs(Path(temporary), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
        else:
            main(Path(temporary), *map(int, [*sys.argv[1:], "1", "1"][:2]))
