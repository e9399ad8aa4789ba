"""Scrub for Beam."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, Optional, Union

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, Reject, RejectReason, Removal
from transforms.identity import content_hash
from transforms.scrub.clean import Scrubbed, scrub
from transforms.scrub.rules import Rules

REJECTS: Final = "rejects"
MAX_REMOVALS: Final = 200  # kept with an article, each cut at MAX_REMOVAL_CHARS: samples, not an archive
MAX_REMOVAL_CHARS: Final = 300


def apply(article: Article, clean: Scrubbed) -> Article:
    """Return the article with its clean text, and with the fields that the text told and the page did not."""
    stamp = _timestamp(clean.published_at)
    told = article.published_at is None and stamp is not None
    return article._replace(
        text=clean.text,
        content_hash=content_hash(clean.text),
        title=article.title or clean.title,
        subtitle=article.subtitle or clean.subtitle,
        dateline=article.dateline or clean.dateline,
        syndication_source=article.syndication_source or clean.source,
        captions=[*article.captions, *clean.pictures],
        published_at=stamp if told else article.published_at,
        published_at_source="text" if told else article.published_at_source,
        warnings=[*article.warnings, *clean.warnings],
        removals=[*article.removals, *_samples(clean.removals)],
    )


def _timestamp(iso: Optional[str]) -> Optional[Timestamp]:
    """A date without zone is taken as UTC."""
    if iso is None:
        return None
    try:
        return Timestamp.from_utc_datetime(datetime.fromisoformat(iso).replace(tzinfo=UTC))
    except ValueError:  # the 31st of a shorter month
        return None


def _samples(removals: Sequence[Removal]) -> list[Removal]:
    return [r._replace(text=r.text[:MAX_REMOVAL_CHARS]) for r in removals[:MAX_REMOVALS]]


class ScrubFn(beam.DoFn):
    """`scrub` for Beam: kept articles on the main output, the rest under `REJECTS`."""

    def __init__(self, rules: Rules, min_chars: int) -> None:
        self.rules = rules
        self.min_chars = min_chars
        self.scrubbed = Metrics.counter("scrub", "scrubbed")
        self.too_short = Metrics.counter("scrub", "too_short")

    def process(self, article: Article) -> Iterator[Union[Article, TaggedOutput[Literal["rejects"], Reject]]]:
        clean = scrub(article.text, _language(article), self.rules, article.title)
        for rule, lines in Counter(r.rule for r in clean.removals).items():
            Metrics.counter("scrub", f"removed:{rule}").inc(lines)
        if len(clean.text) < self.min_chars:
            self.too_short.inc()
            detail = f"{len(clean.text)} of {len(article.text)} characters left, {self.min_chars} asked for"
            yield TaggedOutput(
                REJECTS,
                Reject(
                    stage="scrub",
                    reason=RejectReason.TOO_SHORT.value,
                    origin=article.origin,
                    subject="entry",
                    url=article.url,
                    detail=detail,
                    transient=False,
                    at=article.fetched_at,
                ),
            )
            return
        self.scrubbed.inc()
        yield apply(article, clean)


def _language(article: Article) -> Optional[str]:
    """The article's language where it is known already, else the one its feed declares."""
    return article.language if article.language not in ("", "und") else article.origin.language


class Scrub(beam.PTransform[Any, Any]):
    """Articles in; `(articles, rejects)` out: articles with clean text, rejects where too little of it is left."""

    def __init__(self, rules: Rules, min_chars: int) -> None:
        super().__init__()
        self.rules = rules
        self.min_chars = min_chars

    def expand(self, articles: PCollection[Article]) -> Any:
        out = articles | beam.ParDo(ScrubFn(self.rules, self.min_chars)).with_outputs(REJECTS, main="articles")
        return out.articles, out[REJECTS]
