"""Windows of a stream: each is committed as a run is, by one worker, with the same files, manifest and state.

A stream's engine may run a window twice: after a failure it goes back to its last checkpoint, and a worker that was
given up may live on. So the commit itself repeats safely: a window that is decided stays as it was decided, and a text
that the state holds already is not written again, neither the newest of an article nor an older one (`replay`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import IntervalWindow
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import TakenOver
from schemas.records import (
    Cluster,
    ClusterAlias,
    FeedState,
    Reject,
    Signature,
    Skip,
    TaggedArticle,
    Tally,
)
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write.count import tally_of_feed, tally_of_reject, tally_of_skip
from transforms.write.dataset import Dataset, committing, explained
from transforms.write.ends import link_of_article, link_of_reject, link_of_skip, version_of
from transforms.write.manifest import StagedFile, finish_decided, is_decided
from transforms.write.stage import StageDeltaFn, Stager, StageTableFn, partition, removed_lines
from transforms.write.transform import Harvest, SumTallies, commit_new


class Batch(NamedTuple):
    """A `Harvest` of one window, in memory."""

    articles: Sequence[TaggedArticle]
    skips: Sequence[Skip]
    rejects: Sequence[Reject]
    entries: Sequence[Tally]
    feed_states: Sequence[FeedState]
    signatures: Sequence[Signature]
    clusters: Sequence[Cluster]
    aliases: Sequence[ClusterAlias]


def window_commit(end: Timestamp) -> str:
    """Return the id of the commit of the window that ends at `end`.

    >>> window_commit(Timestamp(1_773_300_000))
    'stream-20260312T072000Z'
    """
    return f"stream-{end.to_utc_datetime():%Y%m%dT%H%M%SZ}"


def is_committed(dataset: Dataset, commit_id: str) -> bool:
    """Tell whether all of a commit is in place, the state too."""
    return dataset.files.exists(f"_meta/done/{commit_id}.json")


def commit_window(
    dataset: Dataset, store: Store, commit_id: str, batch: Batch, settings: WriteSettings, newsbeam_version: str
) -> bool:
    """Write a window's rows and commit them; return False where that was done before, and nothing was changed.

    Raises:
        CountsDoNotAddUp: nothing was committed.
        DatasetError: before the manifest nothing was committed; after it the next `recover` finishes.
    """
    with explained(dataset.root), committing(dataset):
        finish_decided(dataset, store)
        if is_decided(dataset, commit_id):
            return False
        files = list(_stage(Stager(dataset, commit_id), store, batch, settings, newsbeam_version))
        commit_new(dataset, store, commit_id, files, _tallies(batch), newsbeam_version)
    return True


def _stage(
    stager: Stager, store: Store, batch: Batch, settings: WriteSettings, newsbeam_version: str
) -> Iterator[StagedFile]:
    tables = {
        "articles": batch.articles,
        "rejects": batch.rejects,
        "signatures": batch.signatures,
        "clusters": batch.clusters,
        "aliases": batch.aliases,
        "feeds": batch.feed_states,
        "removals": [line for tagged in batch.articles for line in removed_lines(tagged)],
    }
    for table, records in tables.items():
        stage_table = StageTableFn(stager, table, newsbeam_version, settings)
        folders = dict[str, list[Any]]()
        for record in records:
            folders.setdefault(partition(table, record), []).append(record)
        for folder, part in sorted(folders.items()):
            yield from stage_table.process((f"{folder}/part-{stager.commit_id}-000", part))
    now = Timestamp.now()
    links = [
        *(link_of_article(tagged.article) for tagged in batch.articles),
        *(link for skip in batch.skips if (link := link_of_skip(skip, now)) is not None),
        *(link for reject in batch.rejects if (link := link_of_reject(reject)) is not None),
    ]
    versions = [version_of(tagged.article) for tagged in batch.articles]
    delta: dict[str, Sequence[Any]] = {"links": links, "versions": versions, "feeds": batch.feed_states}
    for table, records in delta.items():
        if records:
            yield from StageDeltaFn(stager, table, store).process((f"{table}-000", records))


def _tallies(batch: Batch) -> list[Tally]:
    ends = [
        *batch.entries,
        *map(tally_of_skip, batch.skips),
        *map(tally_of_reject, batch.rejects),
        *map(tally_of_feed, batch.feed_states),
    ]
    sums = Counter[tuple[str, str, str]]()
    for tally in ends:
        sums[tally.outlet, tally.kind, str(tally.reason)] += tally.n
    return [Tally(*key, n) for key, n in sums.items()]


class CommitWindowFn(beam.DoFn):
    """`commit_window` for Beam: a window's `("", records by field of Harvest)` in, the commit's id out.

    Where a later run has taken the dataset over, the window is left to that one.
    """

    def __init__(self, dataset: Dataset, store: Store, settings: WriteSettings, newsbeam_version: str) -> None:
        self.dataset = dataset
        self.store = store
        self.settings = settings
        self.newsbeam_version = newsbeam_version
        self.committed = Metrics.counter("write", "windows")
        self.repeated = Metrics.counter("write", "windows_repeated")
        self.left = Metrics.counter("write", "windows_left")

    def process(
        self, group: tuple[str, Mapping[str, Iterable[Any]]], window: Any = beam.DoFn.WindowParam
    ) -> Iterator[str]:
        assert isinstance(window, IntervalWindow)
        _, parts = group
        batch = Batch(**{name: list(parts[name]) for name in Batch._fields})
        commit_id = window_commit(window.end)
        try:
            new = commit_window(self.dataset, self.store, commit_id, batch, self.settings, self.newsbeam_version)
        except TakenOver:
            # A later stream or run has it, and polls these feeds again; to fail would make the engine retry.
            self.left.inc()
            return
        (self.committed if new else self.repeated).inc()
        yield commit_id


class WriteWindows(beam.PTransform[Any, Any]):
    """A windowed `Harvest` in; the id of each window's commit out, when all of it is in place.

    A window's rows meet at one worker: what a window brings in is little, and its commit is one act anyway.
    """

    def __init__(self, dataset: Dataset, store: Store, settings: WriteSettings, newsbeam_version: str) -> None:
        super().__init__()
        self.commit = CommitWindowFn(dataset, store, settings, newsbeam_version)

    def expand(self, harvest: Any) -> Any:  # Beam warns of an annotation of several collections
        listed = Harvest(*harvest).entries | "SumListed" >> SumTallies()  # thousands a feed, at every poll
        parts = Harvest(*harvest)._replace(entries=listed)._asdict()
        keyed = {
            name: part | f"Key{name.title().replace('_', '')}" >> beam.WithKeys("") for name, part in parts.items()
        }
        return keyed | "GroupByWindow" >> beam.CoGroupByKey() | "Commit" >> beam.ParDo(self.commit)
