"""`extract` for Beam."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, Optional, Union

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, Page, Reject
from schemas.settings import ExtractSettings, Profile, UrlSettings
from transforms.extract.article import NO_PROFILE, Extracted, FeedEvidence, extract
from transforms.extract.errors import NoArticle
from transforms.identity import article_id, content_hash

REJECTS: Final = "rejects"


class ExtractFn(beam.DoFn):
    """Articles on the main output, pages without one under `REJECTS`."""

    def __init__(
        self, settings: ExtractSettings, urls: UrlSettings, profiles: Mapping[str, Profile] = MappingProxyType({})
    ) -> None:
        self.settings, self.urls, self.profiles = settings, urls, dict(profiles)
        self.extracted = Metrics.counter("extract", "articles")
        self.rejected = Metrics.counter("extract", "rejects")

    def process(self, page: Page) -> Iterator[Union[Article, TaggedOutput[Literal["rejects"], Reject]]]:
        try:
            profile = self.profiles.get(page.entry.origin.outlet, NO_PROFILE)
            found = extract(
                page.body,
                page.url,
                page.content_type,
                evidence_of(page),
                settings=self.settings,
                profile=profile,
                keep=self.urls.keep,
            )
        except NoArticle as error:
            self.rejected.inc()
            reject = Reject(
                "extract",
                error.reason,
                page.entry.origin,
                "entry",
                page.url,
                error.detail[:500],
                False,
                page.fetched_at,
            )
            yield TaggedOutput(REJECTS, reject)
            return
        self.extracted.inc()
        yield to_article(page, found)


class Extract(beam.PTransform[Any, Any]):
    """Pages in; `(articles, rejects)` out. `profiles` are the outlets', by slug."""

    def __init__(
        self, settings: ExtractSettings, urls: UrlSettings, profiles: Mapping[str, Profile] = MappingProxyType({})
    ) -> None:
        super().__init__()
        self.settings, self.urls, self.profiles = settings, urls, dict(profiles)

    def expand(self, pages: PCollection[Page]) -> Any:
        outputs = pages | "ExtractPage" >> beam.ParDo(ExtractFn(self.settings, self.urls, self.profiles)).with_outputs(
            REJECTS, main="articles"
        )
        return outputs.articles, outputs[REJECTS]


def evidence_of(page: Page) -> FeedEvidence:
    """Return what a page's feed entry says of it."""
    entry = page.entry
    return FeedEvidence(
        title=entry.title,
        summary=entry.summary,
        authors=entry.authors,
        tags=entry.tags,
        published=_datetime(entry.published),
        link=entry.url,
        fetched_at=_datetime(page.fetched_at),
    )


def to_article(page: Page, found: Extracted) -> Article:
    """Return the first version of an article, standing alone; later stages fill what they know better."""
    name = article_id(found.canonical_url)
    return Article(
        origin=page.entry.origin,
        article_id=name,
        version=1,
        url=page.url,
        canonical_url=found.canonical_url,
        title=found.title,
        subtitle=found.subtitle,
        description=found.description,
        authors=found.authors,
        section=found.section,
        tags=found.tags,
        image_url=found.image_url,
        article_type=found.article_type,
        text=found.text,
        dateline="",
        captions=found.captions,
        syndication_source=found.syndication_source,
        published_at=_timestamp(found.published_at),
        published_at_source=found.published_at_source,
        modified_at=_timestamp(found.modified_at),
        fetched_at=page.fetched_at,
        language=found.language or page.entry.origin.language or "und",
        language_confidence=0.0,
        content_hash=content_hash(found.text),
        change_ratio=None,
        cluster_id=name,
        duplicate_of=None,
        duplicate_kind=None,
        extraction_method=found.method,
        extraction_quality=found.quality,
        warnings=found.warnings,
        removals=found.removals,
        http_status=page.status,
        etag=page.etag,
        last_modified=page.last_modified,
    )


def _datetime(at: Optional[Timestamp]) -> Optional[datetime]:
    return None if at is None else at.to_utc_datetime(has_tz=True)


def _timestamp(at: Optional[datetime]) -> Optional[Timestamp]:
    return None if at is None else Timestamp.from_utc_datetime(at.astimezone(UTC))
