"""What a feed says: the types that `parse_feed` returns, and those its readers hand on inside this package."""

from collections.abc import Sequence
from typing import NamedTuple, Optional

from apache_beam.utils.timestamp import Timestamp


class NotAFeed(ValueError):
    """The bytes are no feed of a kind we know; its text says what they look like."""


class Hints(NamedTuple):
    """What a feed says about how often to ask for it."""

    ttl_s: Optional[float] = None  # RSS <ttl>, JSON Feed has none
    skip_hours: Sequence[int] = ()  # RSS <skipHours>: hours of the day, UTC, 0..23
    skip_days: Sequence[int] = ()  # RSS <skipDays>: days of the week, 0 is Monday
    update_interval_s: Optional[float] = None  # sy:updatePeriod divided by sy:updateFrequency


class FeedItem(NamedTuple):
    """One item, cleaned. Texts are plain: no markup, entities decoded, white space squeezed."""

    link: str  # absolute http(s) URL of the article, "" where the item has none
    title: str
    id: str  # guid, atom:id, rdf:about or JSON Feed id as written, "" where none
    published: Optional[Timestamp]  # published, else dc:date, else updated
    updated: Optional[Timestamp]
    summary: str  # the item's own summary; the start of its content where it has none
    content: str  # HTML of the article where the item carries one, else ""
    authors: Sequence[str]
    tags: Sequence[str]


class Feed(NamedTuple):
    """A parsed feed or sitemap, items in document order."""

    title: str
    language: Optional[str]  # as declared, for instance "en-gb"
    items: Sequence[FeedItem]
    hints: Hints = Hints()
    children: Sequence[str] = ()  # a sitemap index holds no items but lists these sitemaps, newest first
    dropped: int = 0  # items beyond the caller's bound


class RawItem(NamedTuple):
    """An item as its reader found it: markup and dates as written, links already absolute."""

    link: str = ""
    id: str = ""
    title: str = ""
    published: Sequence[str] = ()  # candidates, best first; the first that is a date wins
    updated: str = ""
    summary: str = ""
    content: str = ""
    authors: Sequence[str] = ()
    tags: Sequence[str] = ()


class RawFeed(NamedTuple):
    """A feed as its reader found it."""

    title: str
    language: str
    items: Sequence[RawItem]
    hints: Hints = Hints()
    dropped: int = 0
