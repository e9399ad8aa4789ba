"""When a page was published and last changed.

What is meant for machines comes first: JSON-LD, meta tags, <time> marked as the publication, the feed, the address;
then the lines beside the headline, other <time> elements, and at last the rest of the text.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, Optional
from urllib.parse import urlsplit

import htmldate

from transforms.extract.declared import Declared, squeeze
from transforms.feeds.dates import parse_date

_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)  # clocks and zones err by less; beyond is a wrong date
_PUBLISHED_META: Final = (
    "article:published_time og:article:published_time datepublished parsely-pub-date sailthru.date article.published "
    "published_time dc.date.issued dc.date dc.date.created dcterms.created dcterms.date cxenseparse:recs:publishtime "
    "publish-date publish_date pubdate date article:published published-date citation_publication_date citation_date "
    "rnews:datepublished og:published_time article:publish_date created article:post_date datecreated "
    "cxenseparse:publishtime article_date_original originalpublicationdate og:pubdate publication_date "
    "last-modified-date"
).split()
_MODIFIED_META: Final = "article:modified_time og:updated_time datemodified lastmod dcterms.modified".split()
_PUBLISHED_CLASS = re.compile(r"publish|entry-date|post-date|dateP", re.I)
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_SLASHED_DAY = re.compile(r"((?:19|20)\d\d)[/.](\d{1,2})[/.](\d{1,2})")
_COMPACT_DAY = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?=\D|$|\d{4}(?:\d\d)?(?:\D|$))")
_SHORT_ZONE = re.compile(r"([+-]\d\d)(\d\d)?$")
_FRACTION = re.compile(r"\.\d{1,9}")
# "/2026/3/5/", "/2026-03-05-", "/20260305/"; "/2026/11/" is a month and "/2026/1/123" no day.
_URL_DAY = re.compile(r"/((?:19|20)\d\d)(?:([/\-])(\d\d?)\2(\d\d?)|(\d\d)(\d\d))(?=[/\-_.]|$)")
# A day as people read it: "5 March 2026", "5. März 2026", "5 de marzo de 2026", "March 5th, 2026", "05.03.2026",
# "2026/03/05", "2026年3月5日"; not "05/03/2026", which is two days.
_SHOWN_DAY = re.compile(
    r"\b\d{1,2}(?:st|nd|rd|th|er|\.|º)?(?: de| of)? ?[^\W\d_]{3,12}\.?(?: de|,)? ?(?:19|20)\d\d\b|"
    r"\b[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d\b|"
    r"\b\d{1,2}\.\d{1,2}\.(?:19|20)\d\d\b|\b(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}\b|"
    r"(?:19|20)\d\d年\d{1,2}月\d{1,2}日"
)
_IDEOGRAPHS: Final = str.maketrans("年月", "--", "日")
_MAX_BESIDE: Final = 40  # characters beside the day: "Published", a name, "3 min read"; more is a sentence or a caption


class Moment(NamedTuple):
    """A time, in the zone the page gives it, and where it comes from."""

    at: datetime
    source: str  # json_ld, meta, time_tag, feed, url, text


def read_moment(value: Any) -> Optional[datetime]:
    """Return the time that a machine-readable date gives, None for none; without a zone it counts as UTC.

    >>> read_moment("2024-05-01T10:00:00+0300").isoformat()
    '2024-05-01T10:00:00+03:00'
    """
    text = squeeze(value)[:60]
    if not text:
        return None
    moment = _iso(text) or _internet(text) or _day(text)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment if _EARLIEST <= moment <= _LATEST else None


def published(
    declared: Declared,
    root: Any,
    lines: Sequence[str],
    feed: Optional[datetime],
    now: Optional[datetime],
    *,
    read_text: bool,
) -> Optional[Moment]:
    """Return when the article was first published; times after `now` are not believed.

    `lines` are the short lines around the headline. `read_text` allows the dear last resort, htmldate's search in the
    page's text.
    """
    for at, source in _published(declared, root, lines, feed, read_text):
        if at and (now is None or at <= now + _AHEAD):
            return Moment(at, source)
    return None


def modified(declared: Declared) -> Optional[datetime]:
    """Return when the article was last changed, as JSON-LD or a meta tag says."""
    for obj in declared.articles:
        if at := read_moment(obj.get("dateModified")):
            return at
    return next((at for value in _values(declared, _MODIFIED_META) if (at := read_moment(value))), None)


def _published(
    declared: Declared, root: Any, lines: Sequence[str], feed: Optional[datetime], read_text: bool
) -> Iterator[tuple[Optional[datetime], str]]:
    for obj in declared.articles:
        yield read_moment(obj.get("datePublished") or obj.get("dateCreated") or obj.get("uploadDate")), "json_ld"
    for value in _values(declared, _PUBLISHED_META):
        yield read_moment(value), "meta"
    times = [(element, at) for element in root.iter("time") if (at := read_moment(element.get("datetime")))]
    for element, at in times:
        marks = f"{element.get('class')} {element.get('itemprop')}"
        if element.get("pubdate") is not None or _PUBLISHED_CLASS.search(marks):
            yield at, "time_tag"
    yield feed, "feed"
    if found := _URL_DAY.search(urlsplit(declared.url).path):
        yield read_moment(f"{found[1]}-{found[3] or found[5]}-{found[4] or found[6]}"), "url"
    for name in ("datePublished", "dateCreated"):
        for element in root.xpath("//*[@itemprop=$name]", name=name):
            yield read_moment(element.get("content") or element.get("datetime")), "meta"
    yield from ((_shown_day(line), "text") for line in lines)
    yield from ((at, "time_tag") for _, at in times)
    yield modified(declared), "meta"
    if read_text:
        yield read_moment(htmldate.find_date(root, original_date=True, url=declared.url)), "text"


def _shown_day(line: str) -> Optional[datetime]:
    """The day that a line gives for people, None where it says much else.

    >>> _shown_day("Published March 9, 2026 · 4 min read").date().isoformat()
    '2026-03-09'
    """
    found = _SHOWN_DAY.search(line)
    if not found or len(line) - len(found[0]) > _MAX_BESIDE:
        return None
    at = parse_date(found[0].translate(_IDEOGRAPHS))
    return at.to_utc_datetime(has_tz=True) if at else None


def _values(declared: Declared, keys: list[str]) -> Iterator[str]:
    return (value for key in keys for value in declared.meta.get(key, ()))


def _iso(text: str) -> Optional[datetime]:
    text = _FRACTION.sub("", text.replace(" +", "+").replace("Z+", "+"), count=1)
    for form in (text, text[:19], text[:16]):
        try:
            return datetime.fromisoformat(_SHORT_ZONE.sub(_with_minutes, form) if len(form) > 12 else form)
        except ValueError:
            continue
    return None


def _with_minutes(zone: re.Match[str]) -> str:
    return f"{zone[1]}:{zone[2] or '00'}"


def _internet(text: str) -> Optional[datetime]:
    """RFC 5322, as in "Tue, 05 Mar 2024 10:00:00 GMT"."""
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _day(text: str) -> Optional[datetime]:
    found = _DAY.search(text[:30]) or _COMPACT_DAY.match(text) or _SLASHED_DAY.match(text)
    if not found:
        return None
    try:
        return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return None
