"""Staging: records become whole files under `_meta/staging/<commit>/`, each with the place it is to have."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.typehints import KV
from apache_beam.utils.timestamp import Timestamp

from schemas import parquet
from schemas.records import Cluster, ClusterAlias, FeedState, Reject, RemovedLine, Signature, TaggedArticle
from schemas.rows import (
    Row,
    alias_row,
    article_table,
    cluster_row,
    feed_row,
    partition_date,
    reject_row,
    removal_row,
    shown_time,
    signature_row,
)
from schemas.settings import SLUG, WriteSettings
from transforms.state import StateRecord, Store, to_scalars
from transforms.write.dataset import Dataset, explained
from transforms.write.delta import DELTA, delta_file
from transforms.write.ends import newest_feeds, settle_links, settle_versions
from transforms.write.manifest import StagedFile


class Table(NamedTuple):
    """How records of one kind are stored."""

    rows: Callable[[Sequence[Any], str, str], pa.Table]  # of records, a run's id and newsbeam's version
    outlet: Callable[[Any], str]  # "" where the table is not partitioned by outlet
    order: Callable[[Any], tuple[Any, ...]]  # total, and led by the time whose day is the partition's


def _article_order(tagged: TaggedArticle) -> tuple[Any, ...]:
    article = tagged.article
    return shown_time(article.published_at, article.fetched_at).micros, article.article_id, article.version


def _signature_order(signature: Signature) -> tuple[Any, ...]:
    time = shown_time(signature.published_at, signature.fetched_at)
    return time.micros, signature.article_id, signature.version


def _removal_order(line: RemovedLine) -> tuple[Any, ...]:
    return line.fetched_at.micros, line.article_id, line.version, line.number


def _reject_order(reject: Reject) -> tuple[Any, ...]:
    origin = reject.origin
    return reject.at.micros, reject.stage, reject.reason, reject.url, origin.link, origin.feed, origin.entry_id


def _feed_order(state: FeedState) -> tuple[Any, ...]:
    return state.polled_at.micros, state.url


def _cluster_order(cluster: Cluster) -> tuple[Any, ...]:
    return max(member.seen_at for member in cluster.members).micros, cluster.cluster_id


def _alias_order(alias: ClusterAlias) -> tuple[Any, ...]:
    return alias.at.micros, alias.cluster_id


def _each(schema: pa.Schema, row: Callable[[Any, str, str], Row]) -> Callable[[Sequence[Any], str, str], pa.Table]:
    """Return what makes the rows of several records of what makes one."""

    def rows(records: Sequence[Any], run_id: str, newsbeam_version: str) -> pa.Table:
        return pa.Table.from_pylist([row(record, run_id, newsbeam_version) for record in records], schema)

    return rows


TABLES: Final[Mapping[str, Table]] = {
    "aliases": Table(_each(parquet.ALIASES, alias_row), lambda _: "", _alias_order),
    "articles": Table(article_table, lambda tagged: tagged.article.origin.outlet, _article_order),
    "clusters": Table(_each(parquet.CLUSTERS, cluster_row), lambda _: "", _cluster_order),
    "feeds": Table(_each(parquet.FEEDS, feed_row), lambda _: "", _feed_order),
    "removals": Table(_each(parquet.REMOVALS, removal_row), lambda _: "", _removal_order),
    "rejects": Table(_each(parquet.REJECTS, reject_row), lambda _: "", _reject_order),
    "signatures": Table(_each(parquet.SIGNATURES, signature_row), lambda _: "", _signature_order),
}


def removed_lines(tagged: TaggedArticle) -> list[RemovedLine]:
    """Return what the stages took out of an article's text, one row a removal."""
    article = tagged.article
    return [
        RemovedLine(
            article.article_id, article.version, article.origin.outlet, article.url, number, removal.rule, removal.text,
            article.fetched_at,
        )
        for number, removal in enumerate(article.removals)
    ]  # fmt: skip


def partition(table: str, record: Any) -> str:
    """Return the folder a record belongs in, from ROOT.

    Raises:
        ValueError: its outlet is no slug. Outlets are checked at launch, so this is a fault of the program.
    """
    kind = TABLES[table]
    date = partition_date(Timestamp(micros=kind.order(record)[0]))
    outlet = kind.outlet(record)
    if outlet and not SLUG.fullmatch(outlet):
        raise ValueError(f"{outlet!r} is no slug, and cannot be part of a path")
    return f"{table}/date={date}/outlet={outlet}" if outlet else f"{table}/date={date}"


def shard(key: str, shards: int) -> int:
    """Return which of `shards` a key belongs to: the same on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % shards


def parquet_bytes(table: pa.Table, compression_level: int) -> bytes:
    """Return the Parquet file of `table`, compressed with zstd.

    Without dictionaries: in files of some hundred rows they cost a quarter of the time [60 files, 1,200 rows of news:
    414 ms and 7.68 MB with, 307 ms and 7.58 MB without], and zstd finds what repeats in long ones [4.85 and 4.88 MB].
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=compression_level,
        use_dictionary=False,
        write_page_index=True,
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


class Stager(NamedTuple):
    """Writes whole files for one commit."""

    dataset: Dataset
    commit_id: str

    def write(self, table: str, outlet: str, path: str, rows: int, data: bytes) -> StagedFile:
        """Write `data`, which is to become `path`; the name it has until then is its own, whoever writes the same."""
        return self._write(table, outlet, path, rows, data, f"_meta/staging/{self.commit_id}/{uuid.uuid4().hex}")

    def write_into(self, folder: str, table: str, outlet: str, path: str, rows: int, data: bytes) -> StagedFile:
        """Write `data` under its last name in a staged `folder`, which as a whole is to become that of `path`."""
        staged = f"_meta/staging/{self.commit_id}/{folder}/{path.rpartition('/')[2]}"
        return self._write(table, outlet, path, rows, data, staged)

    def _write(self, table: str, outlet: str, path: str, rows: int, data: bytes, staged: str) -> StagedFile:
        with explained(staged):
            self.dataset.files.write(staged, data)
        return StagedFile(table, outlet, path, staged, rows, len(data), hashlib.sha256(data).hexdigest())


class StageTableFn(beam.DoFn):
    """`(path without its number and suffix, records)` of one table in, staged files out."""

    def __init__(self, stager: Stager, table: str, newsbeam_version: str, settings: WriteSettings) -> None:
        self.stager = stager
        self.table = table
        self.newsbeam_version = newsbeam_version
        self.settings = settings
        self.rows = Metrics.counter("write", f"{table}_rows")

    def process(self, group: tuple[str, Iterable[Any]]) -> Iterator[StagedFile]:
        stem, records = group
        kind, most = TABLES[self.table], self.settings.max_rows_per_file
        ordered = sorted(records, key=kind.order)
        for number, start in enumerate(range(0, len(ordered), most)):
            part = ordered[start : start + most]
            rows = kind.rows(part, self.stager.commit_id, self.newsbeam_version)
            data = parquet_bytes(rows, self.settings.compression_level)
            self.rows.inc(len(part))
            yield self.stager.write(self.table, kind.outlet(part[0]), f"{stem}-{number:02d}.parquet", len(part), data)


class StageDeltaFn(beam.DoFn):
    """`(name of the file, state records)` of one table in, one staged file of the delta out."""

    def __init__(self, stager: Stager, table: str, store: Store) -> None:
        self.stager = stager
        self.table = table
        self.store = store

    def process(self, group: tuple[str, Iterable[Any]]) -> Iterator[StagedFile]:
        name, records = group
        settled = self._settle(list(records))
        path = f"{DELTA}/{self.stager.commit_id}/{name}.jsonl.gz"
        yield self.stager.write(self.table, "", path, len(settled), delta_file(map(to_scalars, settled)))

    def _settle(self, records: Sequence[Any]) -> Sequence[StateRecord]:
        if self.table == "links":
            return settle_links(records, self.store.links({record.link for record in records}))
        if self.table == "versions":
            return settle_versions(records)
        return newest_feeds(records)


class StageTable(beam.PTransform[Any, Any]):
    """Records of `table` in, their staged files out: one a partition and shard, more where one would grow too long."""

    def __init__(self, stager: Stager, table: str, newsbeam_version: str, settings: WriteSettings) -> None:
        super().__init__()
        self.stager = stager
        self.table = table
        self.newsbeam_version = newsbeam_version
        self.settings = settings

    def expand(self, records: PCollection[Any]) -> Any:
        return (
            records
            | "KeyByFile" >> beam.Map(self._keyed).with_output_types(KV[str, records.element_type])
            | "GroupByFile" >> beam.GroupByKey()
            | "Stage" >> beam.ParDo(StageTableFn(self.stager, self.table, self.newsbeam_version, self.settings))
        )

    def _keyed(self, record: Any) -> tuple[str, Any]:
        number = shard(repr(TABLES[self.table].order(record)[1:]), self.settings.shards)
        return f"{partition(self.table, record)}/part-{self.stager.commit_id}-{number:03d}", record


class StageDelta(beam.PTransform[Any, Any]):
    """State records of `table` in, the staged files of the delta out, one a shard."""

    def __init__(self, stager: Stager, table: str, store: Store, shards: int) -> None:
        super().__init__()
        self.stager = stager
        self.table = table
        self.store = store
        self.shards = shards

    def expand(self, records: PCollection[Any]) -> Any:
        return (
            records
            | "KeyByShard" >> beam.Map(self._keyed).with_output_types(KV[str, records.element_type])
            | "GroupByShard" >> beam.GroupByKey()
            | "Stage" >> beam.ParDo(StageDeltaFn(self.stager, self.table, self.store))
        )

    def _keyed(self, record: StateRecord) -> tuple[str, StateRecord]:
        return f"{self.table}-{shard(record[0], self.shards):03d}", record
