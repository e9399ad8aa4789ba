"""Scrub under a pipeline: clean articles on one side, those with too little text on the other."""

from pathlib import Path

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, Caption, Origin, Reject, RejectReason, Removal
from transforms.identity import content_hash
from transforms.scrub import Scrub, load_rules

RULES = load_rules(Path(__file__).parents[2] / "config" / "scrub")
NOW = Timestamp(1_700_000_000)
BODY = (
    "The harbour authority closed the northern pier on Monday after divers found cracks in three of its pillars.\n\n"
    "Fishermen said they had warned the city about the pillars for years, and asked who would pay for the repairs.\n\n"
    "The council will meet on Friday to decide whether the old basin can be used by the larger boats until the spring."
)


def article(text: str) -> Article:
    origin = Origin("harbour", "https://h.example/feed", "1", "https://h.example/1", None, "en")
    return Article(
        origin, "id", 1, "https://h.example/1", "https://h.example/1", "", "", "", [], "", [], "", "news", text, "", [],
        "", None, "", None, NOW, "und", 0.0, "", None, "id", None, None, "text", 1.0, [], [], 200, None, None,
    )  # fmt: skip


def test_articles_come_out_clean_with_what_their_residue_told() -> None:
    dirty = article(f"2023-04-21 | Levant Wire\nPier closed\nA boat (Photo: AFP/Lind)\n{BODY}\nSource: Rudaw")
    short = article("Leave a Reply\n\nToo little.")
    clean = dirty._replace(
        text=BODY,
        content_hash=content_hash(BODY),
        title="Pier closed",
        captions=[Caption("A boat", "AFP/Lind")],
        syndication_source="Rudaw",
        published_at=Timestamp.from_rfc3339("2023-04-21T00:00:00Z"),
        published_at_source="text",
        removals=[
            Removal("en.stamp", "2023-04-21 | Levant Wire"),
            Removal("any.title", "Pier closed"),
            Removal("en.credit", "A boat (Photo: AFP/Lind)"),
            Removal("en.source", "Source: Rudaw"),
        ],
    )
    reject = Reject(
        "scrub",
        RejectReason.TOO_SHORT.value,
        short.origin,
        "entry",
        short.url,
        "11 of 26 characters left, 60 asked for",
        False,
        NOW,
    )
    with TestPipeline(runner="FnApiRunner") as root:
        articles, rejects = root | beam.Create([dirty, short]) | Scrub(RULES, min_chars=60)
        assert articles.element_type is Article
        assert rejects.element_type is Reject
        assert_that(articles | "lists" >> beam.Map(as_lists), equal_to([as_lists(clean)]), label="articles")
        assert_that(rejects, equal_to([reject]), label="rejects")


def as_lists(record: Article) -> Article:
    return record._replace(
        captions=list(record.captions), removals=list(record.removals), warnings=list(record.warnings)
    )
