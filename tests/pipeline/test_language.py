"""Articles pass the language stage one for one."""

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from pipelines.sources import text_article
from schemas.records import Article, Entry, Origin
from schemas.settings import LanguageSettings
from transforms.language import DetectLanguage

SETTINGS = LanguageSettings(sample_chars=600, min_confidence=0.8, seed=0)
ORIGIN = Origin("courier", "backfill", "a", "file:///a", Timestamp(0), None)
ENTRY = Entry(ORIGIN, "file:///a", "", "", "", [], [], None, None, None, None, 0)
GERMAN = (
    "Das Ministerium teilte am Mittwoch mit, dass zwei Soldaten bei der Explosion einer Mine verletzt worden seien."
)


def test_each_article_gets_its_language() -> None:
    given = [text_article(ENTRY, GERMAN), text_article(ENTRY, "Foto: …")._replace(language="sv")]
    with TestPipeline(runner="FnApiRunner") as root:
        articles = root | beam.Create(given) | DetectLanguage(SETTINGS)
        assert articles.element_type is Article
        assert_that(articles | beam.Map(lambda article: article.language), equal_to(["de", "sv"]))
