"""No half of a character gets through a JSON reader into a record, where it would end the run."""

import json

import pytest

from benchmarks.adapters import extract_page
from transforms.feeds import parse_feed
from transforms.jsontext import whole_characters


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(r"\ud83c\udf27", "🌧", id="a pair stays"),
        pytest.param(r"\uD83C", "\ufffd", id="high alone"),
        pytest.param(r"\udf27", "\ufffd", id="low alone"),
        pytest.param(r"\ud83c\ud83c\udf27", "\ufffd🌧", id="high before a pair"),
        pytest.param(r"\ud83c\udf27\udf27", "🌧\ufffd", id="low behind a pair"),
        pytest.param(r"\udf27\ud83c", "\ufffd\ufffd", id="the wrong way round"),
        pytest.param(r"\u00e9\u0641", "éف", id="other escapes stay"),
    ],
)
def test_halves_of_characters_are_replaced_and_whole_ones_kept(written: str, read: str) -> None:
    assert json.loads(whole_characters(f'"{written}"')) == read


def test_a_json_feed_with_halves_of_characters_can_be_stored() -> None:
    data = rb"""{"version": "https://jsonfeed.org/version/1.1", "title": "News \ud83c", "items": [
        {"id": "1\udf27", "url": "https://a.example/1", "title": "Rain \ud83c", "tags": ["x\ud83c"],
         "content_text": "It rained \ud83c.", "authors": [{"name": "Jane \ud83c"}]}]}"""
    feed = parse_feed(data, "application/json", "https://a.example/feed", 10)
    assert feed.items[0].title == "Rain \ufffd"
    json.dumps(feed, ensure_ascii=False, default=str).encode()


def test_a_page_that_declares_halves_of_characters_can_be_stored() -> None:
    declared = r"""{"@context": "https://schema.org", "@type": "NewsArticle", "headline": "The river rose by a hand \ud83c",
        "author": {"@type": "Person", "name": "Jane \ud83c Doe"}, "description": "Rain \ud83c", "keywords": ["x\ud83c"]}"""
    text = "<p>It rained all day in the hills, and the river rose by a hand before noon.</p>" * 8
    page = f'<html><head><script type="application/ld+json">{declared}</script></head><body>{text}</body></html>'
    json.dumps(extract_page(page.encode(), "https://a.example/1"), ensure_ascii=False, default=str).encode()
