"""The demo web over real HTTP: what it serves is what a polite fetcher may expect of a decent site."""

import gzip
import http.client
import json
import socket
import urllib.robotparser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import feedparser
import pytest

from pipelines.demo import DemoWeb
from schemas.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture(scope="module")
def web() -> Iterator[DemoWeb]:
    with DemoWeb(FOLDER, port=0) as served:
        yield served


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request, redirects not followed, header names in lower case."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class Listed(NamedTuple):
    """A feed as its readers understand it."""

    kind: str
    links: list[str]
    dates: list[object]
    contents: list[str]


def listed(web: DemoWeb) -> dict[str, Listed]:
    """Every feed that is not closed, by URL; feedparser 6 reads no JSON Feed."""
    found = {}
    for url in (url for outlet in web.outlets for url in outlet.feeds):
        status, headers, body = get(url)
        if status == 410:
            continue
        if headers["content-type"].startswith("application/feed+json"):
            items = json.loads(body)["items"]
            dates = [datetime.fromisoformat(item["date_published"]) for item in items]
            found[url] = Listed("json", [item["url"] for item in items], dates, [i["content_html"] for i in items])
            continue
        feed = feedparser.parse(body)
        assert not feed.bozo, url
        entries = feed.entries
        found[url] = Listed(feed.version, [e.link for e in entries], [e.published_parsed for e in entries], [])
    return found


def links(web: DemoWeb) -> list[str]:
    return [link for feed in listed(web).values() for link in feed.links]


def test_eight_outlets_in_six_languages_each_have_a_host_of_their_own(web: DemoWeb) -> None:
    assert len({urlsplit(outlet.home).hostname for outlet in web.outlets}) == 8
    assert {outlet.language for outlet in web.outlets} == {"en", "ar", "fa", "he", "tr", "ckb"}


def test_every_feed_parses_and_dates_every_entry(web: DemoWeb) -> None:
    found = listed(web)
    assert {feed.kind for feed in found.values()} == {"rss20", "atom10", "json"}
    assert all(feed.links and all(feed.dates) for feed in found.values())


def test_a_closed_feed_answers_410(web: DemoWeb) -> None:
    assert [urlsplit(url).path for o in web.outlets for url in o.feeds if get(url)[0] == 410] == ["/feeds/video.xml"]


def test_every_link_answers_as_the_story_says(web: DemoWeb) -> None:
    answers = {link: get(link) for link in links(web)}
    odd = {urlsplit(link).path: status for link, (status, _, _) in answers.items() if status != 200}
    assert sorted(odd.values()) == [301, 404]
    moved = next(headers["location"] for status, headers, _ in answers.values() if status == 301)
    assert get(moved)[0] == 200


DIRT = {
    "leaked code": 'document.getElementById(&#34;promo-|document.getElementById("promo-',
    "comment form": "Required fields are marked|خانە پێویستەکان بە",
    "language picker": "اختر اللغة:",
    "teasers": "İlginizi çekebilir",
    "credit": "photo credit:",
    "linked data": "application/ld+json",
    "paywall": "This article is for subscribers",
}


@pytest.mark.parametrize("kind", DIRT)
def test_some_pages_carry(web: DemoWeb, kind: str) -> None:
    pages = [get(link)[2].decode() for link in links(web)]
    assert any(mark in page for page in pages for mark in DIRT[kind].split("|"))


def test_robots_keep_a_listed_page_closed(web: DemoWeb) -> None:
    closed = []
    for link in links(web):
        robots = urllib.robotparser.RobotFileParser()
        robots.parse(get(f"http://{urlsplit(link).netloc}/robots.txt")[2].decode().splitlines())
        if not robots.can_fetch("newsbeam", link):
            closed.append(urlsplit(link).path)
    assert closed == ["/members/pmf-payroll"]


def test_one_link_is_listed_again_with_tracking_parameters(web: DemoWeb) -> None:
    assert [urlsplit(link).path for link in links(web) if "utm_source" in link] == ["/2026/03/12/basra-convoy-strike"]


@pytest.mark.parametrize("validator", ["etag", "last-modified"])
def test_a_conditional_request_for_an_unchanged_resource_gets_304(web: DemoWeb, validator: str) -> None:
    for url in [*listed(web), *links(web)]:
        status, headers, _ = get(url)
        if status != 200:
            continue
        asked = {"etag": "If_None_Match", "last-modified": "If_Modified_Since"}[validator]
        status, _, body = get(url, **{asked: headers[validator]})
        assert (status, body) == (304, b""), url
        assert web.seen[-1] == (url, 304, True)


@pytest.mark.parametrize("since", ["yesterday", "Thu, 12 Mar 2020 00:00:00 GMT", "Thu, 99 Mar 2026 00:00:00 GMT"])
def test_an_old_or_broken_date_gets_the_whole_page(web: DemoWeb, since: str) -> None:
    assert get(links(web)[0], If_Modified_Since=since)[0] == 200


def test_gzip_is_used_only_where_it_is_asked_for(web: DemoWeb) -> None:
    url = web.outlets[0].feeds[0]
    _, plain_headers, plain = get(url)
    _, packed_headers, packed = get(url, Accept_Encoding="gzip, br")
    assert "content-encoding" not in plain_headers
    assert packed_headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert packed_headers["etag"] == plain_headers["etag"]


def test_the_full_content_feed_carries_whole_articles(web: DemoWeb) -> None:
    contents = [content for feed in listed(web).values() for content in feed.contents]
    assert contents
    assert all(len(content) > 1500 for content in contents)


def test_a_correction_appears_in_page_and_feed_once_the_web_is_advanced() -> None:
    with DemoWeb(FOLDER, port=0) as web:
        page = next(link for link in links(web) if link.endswith("/deir-ezzor-checkpoint"))
        feed = next(url for url, found in listed(web).items() if page in found.links)
        before = {url: get(url) for url in (page, feed)}
        web.advance()
        after = {url: get(url, If_None_Match=before[url][1]["etag"]) for url in (page, feed)}
    assert b"kills five" in before[page][2]
    assert [after[page][0], after[feed][0]] == [200, 200]
    assert b"kills eight" in after[page][2]
    assert b"2026-03-14T06:20:00+00:00" in after[feed][2]


def test_a_taken_port_is_refused_with_address_and_remedy() -> None:
    with socket.create_server(("127.0.77.3", 0)) as holder:
        port = holder.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"127\.0\.77\.3:{port} is taken.*End the program") as caught,
            DemoWeb(FOLDER, port=port),
        ):
            pass
    assert caught.value.exit_code == 2
    socket.create_server(("127.0.77.1", port)).close()  # what was bound before the failure is free again


def test_the_web_is_the_same_each_time() -> None:
    bodies = []
    for _ in range(2):
        with DemoWeb(FOLDER, port=0) as web:
            base = web.outlets[3].home.encode()
            bodies.append([get(url)[2].replace(base, b"") for url in (web.outlets[3].home, *web.outlets[3].feeds)])
    assert bodies[0] == bodies[1]
