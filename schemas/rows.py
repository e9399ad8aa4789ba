"""The rows that records make in the tables of `schemas.parquet`, and what is read back from them."""

import datetime
from collections.abc import Mapping
from typing import Any, Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.parquet import SCHEMA_VERSION
from schemas.records import Article, FeedState, Reject, RemovedLine, Signature, TaggedArticle

Row = dict[str, Any]
"""One row, as `pyarrow.Table.from_pylist` takes it."""

_OLDEST, _NEWEST = Timestamp.of(-9_214_646_400), Timestamp.of(9_214_646_400)  # 1678 to 2261: what pandas' ns can hold


def shown_time(published: Optional[Timestamp], fetched: Timestamp) -> Timestamp:
    """Return the time an article is filed under: as published, else as fetched; years no reader holds do not count."""
    return published if published is not None and _OLDEST <= published < _NEWEST else fetched


def partition_date(time: Timestamp) -> str:
    """Return the value of `date=` for `time`: its day in UTC.

    >>> partition_date(Timestamp(1_700_000_000))
    '2023-11-14'
    """
    return _datetime(time).date().isoformat()


def article_row(tagged: TaggedArticle, run_id: str, newsbeam_version: str) -> Row:
    """Return the row of `ARTICLES` for an article."""
    article = tagged.article
    published = shown_time(article.published_at, article.fetched_at)
    stated = published == article.published_at
    return {
        "article_id": article.article_id,
        "version": article.version,
        "outlet_id": article.origin.outlet,
        "source_feed": article.origin.feed or None,
        "feed_entry_id": article.origin.entry_id or None,
        "url": article.url,
        "canonical_url": article.canonical_url,
        "title": article.title or None,
        "subtitle": article.subtitle or None,
        "description": article.description or None,
        "authors": list(article.authors),
        "section": article.section or None,
        "tags": list(article.tags),
        "image_url": article.image_url or None,
        "article_type": article.article_type or None,
        "dateline": article.dateline or None,
        "text": article.text,
        "captions": [{"text": caption.text or None, "credit": caption.credit or None} for caption in article.captions],
        "syndication_source": article.syndication_source or None,
        "published_at": _datetime(published),
        "published_at_source": article.published_at_source if stated and article.published_at_source else "fetch",
        "modified_at": _modified(article),
        "fetched_at": _datetime(article.fetched_at),
        "language": article.language,
        "language_confidence": article.language_confidence,
        "word_count": len(article.text.split()),
        "char_count": len(article.text),
        "content_hash": article.content_hash,
        "change_ratio": article.change_ratio,
        "cluster_id": article.cluster_id,
        "duplicate_of": article.duplicate_of or None,
        "duplicate_kind": article.duplicate_kind or None,
        "entities": [entity._asdict() for entity in tagged.entities],
        "document_entities": [
            {**entity._asdict(), "parents": list(entity.parents)} for entity in tagged.document_entities
        ],
        "conflict_score": tagged.conflict_score,
        "extraction": {
            "method": article.extraction_method,
            "quality": article.extraction_quality,
            "warnings": list(article.warnings),
        },
        "http_status": article.http_status or None,
        "gazetteer_version": tagged.gazetteer_version,
        "events": [{**event._asdict(), "entities": list(event.entities)} for event in tagged.events],
        **_common(run_id, newsbeam_version),
    }


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
    )


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


def _reasons(counts: Mapping[str, int]) -> list[Row]:
    return [{"reason": reason, "count": n} for reason, n in sorted(counts.items())]


def _common(run_id: str, newsbeam_version: str) -> Row:
    return {"run_id": run_id, "newsbeam_version": newsbeam_version, "schema_version": SCHEMA_VERSION}


def _modified(article: Article) -> Optional[datetime.datetime]:
    modified = article.modified_at
    return _datetime(modified) if modified is not None and _OLDEST <= modified < _NEWEST else None


def _datetime(time: Timestamp) -> datetime.datetime:
    stamp: datetime.datetime = time.to_utc_datetime(has_tz=True, allow_lossy_conversion=True)
    return stamp


def _timestamp(stamp: datetime.datetime) -> Timestamp:
    return Timestamp.from_utc_datetime(stamp.astimezone(datetime.UTC))
