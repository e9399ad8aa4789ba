"""The stage under Beam: one automaton a process, and articles that come out whole."""

from pathlib import Path

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.gazetteer_files import load_gazetteer
from schemas.records import Article, DocumentEntity, Entity, EventMention, Origin, TaggedArticle
from schemas.settings import TagSettings
from transforms.tag import Tag

CURATED = Path(__file__).resolve().parents[2] / "config" / "gazetteer" / "curated"


def article(title: str, text: str) -> Article:
    origin = Origin("tower-gazette", "https://example.org/feed", "1", "https://example.org/a", None, "en")
    return Article(
        origin=origin, article_id="a", version=1, url="https://example.org/a", canonical_url="https://example.org/a",
        title=title, subtitle="", description="", authors=[], section="", tags=[], image_url="", article_type="news",
        text=text, dateline="", captions=[], syndication_source="", published_at=None, published_at_source="",
        modified_at=None, fetched_at=Timestamp(0), language="en", language_confidence=1.0, content_hash="h",
        change_ratio=None, cluster_id="a", duplicate_of=None, duplicate_kind=None, extraction_method="",
        extraction_quality=1.0, warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip


def test_an_article_comes_out_with_its_entities() -> None:
    gazetteer = load_gazetteer(CURATED)
    plain, empty = article("Houthis reply", "The Houthis ambushed it."), article("Weather", "It rained.")
    with beam.Pipeline(runner="FnApiRunner") as root:
        tagged = root | beam.Create([plain, empty]) | Tag(gazetteer, TagSettings(surname_min_chars=4))
        assert tagged.element_type is TaggedArticle
        assert_that(
            tagged,
            equal_to(
                [
                    TaggedArticle(
                        plain,
                        [
                            Entity("houthis", "armed_group", "Houthis", "title", 0, 7, 1.0, "alias"),
                            Entity("houthis", "armed_group", "Houthis", "text", 4, 11, 1.0, "alias"),
                        ],
                        [DocumentEntity("houthis", "armed_group", 2, True, True, 1.0, ["iran"])],
                        0.6,
                        gazetteer.version,
                        [EventMention("attack", "ambushed", "text", 12, 20, 0, 24, ["houthis"])],
                    ),
                    TaggedArticle(empty, [], [], 0.0, gazetteer.version, []),
                ]
            ),
        )
