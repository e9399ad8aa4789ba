"""OPML in and out."""

import pytest

from schemas.settings import Outlet
from transforms.feeds.opml import ListedFeed, NotOpml, read_opml, write_opml

OUTLET = Outlet(
    slug="a", name="أ & B", country="IQ", language="ar", home="https://a.example/",
    feeds=("https://a.example/rss", "https://a.example/atom?x=1&y=2"),
)  # fmt: skip


def test_what_is_written_reads_back() -> None:
    assert read_opml(write_opml([OUTLET], "all")) == [
        ListedFeed(feed, "أ & B", "https://a.example/", "ar") for feed in OUTLET.feeds
    ]


def test_folders_are_flattened_and_repeats_left_out() -> None:
    data = b"""<opml version="1.0"><body><outline text="Folder"><outline text="A" xmlUrl="https://a.example/rss"/>
      <outline TEXT="again" XMLURL="https://a.example/rss"/><outline text="script" xmlUrl="javascript:x"/></outline>
      <outline text="no feed" htmlUrl="https://b.example/"/></body></opml>"""
    assert read_opml(data) == [ListedFeed("https://a.example/rss", "A", "", "")]


def test_entities_are_never_expanded() -> None:
    data = b"""<!DOCTYPE opml [<!ENTITY f SYSTEM "file:///etc/hostname">]>
      <opml><body><outline text="&f;" xmlUrl="https://a.example/rss"/></body></opml>"""
    assert [feed.title for feed in read_opml(data)] in ([], ["&f;"], [""])


@pytest.mark.parametrize("data", [b"", b"<rss/>", b"not markup", b"\x00"], ids=["empty", "rss", "text", "nul"])
def test_what_is_no_opml_is_refused(data: bytes) -> None:
    with pytest.raises(NotOpml):
        read_opml(data)
