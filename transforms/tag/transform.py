"""Tag: find the gazetteer's entities in each article."""

from collections.abc import Iterator, Sequence
from typing import Any, Optional

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from schemas.gazetteer import Gazetteer
from schemas.records import Article, Entity, TaggedArticle
from schemas.settings import TagSettings
from transforms.tag.compile import Compiled, compile_gazetteer
from transforms.tag.disambiguate import resolve
from transforms.tag.document import conflict_score, document_entities
from transforms.tag.events import find_events
from transforms.tag.match import Reading, read


def tag(
    fields: Sequence[tuple[str, str]], language: Optional[str], compiled: Compiled, settings: TagSettings
) -> list[Entity]:
    """Return the mentions in an article's `fields`, (name, text) each, read together as one article.

    Offsets are code points: `text[start:end] == surface`. A `language` of None or "und" is read as English is.
    """
    return resolve(_read(fields, language, compiled), compiled, settings.surname_min_chars)


def tag_article(article: Article, compiled: Compiled, settings: TagSettings) -> TaggedArticle:
    """Return `article` with the entities and events of its title and text."""
    readings = _read([("title", article.title), ("text", article.text)], article.language, compiled)
    mentions = resolve(readings, compiled, settings.surname_min_chars)
    entities = document_entities(mentions, compiled.gazetteer)
    score = conflict_score(entities, compiled.gazetteer)
    events = find_events(readings, mentions, compiled)
    return TaggedArticle(article, mentions, entities, score, compiled.gazetteer.version, events)


def _read(fields: Sequence[tuple[str, str]], language: Optional[str], compiled: Compiled) -> list[Reading]:
    known = None if language == "und" else language
    return [read(field, text, known, compiled) for field, text in fields]


class TagFn(beam.DoFn):
    """`tag_article` for Beam. The automaton is compiled once a worker process, whatever its number of threads."""

    def __init__(self, gazetteer: Gazetteer, settings: TagSettings, shared: Shared) -> None:
        self.gazetteer = gazetteer
        self.settings = settings
        self.shared = shared
        self.mentions = Metrics.counter("tag", "mentions")
        self.without = Metrics.counter("tag", "without_entities")

    def setup(self) -> None:
        self.compiled: Compiled = self.shared.acquire(
            lambda: compile_gazetteer(self.gazetteer), tag=self.gazetteer.version
        )

    def process(self, article: Article) -> Iterator[TaggedArticle]:
        tagged = tag_article(article, self.compiled, self.settings)
        self.mentions.inc(len(tagged.entities))
        if not tagged.entities:
            self.without.inc()
        yield tagged


class Tag(beam.PTransform[Any, Any]):
    """Articles in; tagged articles out."""

    def __init__(self, gazetteer: Gazetteer, settings: TagSettings) -> None:
        super().__init__()
        self.gazetteer, self.settings = gazetteer, settings

    def expand(self, articles: beam.PCollection[Article]) -> beam.PCollection[TaggedArticle]:
        tagged: beam.PCollection[TaggedArticle] = articles | "TagArticles" >> beam.ParDo(
            TagFn(self.gazetteer, self.settings, Shared())
        )
        return tagged
