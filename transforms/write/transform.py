"""Write: what a run brought in becomes rows that readers see, all of it or nothing.

articles ─┐
rejects ──┼─ by partition ─ StageTable ─┐
signatures┘                             ├─ files ─┐
links, versions, feeds ─── StageDelta ──┘         ├─ Commit: counts add up? manifest, promote, state, done
entries, skips, rejects, feeds ─── tallies ───────┘
"""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import DatasetError
from schemas.parquet import RUNS
from schemas.records import (
    Cluster,
    ClusterAlias,
    FeedState,
    LinkState,
    Reject,
    Signature,
    Skip,
    TaggedArticle,
    Tally,
    VersionState,
)
from schemas.rows import partition_date, run_row
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write.count import Counts, count, tally_of_feed, tally_of_reject, tally_of_skip
from transforms.write.dataset import Dataset, committing, explained
from transforms.write.delta import DELTA
from transforms.write.ends import link_of_article, link_of_reject, link_of_skip, version_of
from transforms.write.manifest import (
    Manifest,
    StagedFile,
    decide,
    finish_decided,
    is_decided,
    read_manifest,
    roll_forward,
)
from transforms.write.replay import without_written
from transforms.write.stage import StageDelta, Stager, StageTable, parquet_bytes, removed_lines

_COMMIT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Harvest(NamedTuple):
    """What a run brings in: every entry ends in `articles`, `skips` or `rejects`."""

    articles: PCollection[TaggedArticle]
    skips: PCollection[Skip]
    rejects: PCollection[Reject]
    entries: PCollection[Tally]  # what the feeds listed, and what of it was handled before
    feed_states: PCollection[FeedState]
    signatures: PCollection[Signature]
    clusters: PCollection[Cluster]
    aliases: PCollection[ClusterAlias]


class Write(beam.PTransform[Any, Any]):
    """A `Harvest` in, the commit's id out, once, when all of it is in place.

    The commit's id is the run's. Nothing of it is seen by readers, and the state is as it was, until the manifest is
    written; what happens afterwards is finished by `recover` where this run cannot.

    Raises, here or from the pipeline's run:
        DatasetError: the commit was decided by an earlier run, the disk is full, or the dataset cannot be written.
        CountsDoNotAddUp: an entry was lost or counted twice. Nothing is committed.
    """

    def __init__(
        self, dataset: Dataset, run_id: str, store: Store, settings: WriteSettings, newsbeam_version: str
    ) -> None:
        super().__init__()
        if not _COMMIT_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} cannot be part of a file's name")
        self.dataset = dataset
        self.run_id = run_id
        self.store = store
        self.settings = settings
        self.newsbeam_version = newsbeam_version

    def expand(self, harvest: Any) -> Any:  # Beam warns of an annotation of several collections
        if is_decided(self.dataset, self.run_id):
            raise DatasetError(self.dataset.root, f"run {self.run_id} is already committed", "Use another run id")
        articles, skips, rejects, entries, feed_states, signatures, clusters, aliases = Harvest(*harvest)
        links = (
            articles | "ArticleLinks" >> beam.Map(_article_link),
            skips | "SkipLinks" >> beam.FlatMap(_skip_link),
            rejects | "RejectLinks" >> beam.FlatMap(_reject_link),
        ) | "Links" >> beam.Flatten()
        versions = articles | "Versions" >> beam.Map(_version)
        removals = articles | "Removals" >> beam.FlatMap(removed_lines)
        files = (
            articles | "StageArticles" >> self._stage_table("articles"),
            rejects | "StageRejects" >> self._stage_table("rejects"),
            signatures | "StageSignatures" >> self._stage_table("signatures"),
            clusters | "StageClusters" >> self._stage_table("clusters"),
            aliases | "StageAliases" >> self._stage_table("aliases"),
            removals | "StageRemovals" >> self._stage_table("removals"),
            feed_states | "StagePolls" >> self._stage_table("feeds"),
            links | "StageLinks" >> self._stage_delta("links"),
            versions | "StageVersions" >> self._stage_delta("versions"),
            feed_states | "StageFeeds" >> self._stage_delta("feeds"),
        ) | "Files" >> beam.Flatten()
        tallies = (
            entries,
            skips | "TallySkips" >> beam.Map(tally_of_skip),
            rejects | "TallyRejects" >> beam.Map(tally_of_reject),
            feed_states | "TallyFeeds" >> beam.Map(tally_of_feed),
        ) | "Tallies" >> beam.Flatten()
        sums = tallies | "SumTallies" >> SumTallies()
        start = articles.pipeline | "Start" >> beam.Create([self.run_id])  # a run that brought nothing commits, too
        return (
            {
                "start": start | "KeyStart" >> beam.WithKeys(self.run_id),
                "files": files | "KeyFiles" >> beam.WithKeys(self.run_id),
                "tallies": sums | "KeyTallies" >> beam.WithKeys(self.run_id),
            }
            | "GroupByCommit" >> beam.CoGroupByKey()
            | "Commit" >> beam.ParDo(CommitFn(self.dataset, self.store, self.newsbeam_version))
        )

    def _stage_table(self, table: str) -> StageTable:
        return StageTable(Stager(self.dataset, self.run_id), table, self.newsbeam_version, self.settings)

    def _stage_delta(self, table: str) -> StageDelta:
        return StageDelta(Stager(self.dataset, self.run_id), table, self.store, self.settings.shards)


class CommitFn(beam.DoFn):
    """`(commit id, its files and tallies)` in; commits, and says so with the id."""

    def __init__(self, dataset: Dataset, store: Store, newsbeam_version: str) -> None:
        self.dataset = dataset
        self.store = store
        self.newsbeam_version = newsbeam_version

    def process(self, group: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[str]:
        commit_id, parts = group
        files = list(parts["files"])
        commit(self.dataset, self.store, commit_id, files, parts["tallies"], self.newsbeam_version)
        yield commit_id


def commit(
    dataset: Dataset,
    store: Store,
    commit_id: str,
    files: Sequence[StagedFile],
    tallies: Iterable[Tally],
    newsbeam_version: str,
) -> Manifest:
    """Check the counts, decide the commit, and bring it to its end. A replay changes nothing.

    Raises:
        CountsDoNotAddUp: nothing was committed.
        DatasetError: before the manifest nothing was committed; after it the next `recover` finishes.
    """
    with explained(dataset.root), committing(dataset):
        finish_decided(dataset, store)
        if is_decided(dataset, commit_id):
            return read_manifest(dataset, commit_id)
        return commit_new(dataset, store, commit_id, files, tallies, newsbeam_version)


def commit_new(
    dataset: Dataset,
    store: Store,
    commit_id: str,
    files: Sequence[StagedFile],
    tallies: Iterable[Tally],
    newsbeam_version: str,
) -> Manifest:
    """`commit`, of an id that is not decided yet, for who already holds the right to (`committing`)."""
    stager = Stager(dataset, commit_id)
    fresh = without_written(stager, store, files)
    counts = count(commit_id, [*tallies, *fresh.tallies], fresh.files)
    created = max(time.time(), store.newest_commit() + 1e-3)  # a clock that was set back must not reorder the commits
    tables = sorted((file for file in fresh.files if not file.path.startswith(DELTA)), key=_path)
    delta = sorted((file for file in fresh.files if file.path.startswith(DELTA)), key=_path)
    tables.append(_stage_run(stager, created, tables, counts, newsbeam_version))
    manifest = decide(
        dataset, Manifest(commit_id, created, tables, delta, counts.total, counts.by_outlet, counts.feeds)
    )
    roll_forward(dataset, store, manifest)
    return manifest


def _stage_run(
    stager: Stager, created: float, files: Sequence[StagedFile], counts: Counts, newsbeam_version: str
) -> StagedFile:
    """Stage the commit's own row in the table of runs."""
    at = Timestamp.of(round(created, 6))
    row = run_row(stager.commit_id, at, counts, sum(file.rows for file in files), len(files), newsbeam_version)
    data = parquet_bytes(pa.Table.from_pylist([row], schema=RUNS), 3)
    path = f"runs/date={partition_date(at)}/part-{stager.commit_id}.parquet"
    return stager.write("runs", "", path, 1, data)


def _path(file: StagedFile) -> str:
    return file.path


def _article_link(tagged: TaggedArticle) -> LinkState:
    return link_of_article(tagged.article)


def _skip_link(skip: Skip) -> Iterator[LinkState]:
    link = link_of_skip(skip, Timestamp.now())
    if link is not None:
        yield link


def _reject_link(reject: Reject) -> Iterator[LinkState]:
    link = link_of_reject(reject)
    if link is not None:
        yield link


def _version(tagged: TaggedArticle) -> VersionState:
    return version_of(tagged.article)


class SumTallies(beam.PTransform[Any, Any]):
    """Tallies in; one tally an outlet, kind and reason out."""

    def expand(self, tallies: PCollection[Tally]) -> Any:
        return (
            tallies
            | "KeyByAll" >> beam.Map(_tally_key)
            | "Sum" >> beam.CombinePerKey(sum)
            | "Tally" >> beam.MapTuple(_tally)
        )


def _tally_key(tally: Tally) -> tuple[tuple[str, str, str], int]:
    return (tally.outlet, tally.kind, str(tally.reason)), tally.n


def _tally(key: tuple[str, str, str], n: int) -> Tally:
    return Tally(*key, n)
