"""The rows that records make in the tables of `schemas.parquet`, and what is read back from them."""

import datetime
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Optional

import numpy as np
import pyarrow as pa
from apache_beam.utils.timestamp import Timestamp

from schemas.parquet import ARTICLES, SCHEMA_VERSION
from schemas.records import (
    Article,
    Cluster,
    ClusterAlias,
    FeedState,
    Member,
    Reject,
    RemovedLine,
    Signature,
    TaggedArticle,
)

Row = dict[str, Any]
"""One row, as `pyarrow.Table.from_pylist` takes it."""

_OLDEST, _NEWEST = Timestamp.of(-9_214_646_400), Timestamp.of(9_214_646_400)  # 1678 to 2261: what pandas' ns can hold
_WHITE: Final = np.array([chr(point).isspace() for point in range(0x3002)])  # by code point; none beyond is


def shown_time(published: Optional[Timestamp], fetched: Timestamp) -> Timestamp:
    """Return the time an article is filed under: as published, else as fetched; years no reader holds do not count."""
    return published if published is not None and _OLDEST <= published < _NEWEST else fetched


def partition_date(time: Timestamp) -> str:
    """Return the value of `date=` for `time`: its day in UTC.

    >>> partition_date(Timestamp(1_700_000_000))
    '2023-11-14'
    """
    return _datetime(time).date().isoformat()


def article_table(tagged: Sequence[TaggedArticle], run_id: str, newsbeam_version: str) -> pa.Table:
    """Return the rows of `ARTICLES` for articles, in their order.

    Built column by column, which takes half the time of rows first: most of what is written goes through here.
    """
    articles = [each.article for each in tagged]
    origins = [article.origin for article in articles]
    shown = [shown_time(article.published_at, article.fetched_at) for article in articles]
    columns: dict[str, Any] = {
        "article_id": [article.article_id for article in articles],
        "version": [article.version for article in articles],
        "outlet_id": [origin.outlet for origin in origins],
        "source_feed": [origin.feed or None for origin in origins],
        "feed_entry_id": [origin.entry_id or None for origin in origins],
        "url": [article.url for article in articles],
        "canonical_url": [article.canonical_url for article in articles],
        "title": [article.title or None for article in articles],
        "subtitle": [article.subtitle or None for article in articles],
        "description": [article.description or None for article in articles],
        "authors": [article.authors for article in articles],
        "section": [article.section or None for article in articles],
        "tags": [article.tags for article in articles],
        "image_url": [article.image_url or None for article in articles],
        "article_type": [article.article_type or None for article in articles],
        "dateline": [article.dateline or None for article in articles],
        "text": [article.text for article in articles],
        "captions": [[_Caption(c.text or None, c.credit or None) for c in a.captions] for a in articles],
        "syndication_source": [article.syndication_source or None for article in articles],
        "published_at": [time.micros for time in shown],
        "published_at_source": [
            article.published_at_source if time is article.published_at and article.published_at_source else "fetch"
            for article, time in zip(articles, shown, strict=True)
        ],
        "modified_at": [_modified(article) for article in articles],
        "fetched_at": [article.fetched_at.micros for article in articles],
        "language": [article.language for article in articles],
        "language_confidence": [article.language_confidence for article in articles],
        "word_count": _word_counts([article.text for article in articles]),
        "char_count": [len(article.text) for article in articles],
        "content_hash": [article.content_hash for article in articles],
        "change_ratio": [article.change_ratio for article in articles],
        "cluster_id": [article.cluster_id for article in articles],
        "duplicate_of": [article.duplicate_of or None for article in articles],
        "duplicate_kind": [article.duplicate_kind or None for article in articles],
        "entities": [each.entities for each in tagged],
        "document_entities": [each.document_entities for each in tagged],
        "conflict_score": [each.conflict_score for each in tagged],
        "extraction": [_Extraction(a.extraction_method, a.extraction_quality, a.warnings) for a in articles],
        "http_status": [article.http_status or None for article in articles],
        "gazetteer_version": [each.gazetteer_version for each in tagged],
        "events": [each.events for each in tagged],
        **{name: [value] * len(tagged) for name, value in _common(run_id, newsbeam_version).items()},
    }
    return pa.table([_array(columns[field.name], field.type) for field in ARTICLES], schema=ARTICLES)


def removal_row(line: RemovedLine, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `REMOVALS` for a removed line."""
    values = {"outlet_id" if name == "outlet" else name: value for name, value in line._asdict().items()}
    return {**values, "fetched_at": _datetime(line.fetched_at), **_common(run_id, newsbeam_version)}


def reject_row(reject: Reject, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `REJECTS` for a reject."""
    return {
        "stage": reject.stage,
        "reason": str(reject.reason),
        "subject": reject.subject,
        "url": reject.url or None,
        "link": reject.origin.link or None,
        "outlet_id": reject.origin.outlet,
        "feed": reject.origin.feed or None,
        "feed_entry_id": reject.origin.entry_id or None,
        "detail": reject.detail or None,
        "transient": reject.transient,
        "at": _datetime(reject.at),
        **_common(run_id, newsbeam_version),
    }


def signature_row(signature: Signature, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `SIGNATURES` for a signature."""
    values = {"outlet_id" if name == "outlet" else name: value for name, value in signature._asdict().items()}
    return {
        **values,
        "title": signature.title or None,
        "anchors": list(signature.anchors),
        "lines": list(signature.lines),
        "footer": signature.footer or None,
        "component": signature.component or None,
        "published_at": None if signature.published_at is None else _datetime(signature.published_at),
        "fetched_at": _datetime(signature.fetched_at),
        "canonical_hint": signature.canonical_hint or None,
        **_common(run_id, newsbeam_version),
    }


def signature_of(row: Mapping[str, Any]) -> Signature:
    """Return the signature that `signature_row` made a row of."""
    columns = {name: "outlet_id" if name == "outlet" else name for name in Signature._fields}
    values = {name: row[column] for name, column in columns.items() if column in row}  # older files have fewer
    published = values["published_at"]
    return Signature(**values)._replace(
        title=values["title"] or "",
        published_at=None if published is None else _timestamp(published),
        fetched_at=_timestamp(values["fetched_at"]),
        canonical_hint=values["canonical_hint"] or "",
        footer=values.get("footer") or b"",
        component=values.get("component") or "",
    )


def cluster_row(cluster: Cluster, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `CLUSTERS` for a cluster."""
    times = [_datetime(member.seen_at) for member in cluster.members]
    return {
        "cluster_id": cluster.cluster_id,
        "canonical_id": next(member.article_id for member in cluster.members if member.kind is None),
        "size": len(cluster.members),
        "first_seen_at": min(times),
        "last_seen_at": max(times),
        "members": [_member(member) for member in cluster.members],
        "complete": cluster.complete,
        **_common(run_id, newsbeam_version),
    }


def alias_row(alias: ClusterAlias, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `ALIASES` for a merge."""
    return {
        "cluster_id": alias.cluster_id,
        "survivor_id": alias.survivor,
        "merged_at": _datetime(alias.at),
        **_common(run_id, newsbeam_version),
    }


def feed_row(state: FeedState, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `FEEDS` for a poll."""
    return {
        "url": state.url,
        "outlet_id": state.outlet,
        "location": state.location,
        "title": state.title or None,
        "outcome": str(state.outcome),
        "http_status": state.status or None,
        "entries": state.entries,
        "failures": state.failures,
        "polled_at": _datetime(state.polled_at),
        "succeeded_at": _datetime(state.succeeded_at) if state.succeeded_at is not None else None,
        "newest_entry_at": _datetime(state.newest_entry_at) if state.newest_entry_at is not None else None,
        "next_due": _datetime(min(state.next_due, _NEWEST)),
        "interval_s": state.interval_s,
        **_common(run_id, newsbeam_version),
    }


def run_row(run_id: str, committed: Timestamp, counts: Any, rows: int, files: int, newsbeam_version: str) -> Row:
    """Return the row of `RUNS` for a commit with `counts` as its manifest holds them."""
    return {
        "committed_at": _datetime(committed),
        "entries": counts.total["entries"],
        "articles": counts.total["articles"],
        "skips": _reasons(counts.total["skips"]),
        "rejects": _reasons(counts.total["rejects"]),
        "feeds": _reasons(counts.feeds),
        "outlets": [
            {
                "outlet_id": outlet,
                "entries": ends["entries"],
                "articles": ends["articles"],
                "skips": sum(ends["skips"].values()),
                "rejects": sum(ends["rejects"].values()),
            }
            for outlet, ends in sorted(counts.by_outlet.items())
        ],
        "rows": rows,
        "files": files,
        **_common(run_id, newsbeam_version),
    }


def _member(member: Member) -> Row:
    return {
        "article_id": member.article_id,
        "version": member.version,
        "outlet_id": member.outlet,
        "kind": member.kind,
        "seen_at": _datetime(member.seen_at),
        "match_id": member.match,
        "containment": member.containment,
    }


def _reasons(counts: Mapping[str, int]) -> list[Row]:
    return [{"reason": reason, "count": n} for reason, n in sorted(counts.items())]


def _common(run_id: str, newsbeam_version: str) -> Row:
    return {"run_id": run_id, "newsbeam_version": newsbeam_version, "schema_version": SCHEMA_VERSION}


class _Caption(NamedTuple):
    text: Optional[str]
    credit: Optional[str]


class _Extraction(NamedTuple):
    method: str
    quality: float
    warnings: Sequence[str]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column; for structs records are taken, whose fields have their names, and lists of those.

    >>> _array([[_Caption("a", "b")], []], pa.list_(pa.struct([("credit", pa.string())]))).to_pylist()
    [[{'credit': 'b'}], []]
    """
    if pa.types.is_struct(kind):
        fields = dict(zip(values[0]._fields, zip(*values, strict=True), strict=True)) if values else {}
        parts = [_array(fields.get(field.name, ()), field.type) for field in kind]
        return pa.StructArray.from_arrays(parts, fields=list(kind))
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        ends = itertools.accumulate((len(value) for value in values), initial=0)
        records = [record for value in values for record in value]
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), _array(records, kind.value_type), type=kind)
    return pa.array(values, kind)


def _word_counts(texts: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return `len(text.split())` of each text, of all at once: 1.6 to 2.6 times as fast, by script.

    >>> _word_counts(["one two", "", " three\\u2003four\\n\\nfive\\xa0six "]).tolist()
    [2, 0, 4]
    >>> _word_counts([]).tolist()
    []
    """
    points = np.frombuffer("\n".join(["", *texts, ""]).encode("utf-32-le", "surrogatepass"), "<u4")
    white = _WHITE.take(points, mode="clip")
    begins = white[:-1] > white[1:]  # at the character before each word
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
    return np.add.reduceat(begins, starts, dtype=np.int64)


def _modified(article: Article) -> Optional[int]:
    modified = article.modified_at
    return int(modified.micros) if modified is not None and _OLDEST <= modified < _NEWEST else None


def _datetime(time: Timestamp) -> datetime.datetime:
    stamp: datetime.datetime = time.to_utc_datetime(has_tz=True, allow_lossy_conversion=True)
    return stamp


def _timestamp(stamp: datetime.datetime) -> Timestamp:
    return Timestamp.from_utc_datetime(stamp.astimezone(datetime.UTC))
