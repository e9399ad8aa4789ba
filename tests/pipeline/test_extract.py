"""Each page leaves the extract stage once: as an article or as a reject."""

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, Entry, Origin, Page, Reject
from schemas.settings import ExtractSettings, UrlSettings
from transforms.extract import Extract

SETTINGS = ExtractSettings(min_chars=250, max_seconds=10, max_depth=512)
ORIGIN = Origin("courier", "https://news.example.org/rss", "a1", "https://news.example.org/a", None, "en")
ENTRY = Entry(
    ORIGIN, "https://news.example.org/a", "Harbour reopens", "", "", [], [], Timestamp(1714558200), None, None, None, 0
)
SENTENCE = (
    "The harbour of Vellin reopened on Wednesday after engineers cleared the wreck of a cargo ship, officials said."
)
GOOD = (
    f"<html lang=en><body><article><h1>Harbour reopens</h1>{f'<p>{SENTENCE}</p><p>Then: {SENTENCE}</p>' * 2}</article>"
)
AT = Timestamp(1714560000)


def fetched(body: str) -> Page:
    return Page(ENTRY, "https://news.example.org/a", 200, "text/html", body.encode(), None, None, AT)


def summary(article: Article) -> tuple[object, ...]:
    return article.origin.outlet, article.title, article.published_at, article.published_at_source, article.language


def test_articles_and_rejects_part_ways() -> None:
    with TestPipeline(runner="FnApiRunner") as root:
        articles, rejects = (
            root | beam.Create([fetched(GOOD), fetched("<html></html>")]) | Extract(SETTINGS, UrlSettings(keep={}))
        )
        assert articles.element_type is Article
        assert rejects.element_type is Reject
        assert_that(
            articles | beam.Map(summary),
            equal_to([("courier", "Harbour reopens", Timestamp(1714558200), "feed", "en")]),
            label="articles",
        )
        assert_that(
            rejects | "Reasons" >> beam.Map(lambda reject: (reject.stage, reject.reason, reject.url)),
            equal_to([("extract", "no_text", "https://news.example.org/a")]),
            label="rejects",
        )
