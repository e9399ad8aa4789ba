"""What the dataset costs and gives at a year's scale, beside small ones, all in one run.

    python -m benchmarks.storage FOLDER [--days 365] [--outlets 300] [--rows 9]

Without Beam: the stage's and the commit's own functions, over made-up articles of some 3,000 characters. Needs, at the
scale of the defaults, 4 GB below FOLDER and some minutes. Prints one line a claim.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow.parquet as pq
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, Entity, Origin, TaggedArticle, Tally, VersionState
from schemas.rows import article_table
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write import Dataset, lock, prepare
from transforms.write.compact import compact
from transforms.write.ends import version_of
from transforms.write.manifest import StagedFile
from transforms.write.stage import StageDeltaFn, Stager, StageTableFn, partition
from transforms.write.transform import commit
from transforms.write.verify import verify

NOON = Timestamp(1_735_732_800)  # 2025-01-01 12:00 UTC
SETTINGS = WriteSettings(shards=1, max_rows_per_file=100_000, compression_level=3, min_free_bytes=0)
CHARACTERS = 3_000  # of a text: what news has, after the pages we have seen
WORDS = [f"word{n}" for n in range(4_000)]
TEXTS = [
    " ".join(random.Random(seed).choices(WORDS, k=CHARACTERS // 8)) for seed in range(200)
]  # fewer than rows: making text is not what is measured


def article(day: int, outlet: int, number: int) -> TaggedArticle:
    slug, name = f"outlet-{outlet:03d}", f"{day:03d}-{outlet:03d}-{number:04d}"
    url = f"https://{slug}.example/{name}"
    origin = Origin(slug, f"https://{slug}.example/rss", name, url, NOON, "en")
    entities = [Entity("goma", "place", "word1", "text", n, n + 5, 1.0, "alias") for n in range(5)]
    bare = Article(
        origin=origin, article_id=name, version=1, url=url, canonical_url=url, title=f"Title {name}", subtitle="",
        description="", authors=["A. Writer"], section="", tags=[], image_url="", article_type="news",
        text=TEXTS[(day * 31 + outlet * 7 + number) % len(TEXTS)], dateline="", captions=[], syndication_source="",
        published_at=NOON + 86_400 * day + number, published_at_source="meta", modified_at=None,
        fetched_at=NOON + 86_400 * day, language="en", language_confidence=0.9, content_hash=name, change_ratio=None,
        cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main", extraction_quality=0.8,
        warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip
    return TaggedArticle(bare, entities, [], 0.0, "g1")


def write(dataset: Dataset, store: Store, run_id: str, groups: Iterator[list[TaggedArticle]]) -> int:
    """Stage and commit `groups`, one a partition; return the rows."""
    stager, rows = Stager(dataset, run_id), 0
    files, tallies, versions = list[StagedFile](), list[Tally](), list[VersionState]()
    stage = StageTableFn(stager, "articles", "0.1", SETTINGS)
    for group in groups:
        files += stage.process((f"{partition('articles', group[0])}/part-{run_id}-000", group))
        tallies.append(Tally(group[0].article.origin.outlet, "entry", "", len(group)))
        versions += [version_of(tagged.article) for tagged in group]
        rows += len(group)
    files += StageDeltaFn(stager, "versions", store).process(("versions-000", versions))
    commit(dataset, store, run_id, files, tallies, "0.1")
    return rows


class Spent(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float  # of this process: what other work on the machine hardly touches


class Clock:
    """Takes the time of a block: `with Clock() as clock: …`, then `clock.spent`."""

    def __enter__(self) -> "Clock":
        self.started = Spent(time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *_: object) -> None:
        self.spent = Spent(time.perf_counter() - self.started.wall, time.process_time() - self.started.cpu)


def fill(root: Path, days: int, outlets: int, rows: int) -> tuple[Dataset, Spent]:
    """Write one run over all days and outlets; return the dataset and what a row takes."""
    dataset = Dataset(str(root))
    prepare(dataset)
    groups = ([article(d, o, n) for n in range(rows)] for d in range(days) for o in range(outlets))
    with lock(dataset) as held, Store(held.state) as store:
        with Clock() as clock:
            count = write(held, store, "run-0", groups)
        return dataset, Spent(*(seconds / count for seconds in clock.spent))


def median(work: Callable[[], Any], times: int = 5) -> float:
    """Return the median seconds of `work`."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def query(files: str) -> Callable[[], Any]:
    """Return a query over `files`: count, times, and entities."""
    text = f"""SELECT count(*), min(published_at), sum(char_count), sum(len(entities))
               FROM read_parquet('{files}', hive_partitioning = true)"""
    return lambda: duckdb.connect().execute(text).fetchall()


def at_scale(folder: Path, days: int, outlets: int, rows: int) -> None:
    """Cost a row, a query by path, and verification, beside a small dataset."""
    _, before = fill(folder / "small-0", 30, 30, rows)
    dataset, large = fill(folder / "large", days, outlets, rows)
    _, after = fill(folder / "small-1", 30, 30, rows)
    small = Spent(*(statistics.mean(both) for both in zip(before, after, strict=True)))
    print(
        f"write, {days} days x {outlets} outlets, {days * outlets * rows} rows: {large.cpu * 1e3:.2f} ms of CPU a row,"
        f" {large.cpu / small.cpu:.2f} x that of 30 x 30; {large.wall * 1e3:.2f} ms by the clock,"
        f" {large.wall / small.wall:.2f} x",
        flush=True,
    )
    path = f"{dataset.root}/articles/date=2025-01-02/outlet=outlet-007/*.parquet"
    print(f"one day and outlet, by path: {median(query(path)):.3f} s")
    with lock(dataset) as held, Clock() as clock:
        seen = verify(held)
    print(
        f"verify: {clock.spent.wall:.1f} s for {seen.files} files, {seen.bytes / 1e9:.2f} GB, {len(seen.faults)} faults"
    )


def crowded_day(folder: Path, runs: int = 96, outlets: int = 30) -> None:
    """Compaction of a day of `runs` runs."""
    dataset = Dataset(str(folder / "crowded"))
    prepare(dataset)
    with lock(dataset) as held, Store(held.state) as store:
        for run in range(runs):
            write(held, store, f"run-{run:03d}", ([article(0, o, run)] for o in range(outlets)))
        day = query(f"{dataset.root}/articles/date=2025-01-01/outlet=*/*.parquet")
        before = median(day)
        started = time.perf_counter()
        done = [each for each in compact(held, store, "2030-01-01") if each.table == "articles"]
        took = time.perf_counter() - started
        after = median(day)
    files, share = (
        sum(each.before for each in done),
        sum(d.bytes_after for d in done) / sum(d.bytes_before for d in done),
    )
    print(
        f"a day of {runs} runs x {outlets} outlets, compacted in {took:.1f} s to {share:.0%} of its bytes:"
        f" query {before * 1e3:.0f} -> {after * 1e3:.0f} ms, {before / after:.1f} x ({files} files)"
    )


def overhead(folder: Path, outlets: int = 30, rows: int = 200) -> None:
    """Rows a second of the sink, beside pyarrow alone over the same partitions, in turn."""
    groups = [[article(0, outlet, number) for number in range(rows)] for outlet in range(outlets)]
    bare, made, ours = list[Spent](), list[Spent](), list[Spent]()
    for turn in range(5):
        place = folder / f"bare-{turn}"
        place.mkdir(parents=True)
        with Clock() as making:
            tables = [article_table(group, "run", "0.1") for group in groups]
        with Clock() as writing:
            for number, table in enumerate(tables):
                target = place / f"{number}.parquet"
                pq.write_table(table, target, compression="zstd", compression_level=3, write_page_index=True)
        bare.append(writing.spent)
        made.append(Spent(*map(sum, zip(making.spent, writing.spent, strict=True))))
        dataset = Dataset(str(folder / f"sink-{turn}"))
        prepare(dataset)
        with lock(dataset) as held, Store(held.state) as store, Clock() as sink:
            write(held, store, "run-0", iter(groups))
        ours.append(sink.spent)
    for name, taken in (("from the same records", made), ("from Arrow tables made before", bare)):
        wall, cpu = (
            statistics.median(spent[kind] for spent in taken) / statistics.median(spent[kind] for spent in ours)
            for kind in (0, 1)
        )
        print(f"sink, commit and state too: {wall:.2f} of write_table's rows/s {name}, {cpu:.2f} by CPU", flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("days", 365), ("outlets", 300), ("rows", 9)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    overhead(options.folder)
    crowded_day(options.folder)
    at_scale(options.folder, options.days, options.outlets, options.rows)


if __name__ == "__main__":
    main()
