"""Feeds of each format, whole and damaged, to items."""

import pytest
from apache_beam.utils.timestamp import Timestamp

from transforms.feeds import FeedItem, NotAFeed, parse_feed

URL = "https://news.example/feed.xml"
NOON = Timestamp(1788177600)  # 2026-08-31T12:00:00Z


def rss(*items: str, head: str = "", attributes: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {attributes}><channel><title>News</title>{head}'
        + "".join(f"<item>{item}</item>" for item in items)
        + "</channel></rss>"
    ).encode()


def only(data: bytes, content_type: str = "application/rss+xml", url: str = URL) -> FeedItem:
    (item,) = parse_feed(data, content_type, url).items
    return item


def test_an_rss_item_comes_out_clean() -> None:
    item = only(
        rss(
            "<title>Talks &amp;amp; truce: &lt;b&gt;day 3&lt;/b&gt;</title><link> /world/1?a=1&amp;b=2\n</link>"
            '<guid isPermaLink="false">tag:1</guid><pubDate>Mon, 31 Aug 2026 15:00:00 +0300</pubDate>'
            "<description><![CDATA[<p>First.</p><p>Second.</p>]]></description>"
            "<dc:creator>Layla H.</dc:creator><category>Syria</category><category>Syria</category>",
            attributes='xmlns:dc="http://purl.org/dc/elements/1.1/"',
        )
    )
    assert item == FeedItem(
        link="https://news.example/world/1?a=1&b=2",
        title="Talks & truce: day 3",
        id="tag:1",
        published=NOON,
        updated=None,
        summary="First. Second.",
        content="<p>First.</p><p>Second.</p>",
        authors=["Layla H."],
        tags=["Syria"],
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"  \n", b"<!doctype html><html><body><item><link>x</link></item></body></html>", b'{"error": 1}', b"[1]"],
    ids=["empty", "blank", "html", "json", "json list"],
)
def test_what_is_no_feed_is_refused(data: bytes) -> None:
    with pytest.raises(NotAFeed):
        parse_feed(data, "application/xml", URL)
