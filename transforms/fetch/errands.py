"""Errands: what feeds and pages are fetched for. An answer becomes records; what cannot be used, rejects."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, FeedRef, Origin, Page, Reject, RejectReason, Skip, SkipReason
from schemas.settings import PollSettings, UrlSettings
from transforms.failure import MAX_DETAIL, FetchFailed
from transforms.feeds import FeedItem, NotAFeed, parse_feed
from transforms.fetch.crawl import Answer, Ask
from transforms.poll import after_answer, after_failure
from transforms.urls import canonical_url
from transforms.waiting import unfinished

Outputs = Iterator[tuple[str, object]]
"""Pairs of tag and record."""

MAIN: Final = "main"
MOVED: Final = "moved"
REJECTS: Final = "rejects"
SKIPS: Final = "skips"
STATES: Final = "states"

_HTML_TYPES: Final = {"", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain"}
_MAGIC: Final = {  # files that servers send as text/html
    b"%PDF-": "a PDF file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a WebP image or sound",
    b"PK\x03\x04": "a ZIP archive",
    b"ID3": "MP3 sound",
    b"\x1f\x8b": "gzip data",
}
_TAG: Final = re.compile(r"<[^<>]*>")
MAX_PARTS: Final = 5  # of a sitemap index, the newest: outlets begin one a day, a month or some thousand articles
MAX_CONTENT_CHARS: Final = 200_000  # of an article that its feed carries; ten times the longest we have seen


class FeedErrand(NamedTuple):
    """Feeds: a conditional request, then entries and the feed's new state."""

    poll: PollSettings
    urls: UrlSettings

    def ask(self, ref: FeedRef) -> Ask:
        """Return what to ask for."""
        known = ref.known
        if known is None:
            return Ask(ref.location, None, None, ref.hops, ref.permanent, False)
        return Ask(ref.location, known.etag, known.last_modified, ref.hops, ref.permanent, known.failures > 0)

    def moved(self, ref: FeedRef, ask: Ask) -> FeedRef:
        """Return the feed, to be asked at another host."""
        return ref._replace(location=ask.url, hops=ask.hops, permanent=ask.permanent)

    def answered(self, ref: FeedRef, answer: Answer) -> Outputs:
        """Yield a feed's entries, its state, and what of it cannot be used."""
        response, now = answer.response, Timestamp.now()
        ref = ref._replace(location=response.url, permanent=ref.permanent and answer.permanent)
        if response.status == 304:
            yield STATES, after_answer(ref, 304, response.headers, None, now, self.poll)
            return
        content_type = response.headers.get("content-type", "")
        try:
            feed = parse_feed(response.body, content_type, response.url, self.poll.max_entries)
        except NotAFeed as error:
            yield from self.failed(ref, FetchFailed(RejectReason.NOT_A_FEED, str(error), status=200))
            return
        if feed.children:
            yield from self._parts(ref, feed.children)
            return
        language = feed.language or ref.language
        for item in feed.items:
            link = canonical_url(item.link, self.urls.keep) if item.link else ""
            origin = Origin(ref.outlet, ref.url, item.id, link, _stamp(item), language)
            if item.link:
                whole = ref.full_content and _is_whole(item.content, self.poll.full_content_chars)
                yield MAIN, _entry(origin, item, item.content if whole else "")
            else:
                detail = f"{item.title} {item.id}"[:MAX_DETAIL]
                yield REJECTS, Reject("poll", RejectReason.NO_LINK, origin, "entry", "", detail, False, now)
        if feed.dropped:
            detail = f"{feed.dropped} items beyond the first {self.poll.max_entries}"
            yield REJECTS, _feed_reject(ref, RejectReason.TOO_LARGE, detail, False, now)
        yield STATES, after_answer(ref, 200, response.headers, feed, now, self.poll)

    def _parts(self, ref: FeedRef, children: Sequence[str]) -> Outputs:
        """The newest parts of an index, to be asked for in the next round; what they give is the feed's."""
        if ref.part:
            yield from self.failed(ref, FetchFailed(RejectReason.NOT_A_FEED, "an index inside an index", status=200))
            return
        known = ref.known._replace(etag=None, last_modified=None) if ref.known else None  # the index's say nothing here
        for child in children[:MAX_PARTS]:
            yield MOVED, ref._replace(location=child, permanent=False, known=known, part=True)

    def unasked(self, ref: FeedRef, why: str) -> Outputs:
        """Yield the reject of a feed whose host is left alone, and its state."""
        yield from self.failed(ref, FetchFailed(RejectReason.TIMEOUT, why, transient=True))

    def failed(self, ref: FeedRef, failure: FetchFailed) -> Outputs:
        """Yield the reject of a feed that gave nothing, and its state."""
        now = Timestamp.now()
        yield REJECTS, _feed_reject(ref, failure.reason, failure.detail, failure.transient, now)
        yield STATES, after_failure(ref, failure, now, self.poll)


class PageErrand(NamedTuple):
    """Pages: HTML, or nothing."""

    def ask(self, entry: Entry) -> Ask:
        """Return what to ask for."""
        return Ask(entry.url, entry.etag, entry.last_modified, entry.hops, False, entry.failed_before or entry.recheck)

    def moved(self, entry: Entry, ask: Ask) -> Entry:
        """Return the entry, to be asked for at another host."""
        return entry._replace(url=ask.url, hops=ask.hops, listed_url=entry.listed_url or entry.url)

    def answered(self, entry: Entry, answer: Answer) -> Outputs:
        """Yield the page, or why it is none."""
        response, now = answer.response, Timestamp.now()
        if response.status == 304:
            yield SKIPS, Skip("fetch", SkipReason.NOT_MODIFIED, entry.origin)
            return
        content_type = response.headers.get("content-type", "")
        if odd := not_html(content_type, response.body):
            yield from self.failed(entry, FetchFailed(RejectReason.BAD_CONTENT_TYPE, odd, status=response.status))
            return
        headers = response.headers
        yield MAIN, Page(
            entry, response.url, response.status, content_type, response.body, headers.get("etag"),
            headers.get("last-modified"), now,
        )  # fmt: skip

    def unasked(self, entry: Entry, why: str) -> Outputs:
        """Yield the skip of an entry whose host is left alone: it is as fresh for the next run."""
        waiting = None if entry.waiting else unfinished(entry)
        yield SKIPS, Skip("fetch", SkipReason.DEFERRED, entry.origin, waiting)

    def failed(self, entry: Entry, failure: FetchFailed) -> Outputs:
        """Yield the reject of a page that could not be had."""
        now, waiting = Timestamp.now(), unfinished(entry) if failure.transient else None
        yield (
            REJECTS,
            Reject(
                "fetch",
                failure.reason,
                entry.origin,
                "entry",
                entry.url,
                failure.detail,
                failure.transient,
                now,
                waiting,
            ),
        )


def _is_whole(content: str, min_chars: int) -> bool:
    """Whether a feed's HTML may be the article: long enough as text, and of a size that may travel between stages."""
    return min_chars <= len(content) <= MAX_CONTENT_CHARS and len(_TAG.sub("", content)) >= min_chars


def full_content_page(entry: Entry, now: Timestamp) -> Page:
    """Return the page of an entry that carries its article."""
    body = f"<!DOCTYPE html><html><body><article>{entry.content}</article></body></html>".encode()
    bare = entry._replace(content="")
    return Page(bare, entry.url, 200, "text/html; charset=utf-8", body, None, None, now)


def _stamp(item: FeedItem) -> Optional[Timestamp]:
    stamps = [stamp for stamp in (item.updated, item.published) if stamp is not None]
    return max(stamps, default=None)


def _entry(origin: Origin, item: FeedItem, content: str) -> Entry:
    return Entry(
        origin, item.link, item.title, item.summary, content, list(item.authors), list(item.tags), item.published,
        item.updated, None, None, 0,
    )  # fmt: skip


def _feed_reject(ref: FeedRef, reason: str, detail: str, transient: bool, now: Timestamp) -> Reject:
    origin = Origin(ref.outlet, ref.url, "", ref.url, None, ref.language)
    return Reject("poll", reason, origin, "feed", ref.location, detail, transient, now)


def not_html(content_type: str, body: bytes) -> str:
    """Return what a body is instead of HTML, "" where it may be HTML."""
    for magic, name in _MAGIC.items():
        if body.startswith(magic):
            return name
    declared = content_type.partition(";")[0].strip().lower()
    return "" if declared in _HTML_TYPES else declared
