"""The stage under Beam: one automaton a process, and articles that come out whole."""

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.gazetteer import Gazetteer
from schemas.gazetteer_files import load_gazetteer
from schemas.records import Article, DocumentEntity, Entity, EventMention, Origin, TaggedArticle
from schemas.settings import TagSettings
from transforms.tag import Compiled, Tag, compile_gazetteer, transform

CURATED = Path(__file__).resolve().parents[2] / "config" / "gazetteer" / "curated"

SETTINGS = TagSettings(surname_min_chars=4)


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    """The curated one, with the names of one group only: compiled in no time."""
    curated = load_gazetteer(CURATED)
    return curated._replace(aliases=[alias for alias in curated.aliases if alias.id == "houthis"])


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


def test_an_article_comes_out_with_its_entities(gazetteer: Gazetteer) -> None:
    plain, empty = article("Houthis reply", "The Houthis ambushed it."), article("Weather", "It rained.")
    with beam.Pipeline(runner="FnApiRunner") as root:
        tagged = root | beam.Create([plain, empty]) | Tag(gazetteer, SETTINGS)
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


def test_all_threads_of_a_worker_share_one_automaton(gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Gazetteer] = []

    def compile_counted(rows: Gazetteer) -> Compiled:
        compiled.append(rows)
        return compile_gazetteer(rows)

    monkeypatch.setattr(transform, "compile_gazetteer", compile_counted)
    options = PipelineOptions([], direct_running_mode="multi_threading", direct_num_workers=2)
    with beam.Pipeline(runner="FnApiRunner", options=options) as root:
        articles = root | beam.Create([article(f"Day {day}", "The Houthis.") for day in range(12)]) | beam.Reshuffle()
        counted = articles | Tag(gazetteer, SETTINGS) | beam.Map(lambda tagged: len(tagged.entities))
        assert_that(counted, equal_to([1] * 12))
    assert len(compiled) == 1
