"""No page, however it is made, takes more than its share of time or ends in anything but an article or `NoArticle`."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.records import RejectReason
from schemas.settings import ExtractSettings
from transforms.extract import NoArticle, extract
from transforms.extract.state import text_in_scripts
from transforms.extract.tree import parse

SETTINGS = ExtractSettings(min_chars=250, max_seconds=10, max_depth=512)
URL = "https://news.example.org/a"
SIZE = 10_000_000  # bytes: what a fetch delivers at most
LIMIT = 10.0  # seconds of CPU
ARTICLE = b"<p>The harbour of Vellin reopened on Wednesday after engineers cleared the wreck of a cargo ship.</p>" * 4


def filled(unit: bytes, size: int = SIZE) -> bytes:
    return unit * (size // len(unit))


BOMBS = {
    "100,000 nested elements": b"<div>" * 100_000 + ARTICLE,
    "a million attributes": b"<div " + b" ".join(b"a%d=1" % n for n in range(1_000_000)) + b">" + ARTICLE,
    "20,000 attributes, 90 times": filled(b"<div " + b" ".join(b"a%d" % n for n in range(20_000)) + b">x</div>"),
    "10 MB of <": filled(b"<"),
    "10 MB of &amp;": filled(b"&amp;"),
    "10 MB of <div>": filled(b"<div>"),
    "entities in an attribute": b"<meta property=og:title content='" + filled(b"&amp;amp;") + b"'>" + ARTICLE,
    "a table of a million cells": b"<table><tr>" + filled(b"<td>x"),
    "nested tables": filled(b"<table><tr><td>"),
    "misnested formatting": filled(b"<b><p>"),
    "paragraphs in many menus": b"<nav>" * 500 + b"<p>" * 900 + ARTICLE + b"<p>" * 80_000,
    "one line": b"<p>" + filled(b"word "),
    "a class name of 10 MB": b"<div class='" + filled(b"aB") + b"'>" + ARTICLE,
    "bylines": filled(b"<span class=byline>By Jo Po</span> "),
    "JSON-LD of brackets": b"<script type=application/ld+json>" + filled(b"["),
    "JSON-LD of graphs": b"<script type=application/ld+json>" + filled(b'{"@graph":', SIZE // 2),
    "a title of separators": b"<title>" + filled(b" - "),
    "a broken address": b"<link rel=canonical href='" + filled(b"http://[") + b"'>" + ARTICLE,
    "bytes of no encoding": filled(b"\xff\xfe<p>"),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_hostile_page_costs_bounded_time(bomb: bytes) -> None:
    begun = time.thread_time()
    with suppress(NoArticle):
        extract(bomb, URL, settings=SETTINGS)
    assert time.thread_time() - begun < LIMIT


@pytest.mark.parametrize("sign", [b"<", b"&amp;"])
def test_signs_without_letters_are_no_text(sign: bytes) -> None:
    with pytest.raises(NoArticle, match="no_text"):
        extract(filled(sign, 5_000), URL, settings=SETTINGS)


STRINGS = {
    "escaped quotes": '\\"',
    "quotes": '"',
    "backslashes": "\\",
    "opened objects": '{"a":"',
    "lines that go on": '"x\\\n',
    "halves of characters": "\\ud83c",
}


@pytest.mark.parametrize("unit", STRINGS.values(), ids=STRINGS.keys())
def test_reading_scripts_costs_no_more_than_their_length(unit: str) -> None:
    def cost(size: int) -> float:
        script = '"' + unit * (size // len(unit))
        begun = time.thread_time()
        text_in_scripts([script])
        return time.thread_time() - begun

    small = min(cost(50_000) for _ in range(3))
    assert cost(1_000_000) < 20 * 6 * small + 0.05  # quadratic work would take 400 times as long


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(lambda size: b"<script>" + filled(b'"\\"', size), id="escaped quotes in a script"),
        pytest.param(lambda size: b"<p>" + filled(b"<a href=x>word, </a>", size), id="links in one paragraph"),
        pytest.param(lambda size: b"<p>" + filled(b"\"'", size), id="quotes"),
        pytest.param(lambda size: filled(b"<h1>The harbour of Vellin reopened again</h1>", size), id="headlines"),
        pytest.param(lambda size: b"<table>" + filled(b"<tr><td>" + ARTICLE, size), id="articles in cells"),
    ],
)
def test_a_page_ten_times_as_long_costs_no_more_than_its_length(page: Callable[[int], bytes]) -> None:
    def cost(size: int) -> float:
        html = page(size)
        begun = time.thread_time()
        with suppress(NoArticle):
            extract(html, URL, settings=SETTINGS)
        return time.thread_time() - begun

    assert cost(1_000_000) < 10 * 4 * cost(100_000) + 0.5


def test_a_page_that_spends_its_time_in_its_scripts_is_given_up() -> None:
    def check() -> None:
        raise NoArticle(RejectReason.PARSE_TIMEOUT, "")

    with pytest.raises(NoArticle, match="parse_timeout"):
        text_in_scripts(['{"a": "' + "word " * 200 + '"}'], check)


def test_a_page_of_too_many_attributes_still_gives_its_article() -> None:
    found = extract(BOMBS["a million attributes"].replace(b"</p><p>", b" Then:</p><p>"), URL, settings=SETTINGS)
    assert "engineers cleared the wreck" in found.text


def test_a_page_is_cut_after_its_last_tag_allowed() -> None:
    root = parse(b"<p>first" + b"<i>x</i>" * 100_000 + b"<p>last")
    texts = [element.text for element in root.iter("p")]
    assert texts == ["first"]


def test_text_below_the_depth_allowed_is_not_read() -> None:
    shallow = ExtractSettings(min_chars=1, max_seconds=10, max_depth=40)
    deep = b"<html><body>" + ARTICLE.replace(b"Vellin", b"Sarn") + b"<div>" * 60 + b"<p>Too deep to be read, it is.</p>"
    assert "Too deep" not in extract(deep, URL, settings=shallow).text
    with pytest.raises(NoArticle, match="nested more than 40 elements deep"):
        extract(b"<html><body>" + b"<div>" * 3_000 + ARTICLE, URL, settings=shallow)


def test_a_page_that_has_used_its_time_is_given_up() -> None:
    hurried = ExtractSettings(min_chars=1, max_seconds=1e-9, max_depth=512)
    with pytest.raises(NoArticle, match="parse_timeout"):
        extract(b"<html><body>" + ARTICLE, URL, settings=hurried)


TAGS = st.sampled_from(
    "div p h1 h2 a b span article nav figure figcaption table tr td ul li br time meta script style template svg title".split()
)
VALUES = st.text(max_size=30)
ATTRIBUTES = st.sampled_from(
    ["class", "id", "href", "datetime", "content", "property", "name", "rel", "itemprop", "type", "lang"]
)


@st.composite
def pieces(draw: st.DrawFn) -> str:
    tag = draw(TAGS)
    return draw(
        st.one_of(
            st.builds(lambda a, v: f'<{tag} {a}="{v}">', ATTRIBUTES, VALUES),
            st.just(f"<{tag}>"),
            st.just(f"</{tag}>"),
            st.text(max_size=80),
            st.sampled_from(
                ["<!--", "-->", "<![CDATA[", "<?", "&#0;", "&#x110000;", "\0", '"', "'", "<", "{", '{"@type":']
            ),
            st.just(
                '<script type="application/ld+json">{"@type":["NewsArticle",3],"author":[[{"name":[1]}]],"image":[[]]}</script>'
            ),
        )
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(pieces(), max_size=60).map("".join), st.sampled_from(["utf-8", "utf-16", "cp1252", "shift_jis"]), VALUES
)
def test_any_markup_gives_an_article_or_a_reason(markup: str, encoding: str, content_type: str) -> None:
    with suppress(NoArticle):
        extract(markup.encode(encoding, "replace"), URL, content_type, settings=SETTINGS)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_give_an_article_or_a_reason(data: bytes) -> None:
    with suppress(NoArticle):
        extract(data, URL, settings=SETTINGS)
