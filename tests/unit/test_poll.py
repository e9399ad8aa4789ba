"""When a feed is due, and what each answer teaches about the next time."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.records import FeedRef, FeedState, RejectReason
from schemas.settings import Outlet, PollSettings
from transforms.failure import FetchFailed
from transforms.feeds import Feed, FeedItem, Hints
from transforms.poll import after_answer, after_failure, due

NOW = Timestamp.from_rfc3339("2026-03-02T10:30:00Z")  # a Monday
URL, NEW_URL = "https://a.example/rss", "https://www.a.example/feed"
POLL = PollSettings(
    min_interval_s=600, max_interval_s=86_400, start_interval_s=1_800, max_entries=100, max_new_entries=50,
    recheck_s=3_600, full_content_chars=1_500, silence_factor=5,
)  # fmt: skip
NO_HINTS = Hints()
OUTLET = Outlet(slug="a", name="A", country="DE", language="de", home="https://a.example/", feeds=(URL,))


def state(**changes: Any) -> FeedState:
    known = FeedState(
        url=URL, outlet="a", location=URL, etag='"1"', last_modified="Mon", status=200, outcome="fetched",
        polled_at=NOW - 3_600, succeeded_at=NOW - 3_600, newest_entry_at=NOW - 7_200, next_due=NOW - 60,
        interval_s=3_600.0, failures=0, gone=False, entries=3, title="A",
    )  # fmt: skip
    return known._replace(**changes)


def ref(known: Optional[FeedState] = None, **changes: Any) -> FeedRef:
    return FeedRef("a", URL, known.location if known else URL, "de", 0, False, False, known)._replace(**changes)


def feed(stamps: Sequence[Optional[Timestamp]], hints: Hints = NO_HINTS) -> Feed:
    items = [FeedItem("https://a.example/1", "T", "1", stamp, None, "", "", [], []) for stamp in stamps]
    return Feed("A", "de", items, hints)


def wait_s(
    known: Optional[FeedState], answer: Optional[Feed], headers: Mapping[str, str] | None = None, now: Timestamp = NOW
) -> float:
    after = after_answer(ref(known), 200 if answer else 304, headers or {}, answer, now, POLL)
    return float(after.next_due - now)


@pytest.mark.parametrize(
    ("known", "every_feed", "asked"),
    [
        pytest.param(None, False, True, id="never asked"),
        pytest.param(state(next_due=NOW), False, True, id="due now"),
        pytest.param(state(next_due=NOW + 1), False, False, id="not due yet"),
        pytest.param(state(next_due=NOW + 1), True, True, id="not due yet but all are wanted"),
        pytest.param(state(gone=True), True, False, id="gone is never asked again"),
        pytest.param(state(failures=99), False, True, id="failures never stop a feed"),
    ],
)
def test_a_feed_is_asked_when_it_is_due(known: Optional[FeedState], every_feed: bool, asked: bool) -> None:
    states = {URL: known} if known else {}
    assert bool(due([OUTLET], states, NOW, every_feed=every_feed)) is asked


def test_a_feed_that_has_ended_comes_closed_while_entries_wait_for_it() -> None:
    gone, left, elsewhere = (
        state(gone=True),
        state(url="https://a.example/old"),
        state(url="https://b.example/", outlet="b"),
    )
    states = {known.url: known for known in (gone, left, elsewhere)}
    assert due([OUTLET], states, NOW) == []
    found = due([OUTLET], states, NOW, waited_for=[*states, "never polled"])
    assert {(feed.url, feed.closed) for feed in found} == {(URL, True), (left.url, True)}


def test_a_feed_that_is_open_is_due_or_not_whatever_waits_for_it() -> None:
    assert due([OUTLET], {URL: state(next_due=NOW + 1)}, NOW, waited_for=[URL]) == []
    (asked,) = due([OUTLET], {URL: state(next_due=NOW)}, NOW, waited_for=[URL])
    assert not asked.closed


def test_a_feed_is_asked_where_it_has_moved_to_with_all_that_is_known() -> None:
    known = state(location=NEW_URL)
    assert due([OUTLET], {URL: known}, NOW) == [FeedRef("a", URL, NEW_URL, "de", 0, True, False, known)]


def test_the_interval_shrinks_with_news_grows_without_and_stays_where_nothing_is_dated() -> None:
    assert wait_s(state(), feed([NOW - 60])) == 3_600 * 0.8
    assert wait_s(state(), feed([NOW - 9_000])) == 3_600 * 1.5
    assert wait_s(state(), None) == 3_600 * 1.5
    assert wait_s(state(), feed([None, None])) == 3_600
    assert wait_s(None, feed([NOW - 60])) == POLL.start_interval_s


def test_the_interval_keeps_within_its_bounds() -> None:
    assert wait_s(state(interval_s=610.0), feed([NOW])) == POLL.min_interval_s
    assert wait_s(state(interval_s=80_000.0), None) == POLL.max_interval_s
    assert wait_s(state(), None, {"cache-control": "max-age=999999999"}) == POLL.max_interval_s


@pytest.mark.parametrize(
    ("headers", "hints", "seconds"),
    [
        pytest.param({"cache-control": "public, max-age=7200"}, Hints(), 7_200, id="max-age"),
        pytest.param({"cache-control": "s-maxage=7200"}, Hints(), 1_800, id="s-maxage is for shared caches"),
        pytest.param({"expires": "Mon, 02 Mar 2026 12:30:00 GMT"}, Hints(), 7_200, id="Expires"),
        pytest.param({"expires": "Mon, 02 Mar 2026 12:30:00 GMT", "cache-control": "max-age=60"}, Hints(), 1_800, id="max-age before Expires"),
        pytest.param({"expires": "Thu, 01 Jan 2026 00:00:30 +9999999999999"}, Hints(), 1_800, id="Expires in no zone"),
        pytest.param({"expires": "0"}, Hints(), 1_800, id="Expires that is no date"),
        pytest.param({"expires": "Mon, 02 Mar 1998 12:30:00 GMT"}, Hints(), 1_800, id="Expires long ago"),
        pytest.param({}, Hints(ttl_s=5_400.0), 5_400, id="ttl"),
        pytest.param({}, Hints(update_interval_s=10_800.0), 10_800, id="updatePeriod"),
        pytest.param({}, Hints(skip_hours=(11, 12)), 7_200 + 1_800, id="skipHours"),
        pytest.param({}, Hints(skip_days=(0,)), 14 * 3_600, id="skipDays: not before Tuesday"),
        pytest.param({}, Hints(skip_hours=tuple(range(24))), 1_800, id="skipHours that skip the whole day"),
    ],
)  # fmt: skip
def test_what_a_feed_asks_for_is_kept(headers: Mapping[str, str], hints: Hints, seconds: float) -> None:
    assert wait_s(None, feed([NOW - 60], hints), headers) == pytest.approx(seconds, abs=1_800)
    assert wait_s(None, feed([NOW - 60], hints), headers) >= POLL.start_interval_s


def test_an_entry_of_the_future_is_no_news_before_its_time() -> None:
    first = after_answer(ref(), 200, {}, feed([NOW - 100, NOW + 864_000]), NOW, POLL)
    assert (first.newest_entry_at, first.news_at) == (NOW - 100, NOW)
    again = after_answer(ref(first), 200, {}, feed([NOW - 100, NOW + 864_000]), NOW + 3_600, POLL)
    assert again.interval_s > first.interval_s
    assert again.news_at == NOW


def test_an_answer_that_says_not_modified_keeps_what_is_known() -> None:
    after = after_answer(ref(state(failures=2)), 304, {}, None, NOW, POLL)
    assert (after.etag, after.last_modified, after.entries, after.title) == ('"1"', "Mon", 3, "A")
    assert (after.outcome, after.failures, after.succeeded_at, after.newest_entry_at) == (
        "not_modified", 0, NOW, NOW - 7_200,
    )  # fmt: skip


def test_a_new_answer_without_validators_drops_the_old_ones() -> None:
    after = after_answer(ref(state()), 200, {}, feed([NOW]), NOW, POLL)
    assert (after.etag, after.last_modified) == (None, None)


def test_a_permanent_move_is_remembered_once_its_target_has_answered_and_a_passing_one_never() -> None:
    moved = ref(location=NEW_URL, hops=1, permanent=True)
    assert after_answer(moved, 200, {}, feed([NOW]), NOW, POLL).location == NEW_URL
    assert after_answer(moved._replace(permanent=False), 200, {}, feed([NOW]), NOW, POLL).location == URL
    failed = FetchFailed(RejectReason.NOT_A_FEED, "a page", status=200)
    assert after_failure(moved, failed, NOW, POLL).location == URL


def test_a_move_whose_target_keeps_failing_is_forgotten() -> None:
    known, failed = state(location=NEW_URL), FetchFailed(RejectReason.NOT_FOUND, "404", status=404)
    places = []
    for _ in range(3):
        known = after_failure(ref(known), failed, NOW, POLL)
        places.append(known.location)
    assert places == [NEW_URL, NEW_URL, URL]


def test_failures_back_off_up_to_the_bound_and_keep_what_is_known() -> None:
    known, failed, waits = state(interval_s=1_800.0), FetchFailed(RejectReason.TIMEOUT, "", transient=True), []
    for _ in range(12):
        known = after_failure(ref(known), failed, NOW, POLL)
        waits.append(float(known.next_due - NOW))
    assert waits[:4] == [1_800, 5_400, 16_200, 48_600]
    assert max(waits) == POLL.max_interval_s
    assert (known.failures, known.gone, known.outcome, known.etag) == (12, False, "timeout", '"1"')
    assert after_answer(ref(known), 200, {}, feed([NOW]), NOW, POLL).failures == 0


def test_a_feed_that_fails_is_asked_less_even_where_working_ones_are_asked_often() -> None:
    often = POLL.model_copy(update={"min_interval_s": 10.0, "max_interval_s": 30.0})
    known, failed, clock = state(interval_s=10.0), FetchFailed(RejectReason.TIMEOUT, "", transient=True), NOW
    polls = 0
    while clock < NOW + 1_800:
        known, polls = after_failure(ref(known), failed, clock, often), polls + 1
        clock = known.next_due
    assert polls == 6


def test_a_wait_that_a_server_asks_for_is_kept_even_beyond_the_bound() -> None:
    failed = FetchFailed(RejectReason.RATE_LIMITED, "429", transient=True, retry_after_s=200_000.0)
    assert after_failure(ref(state()), failed, NOW, POLL).next_due == NOW + 200_000


def test_gone_is_for_ever() -> None:
    after = after_failure(ref(state()), FetchFailed(RejectReason.GONE, "410", status=410), NOW, POLL)
    assert after.gone
    assert due([OUTLET], {URL: after}, NOW + 10_000_000, every_feed=True) == []
