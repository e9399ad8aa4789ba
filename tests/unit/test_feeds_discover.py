"""Where a site's feeds may be."""

import time

import pytest

from transforms.feeds.discover import MAX_CANDIDATES, discover, news_sitemaps, usual_places

HOME = "https://news.example/en/"


def test_declared_feeds_come_before_linked_ones() -> None:
    page = b"""<html><head><link rel="stylesheet" href="/rss.css"><link rel="alternate" hreflang="ar" href="/ar/">
      <link rel="ALTERNATE" type="application/rss+xml" href="/declared.xml"></head>
      <body><a href="/en/rss/world#top">RSS</a><a href="/about">About</a><a href="https://feeds.news.example/top">Top</a>"""
    assert discover(page, HOME) == [
        "https://news.example/declared.xml",
        "https://news.example/en/rss/world",
        "https://feeds.news.example/top",
    ]


def test_the_base_of_the_page_counts() -> None:
    page = b'<base href="https://b.example/x/"><link rel=alternate type=application/atom+xml href=atom>'
    assert discover(page, HOME) == ["https://b.example/x/atom"]


@pytest.mark.parametrize(
    "href", ["/comments/feed/", "/author/x/rss", "/podcast/rss.xml", "javascript:rss()", "/press", "/feeding"]
)
def test_what_is_no_news_feed_stays_out(href: str) -> None:
    assert discover(f'<a href="{href}">x</a>'.encode(), HOME) == []


@pytest.mark.parametrize("page", [b"", b"\x00\xff", b"<" * 1000, b"<div>" * 50_000, b'<a href="/rss">' * 50_000])
def test_hostile_pages_are_bounded(page: bytes) -> None:
    started = time.process_time()
    assert len(discover(page, HOME)) <= MAX_CANDIDATES
    assert time.process_time() - started < 5


def test_robots_names_the_sitemaps_for_news() -> None:
    robots = "User-agent: *\nDisallow: /x\nSitemap: https://news.example/all.xml\n sitemap:/news-sitemap.xml\n"
    assert news_sitemaps(robots, HOME) == ["https://news.example/news-sitemap.xml"]


def test_usual_places_lie_at_the_root() -> None:
    assert "https://news.example/rss.xml" in usual_places(HOME)
