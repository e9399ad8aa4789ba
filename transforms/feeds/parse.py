"""`parse_feed`: pick the reader, then clean what it found. Cleaning is one for all readers."""

from collections.abc import Sequence
from typing import Final, Optional

from apache_beam.utils.timestamp import Timestamp

from transforms.feeds.balance import balanced
from transforms.feeds.dates import parse_date
from transforms.feeds.jsonfeed import read_json
from transforms.feeds.loose import read_loose
from transforms.feeds.model import Feed, FeedItem, NotAFeed, RawFeed, RawItem
from transforms.feeds.repair import decoded, unpacked, xml_text
from transforms.feeds.sitemap import read_sitemap
from transforms.feeds.text import plain_text, unwrapped
from transforms.feeds.xmlfeed import read_xml

MAX_ITEMS: Final = 20_000  # `poll.max_entries`
MAX_TITLE_CHARS: Final = 1_000  # bounds of one item's fields, far above what outlets write
MAX_SUMMARY_CHARS: Final = 5_000
MAX_CONTENT_CHARS: Final = 1_000_000
MAX_ID_CHARS: Final = 2_000
MAX_LIST: Final = 50  # authors, tags


def parse_feed(data: bytes, content_type: str, url: str, max_items: int = MAX_ITEMS) -> Feed:
    """Return the feed in `data`.

    Damage is mended where it can be: wrong charsets, broken bytes, raw ampersands, missing namespaces, junk around
    the document. A feed that breaks off gives its whole items. Nothing is fetched and no entity is expanded.

    Args:
        data: the body, unpacked from its transfer coding; a .xml.gz is gunzipped here.
        content_type: the response's header, for its charset; may be empty.
        url: where the body came from; relative links are resolved against it.
        max_items: items beyond it are counted in `dropped`.

    Raises:
        NotAFeed: the bytes are none, say an HTML page or an error message.
    """
    text = decoded(unpacked(data), content_type)
    if text.lstrip()[:1] == "{":
        raw = read_json(text, url, max_items)
        if raw is None:
            raise NotAFeed("JSON, but no JSON Feed")
        return _clean(raw)
    body = xml_text(text)
    if not body:
        raise NotAFeed(f"no feed's root element in {' '.join(text[:80].split())!r}" if text.strip() else "no text")
    if _is_sitemap(body) and (sitemap := read_sitemap(body, url, max_items)):
        return sitemap
    raw = read_xml(body, url, max_items) or read_xml(balanced(body), url, max_items, recover=True)
    if raw is None or not raw.items:  # feedparser reads on where no tree can be made
        raw = read_loose(body, url, max_items) or raw
    if raw is None:
        raise NotAFeed("markup beyond repair")
    return _clean(raw)


def _is_sitemap(text: str) -> bool:
    root = text[:60].lower()
    return "urlset" in root or "sitemapindex" in root


def _clean(raw: RawFeed) -> Feed:
    return Feed(
        title=plain_text(raw.title[:MAX_TITLE_CHARS]),
        language=raw.language.strip()[:40] or None,
        items=[_clean_item(item) for item in raw.items],
        hints=raw.hints,
        dropped=raw.dropped,
    )


def _clean_item(raw: RawItem) -> FeedItem:
    summary = plain_text(raw.summary[: 4 * MAX_SUMMARY_CHARS]) or plain_text(raw.content[: 4 * MAX_SUMMARY_CHARS])
    return FeedItem(
        link=unwrapped(raw.link) if raw.link else "",
        title=plain_text(raw.title[: 4 * MAX_TITLE_CHARS])[:MAX_TITLE_CHARS],
        id=raw.id.strip()[:MAX_ID_CHARS],
        published=_first_date(raw.published),
        updated=parse_date(raw.updated),
        summary=summary[:MAX_SUMMARY_CHARS],
        content=_article(raw)[:MAX_CONTENT_CHARS],
        authors=_texts([_name(author) for author in raw.authors[:MAX_LIST]]),
        tags=_texts(raw.tags),
    )


def _article(raw: RawItem) -> str:
    """The item's HTML: its content, or a summary that is longer."""
    return raw.content if len(raw.content) >= len(raw.summary) or "<" not in raw.summary else raw.summary


def _first_date(candidates: Sequence[str]) -> Optional[Timestamp]:
    return next((date for text in candidates if (date := parse_date(text))), None)


def _name(author: str) -> str:
    """The name in RSS's "mail@example.org (Name)"; "" for an address alone."""
    return author.partition("(")[2].partition(")")[0] if "@" in author.partition("<")[0] else author


def _texts(values: Sequence[str]) -> list[str]:
    """Cleaned, without empty ones and repeats."""
    return list(dict.fromkeys(text for value in values[:MAX_LIST] if (text := plain_text(value[:MAX_TITLE_CHARS]))))
