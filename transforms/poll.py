"""Poll: when a feed is due, and what a poll teaches about the next one. Pure policy: `now` is always passed in.

The feed's own wishes count first (Cache-Control, Expires, ttl, sy:updatePeriod, skipHours, skipDays, Retry-After), then
what it did: the interval shrinks while polls bring news and grows while they do not, between two bounds. Failures back
off, beyond the upper bound where that is less than a day, and never stop a feed for good; only 410 Gone does.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.records import FeedRef, FeedState, RejectReason
from schemas.settings import Outlet, PollSettings
from transforms.failure import FetchFailed
from transforms.feeds import Feed, Hints
from transforms.http_date import http_date

_SHRINK: Final = 0.8  # of the interval after a poll with news; news-crawl's adaptive schedule, -20 % and +50 %
_GROW: Final = 1.5  # and after one without
_BACK_OFF: Final = 3.0  # for each further failure in a row: a dead server costs each run its deadline
_MAX_BACK_OFFS: Final = 20  # that count; the longest wait cuts long before
_LONGEST_S: Final = 86_400.0  # that failures alone keep a feed waiting, where `max_interval_s` is less
_RETURN_AFTER: Final = 3  # failures in a row at a remembered location; then the configured URL is asked again
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})", re.IGNORECASE)
_HOUR_S: Final = 3_600
_MAX_RETRY_AFTER_S: Final = 7 * 86_400  # no answer stops a feed for good
_WEEK_HOURS: Final = 7 * 24


def due(
    outlets: Iterable[Outlet],
    states: Mapping[str, FeedState],
    now: Timestamp,
    waited_for: Collection[str] = (),
    *,
    every_feed: bool = False,
) -> list[FeedRef]:
    """Return the feeds to ask now. With `every_feed` those not due yet are asked too; closed ones never are.

    A feed that is gone, or that its outlet lists no more, comes marked as closed while it is one of those `waited_for`:
    nobody will ask it, but entries it once listed are still to be looked at.
    """
    asked = []
    ended = defaultdict[str, list[FeedState]](list)  # by outlet
    for url in waited_for:
        if url in states:
            ended[states[url].outlet].append(states[url])
    for outlet in outlets:
        for url in outlet.feeds:
            known = states.get(url)
            if known is None or (not known.gone and (every_feed or known.next_due <= now)):
                location = known.location if known else url
                asked.append(FeedRef(outlet.slug, url, location, outlet.language, 0, True, outlet.full_content, known))
        for known in ended[outlet.slug]:
            if known.gone or known.url not in outlet.feeds:
                asked.append(
                    FeedRef(outlet.slug, known.url, known.url, outlet.language, 0, True, False, known, closed=True)
                )
    return asked


def after_answer(
    ref: FeedRef, status: int, headers: Mapping[str, str], feed: Optional[Feed], now: Timestamp, poll: PollSettings
) -> FeedState:
    """Return the state after a 200 with a parsed `feed`, or a 304 without one.

    Where permanent redirects led to the answer, their target is remembered: only now is it known to be a feed. Of a
    part of a sitemap index no validators are kept: the next poll asks for the index.
    """
    known = ref.known
    newest = _newest(feed, now) if feed else None
    before = known.newest_entry_at if known else None
    news = newest is not None and (before is None or newest > before)
    interval_s = known.interval_s if known else poll.start_interval_s
    if known and (newest or not feed or not feed.items):  # items without dates tell neither way
        interval_s = _bounded(interval_s * (_SHRINK if news else _GROW), poll)
    hints = feed.hints if feed else Hints()
    wait_s = _bounded(max(interval_s, _wish_s(headers, hints, now)), poll)
    moved = ref.location if ref.permanent else (known.location if known else ref.url)
    return FeedState(
        url=ref.url,
        outlet=ref.outlet,
        location=moved,
        etag=None if ref.part else headers.get("etag") or (known.etag if known and not feed else None),
        last_modified=None
        if ref.part
        else headers.get("last-modified") or (known.last_modified if known and not feed else None),
        status=status,
        outcome="fetched" if feed else "not_modified",
        polled_at=now,
        succeeded_at=now,
        newest_entry_at=newest if news else before,
        next_due=_past_skipped(now + wait_s, hints),
        interval_s=interval_s,
        failures=0,
        gone=False,
        entries=len(feed.items) if feed else (known.entries if known else 0),
        title=feed.title if feed else (known.title if known else ""),
        news_at=now if news else (known.news_at if known else None),
    )


def after_failure(ref: FeedRef, failure: FetchFailed, now: Timestamp, poll: PollSettings) -> FeedState:
    """Return the state after a poll that gave no feed; what was known of it stays.

    A remembered location that keeps failing is forgotten: a redirect can be a mistake too.
    """
    known = ref.known
    failures = (known.failures if known else 0) + 1
    interval_s = known.interval_s if known else poll.start_interval_s
    backoff_s = interval_s * _BACK_OFF ** min(failures - 1, _MAX_BACK_OFFS)
    backoff_s = min(max(backoff_s, poll.min_interval_s), max(poll.max_interval_s, _LONGEST_S))
    return FeedState(
        url=ref.url,
        outlet=ref.outlet,
        location=known.location if known and failures < _RETURN_AFTER else ref.url,
        etag=known.etag if known else None,
        last_modified=known.last_modified if known else None,
        status=failure.status,
        outcome=failure.reason,
        polled_at=now,
        succeeded_at=known.succeeded_at if known else None,
        newest_entry_at=known.newest_entry_at if known else None,
        next_due=now + max(backoff_s, min(failure.retry_after_s or 0.0, _MAX_RETRY_AFTER_S)),
        interval_s=interval_s,
        failures=failures,
        gone=failure.reason == RejectReason.GONE and not ref.part,
        entries=known.entries if known else 0,
        title=known.title if known else "",
        news_at=known.news_at if known else None,
    )


def settle(states: Iterable[FeedState]) -> FeedState:
    """Return the one state of a feed after a poll: an index of sitemaps has one a part that was read.

    The part with the newest entry speaks for all; the feed has failed where every part has.
    """
    parts = list(states)
    best = max(parts, key=lambda state: (not state.failures, state.newest_entry_at or Timestamp(0), state.outcome))
    return best._replace(entries=sum(state.entries for state in parts if not state.failures) or best.entries)


def _newest(feed: Feed, now: Timestamp) -> Optional[Timestamp]:
    """The newest stamp of a feed that is not of the future: an event's day would be newer than all news until then."""
    stamps = (item.updated or item.published for item in feed.items)
    return max((stamp for stamp in stamps if stamp is not None and stamp <= now), default=None)


def _bounded(seconds: float, poll: PollSettings) -> float:
    return min(max(seconds, poll.min_interval_s), poll.max_interval_s)


def _wish_s(headers: Mapping[str, str], hints: Hints, now: Timestamp) -> float:
    """The longest wait that the answer asks for, in seconds. RFC 9111 section 5.3: max-age goes before Expires."""
    wishes = [hints.ttl_s or 0.0, hints.update_interval_s or 0.0]
    if max_age := _MAX_AGE.search(headers.get("cache-control", "")):
        wishes.append(float(max_age[1]))
    elif expires := http_date(headers.get("expires", "")):  # "0" and "-1" are common, and mean: at once
        wishes.append(expires.timestamp() - float(now))
    return max(wishes)


def _past_skipped(at: Timestamp, hints: Hints) -> Timestamp:
    """The first moment from `at` on that lies in no hour or day the feed wants to be left alone in (UTC)."""
    if not hints.skip_hours and not hints.skip_days:
        return at
    for hours in range(_WEEK_HOURS):
        later = at + hours * _HOUR_S
        clock = datetime.fromtimestamp(float(later), UTC)
        if clock.hour not in hints.skip_hours and clock.weekday() not in hints.skip_days:
            return later
    return at  # it wants to be left alone always: then its wish says nothing
