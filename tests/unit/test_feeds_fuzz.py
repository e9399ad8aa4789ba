"""Feeds damaged in every way a search can think of: each is read or refused, and nothing else happens."""

import gzip

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transforms.feeds import NotAFeed, parse_feed
from transforms.feeds.loose import read_loose

RSS = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE rss [<!ENTITY x "y">]><rss version="2.0"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xml:base="https://n.example/"><channel><title>أخبار</title><ttl>5</ttl>
<skipHours><hour>3</hour></skipHours><!-- made by hand --><item><title>A &amp; <b>B</b></title><link>/1</link><guid>1</guid>
<pubDate>Mon, 31 Aug 2026 12:00:00 +0300</pubDate><dc:creator>Layla</dc:creator><description><![CDATA[<p>One</p>]]>
</description><category>x</category></item><item><title>C</title><link>https://n.example/2</link></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar"><title>N</title><entry><id>urn:1</id><link href="/1"/>
<title type="html">&lt;b&gt;A&lt;/b&gt;</title><updated>2026-08-31T12:00:00Z</updated><author><name>O</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One &eacute;</p></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel/>
<item rdf:about="https://n.example/1"><title>A</title><link>https://n.example/1</link></item></rdf:RDF>"""
JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "N", "items": [{"id": 1, "url": "/1", "tags": ["a"],
"authors": [{"name": "L"}], "content_text": "One\\n\\nTwo", "date_published": "2026-08-31T12:00:00Z"}]}"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://n.example/1</loc>
<lastmod>2026-08-31</lastmod></url></urlset>"""
INDEX = (
    "<sitemapindex><sitemap><loc>https://n.example/a.xml</loc><lastmod>2026-08-31</lastmod></sitemap></sitemapindex>"
)
WHOLE = [RSS, ATOM, RDF, JSON, SITEMAP, INDEX]
TOKENS = [
    "<", ">", "&", '"', "'", "]]>", "<![CDATA[", "<!--", "-->", "<!", "<?", "?>", "</", "/>", "\0", "\x0b", "\ufffe", "&foo;", "&#0;",
    "&#xD800;", "&#99999999;", "<item>", "</item>", "<entry>", "<title>", "<link>", "<link href='http://['/>", "<author>",
    "<media:content url='x'>", "<![if x]>", "<!ENTITY a 'b'>", "<a:b:c>", "xml:base='http://[' ", "{", "}", "[", "]", "null", "1e999",
    "\\ud800", "9" * 400, "<urlset>", "<sitemapindex>", "<rss>", "<html>", "ـ" * 9,
]  # fmt: skip
cuts = st.tuples(st.just("cut"), st.integers(0, 1_500), st.integers(0, 200))
copies = st.tuples(st.just("copy"), st.integers(0, 1_500), st.integers(0, 1_500))
puts = st.tuples(st.sampled_from(TOKENS), st.integers(0, 1_500), st.integers(0, 3))


def damaged(text: str, steps: list[tuple[str, int, int]]) -> str:
    for what, place, size in steps:
        at = place % (len(text) + 1)
        if what == "cut":
            text = text[:at] + text[at + size :]
        elif what == "copy":
            text = text[:at] + text[size : size + 60] + text[at:]
        else:
            text = text[:at] + what * size + text[at:]
    return text


CHARSETS = st.sampled_from(["utf-8", "utf-16", "cp1256", "utf-8-sig"])


@example(text="<rss><!-- <![CDATA[ -->&foo;<channel>&bar;<item>&foo;<title>a &foo; b</title><link>http://e.example/1</link></item></channel>]]></rss>",
         steps=[], charset="utf-8", packed=False, content_type="")  # fmt: skip
@example(
    text='<feed xmlns="a}b"><entry><id>1</id></entry></feed>', steps=[], charset="utf-8", packed=False, content_type=""
)
@example(text="<urlset><!-- <![CDATA[ -->&foo;<url>&foo;<loc>http://e.example/</loc></url>]]></urlset>",
         steps=[], charset="utf-8", packed=False, content_type="")  # fmt: skip
@given(
    st.sampled_from(WHOLE), st.lists(cuts | copies | puts, max_size=6), CHARSETS, st.booleans(),
    st.sampled_from(["", "text/xml; charset=utf-8", "text/xml; charset=hex", "application/json"]),
)  # fmt: skip
def test_a_damaged_feed_is_read_or_refused(
    text: str, steps: list[tuple[str, int, int]], charset: str, packed: bool, content_type: str
) -> None:
    data = damaged(text, steps).encode(charset, "replace")
    try:
        feed = parse_feed(
            gzip.compress(data, 1) if packed else data, content_type, "https://n.example/feed", max_items=5
        )
    except NotAFeed:
        return
    assert len(feed.items) <= 5
    for item in feed.items:
        assert item.link == "" or item.link.startswith(("http://", "https://"))
        "".join((item.title, item.id, item.summary, item.content, *item.authors, *item.tags)).encode()
    "".join((feed.title, feed.language or "", *feed.children)).encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_none(data: bytes) -> None:
    try:
        parse_feed(data, "", "https://n.example/feed")
    except NotAFeed:
        return


@pytest.mark.parametrize("root", ["<rss><channel>", "<feed>"])
def test_what_trips_feedparser_costs_no_item_before_it(root: str) -> None:
    trap = "<entry><author>x<link><![<link href='http://e.example/1'/></entry></item></link><![<entry><loc><link href='x'/>"
    items = "".join(f"<item><title>T{n}</title><link>https://e.example/{n}</link></item>" for n in range(2))
    feed = read_loose(root + items + trap, "https://e.example/feed", 50)
    assert feed is not None
    assert [item.title for item in feed.items][:2] == ["T0", "T1"]
