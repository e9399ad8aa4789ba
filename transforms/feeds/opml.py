"""OPML 2.0 (http://opml.org/spec2.opml): lists of feeds that other readers write and take."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from lxml import etree

from schemas.settings import Outlet
from transforms.feeds.text import absolute_link, plain_text

MAX_FEEDS: Final = 10_000


class NotOpml(ValueError):
    """The bytes are no OPML."""


class ListedFeed(NamedTuple):
    """A feed as an OPML file lists it."""

    url: str
    title: str
    home: str  # "" where the file does not say
    language: str


def read_opml(data: bytes) -> list[ListedFeed]:
    """Return the feeds that `data` lists, folders flattened, each once. No entity is expanded, nothing is fetched.

    Raises:
        NotOpml: the bytes are none.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise NotOpml(str(error)) from error
    if root is None or str(root.tag).lower() != "opml":
        raise NotOpml("the root element is not <opml>")
    if not len(root):
        raise NotOpml("there is nothing inside <opml>")
    found = dict[str, ListedFeed]()
    for outline in root.iter("outline"):
        values = {name.lower(): value for name, value in outline.attrib.items()}
        url = absolute_link(values.get("xmlurl", ""), "")
        if url and url not in found and len(found) < MAX_FEEDS:
            title = plain_text(values.get("title") or values.get("text", ""))
            home = absolute_link(values.get("htmlurl", ""), "")
            found[url] = ListedFeed(url, title, home, values.get("language", ""))
    return list(found.values())


def write_opml(outlets: Iterable[Outlet], title: str) -> bytes:
    """Return an OPML document: a folder for each outlet, in it its feeds."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for outlet in outlets:
        folder = etree.SubElement(body, "outline", text=outlet.name)
        for feed in outlet.feeds:
            etree.SubElement(
                folder, "outline", type="rss", text=outlet.name, xmlUrl=feed, htmlUrl=outlet.home,
                language=outlet.language,
            )  # fmt: skip
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return written
