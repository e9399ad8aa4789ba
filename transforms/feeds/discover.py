"""Where a site's feeds may be: what its home page links, what its robots.txt lists, and where feeds usually lie."""

import re
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from lxml import etree

from transforms.feeds.text import absolute_link

MAX_CANDIDATES: Final = 40
_TYPES: Final = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_FEED_PATH = re.compile(
    r"(?:^|[/._?=-])(?:rss\d?|feeds?|atom|rdf)(?:$|[/._?&=-])|news[_-]?sitemap|sitemap[_-]?news", re.IGNORECASE
)
_NOT_NEWS = re.compile(r"comment|podcast|/tag/|/author/", re.IGNORECASE)
_LANGUAGE = re.compile(rb"""<html\b[^>]{0,500}?[\s:]lang\s{0,3}=\s{0,3}["']?([a-z-]{2,15})""", re.IGNORECASE)
_HEAD_BYTES: Final = 8_192  # in which a page's first tag is looked for
_SITEMAP_LINE = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*(\S{1,2000})", re.IGNORECASE | re.MULTILINE)
_USUAL: Final = (
    "/feed/", "/rss", "/rss.xml", "/feed", "/feed.xml", "/atom.xml", "/index.xml", "/rss/", "/feeds/all.atom.xml",
    "/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml",
)  # fmt: skip


def discover(html: bytes, url: str) -> list[str]:
    """Return the addresses that the page `html` names as feeds, the likeliest first.

    First come those it declares as alternates, then links that look like feeds. Feeds of comments, authors and
    podcasts stay out. At most `MAX_CANDIDATES`; none of them has been tried.
    """
    declared, linked = [], []
    base = url
    for element in _elements(html):
        target = str(element.get("href") or "")
        if element.tag == "base":
            base = absolute_link(target, url) or base
        elif element.tag == "a":
            linked.append(target)
        elif "alternate" in str(element.get("rel", "")).lower() and str(element.get("type", "")).lower() in _TYPES:
            declared.append(target)
    found = [absolute_link(target, base) for target in declared]
    found += [link for target in linked if (link := absolute_link(target, base)) and _looks_like_feed(link)]
    found = [link.partition("#")[0] for link in found if link and not _NOT_NEWS.search(link)]
    return list(dict.fromkeys(found))[:MAX_CANDIDATES]


def page_language(html: bytes) -> str:
    """Return the language that a page declares as a whole, such as "en-GB", "" where it declares none.

    >>> page_language(b'<!doctype html><html class="no-js" lang="ckb">')
    'ckb'
    """
    found = _LANGUAGE.search(html[:_HEAD_BYTES])
    return found[1].decode("ascii") if found else ""


def usual_places(url: str) -> list[str]:
    """Return where the site of `url` may have a feed although no page says so."""
    return [urljoin(url, path) for path in _USUAL]


def news_sitemaps(robots: str, url: str) -> list[str]:
    """Return the sitemaps for news among those a robots.txt lists (RFC 9309 section 2.2.4); others hold archives."""
    found = (absolute_link(target, url) for target in _SITEMAP_LINE.findall(robots))
    return list(dict.fromkeys(link for link in found if "news" in urlsplit(link).path.lower()))[:MAX_CANDIDATES]


def _elements(html: bytes) -> Any:
    """The elements that can name a feed, in document order."""
    parser = etree.HTMLParser(no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(html, parser)
    except etree.XMLSyntaxError:  # no markup at all
        return ()
    return root.iter("base", "link", "a") if root is not None else ()


def _looks_like_feed(link: str) -> bool:
    parts = urlsplit(link)
    first = (parts.hostname or "").split(".")[0]
    return first in ("rss", "feeds", "feed") or bool(_FEED_PATH.search(f"{parts.path}?{parts.query}"))
