"""Entries that wait for a later run: what is kept of them, and what becomes of them."""

from typing import Optional

import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, LinkState, Origin, Reject, RejectReason, Skip, SkipReason
from transforms.waiting import pack, recall, unfinished, unpack
from transforms.write.ends import link_of_reject, link_of_skip, settle_links

AT = Timestamp(1_000)
ORIGIN = Origin("al-wadi", "https://wadi.example/rss", "guid 1", "https://wadi.example/1", Timestamp(micros=7), "ar")
ENTRY = Entry(
    ORIGIN, "https://wadi.example/1?utm_source=rss", "عنوان", "ملخص", "", ["ليلى"], ["حلب"], Timestamp(5), None, None,
    None, 0,
)  # fmt: skip
BARE = Entry(
    ORIGIN._replace(entry_id="", stamp=None, language=None), ENTRY.url, "", "", "", [], [], None, None, None, None, 0
)


@pytest.mark.parametrize("entry", [ENTRY, BARE], ids=["with all fields", "with none"])
def test_an_entry_comes_back_from_the_state_as_it_was(entry: Entry) -> None:
    assert unpack(pack(entry)) == entry._replace(waiting=True)


def test_a_later_run_asks_where_the_feed_says_and_not_where_a_redirect_led() -> None:
    moved = ENTRY._replace(
        url="https://down.example/1",
        listed_url=ENTRY.url,
        hops=2,
        etag='"1"',
        failed_before=True,
        content="<p>Long</p>",
    )
    assert unfinished(moved) == ENTRY
    assert unfinished(ENTRY) == ENTRY


def test_what_feeds_list_now_goes_before_what_waits() -> None:
    waiting, newer = ENTRY._replace(waiting=True), ENTRY._replace(title="عنوان آخر")
    assert recall([], [waiting]) == [waiting]
    assert recall([newer], [waiting]) == [newer]
    assert recall([ENTRY, newer], [waiting]) == [waiting, newer]  # as it waits: it need not be written down again
    assert recall([ENTRY], []) == [ENTRY]


def known(outcome: str, tries: int = 0) -> LinkState:
    return LinkState(ORIGIN.link, "al-wadi", AT, outcome, "", "id", tries, False, '"1"', "Mon", AT, "", "")


def put_off(waiting: Optional[Entry]) -> Optional[LinkState]:
    return link_of_skip(Skip("fresh", SkipReason.DEFERRED, ORIGIN, waiting), AT)


def test_an_entry_that_is_put_off_waits_in_the_state_and_one_that_waits_stays_as_it_is() -> None:
    end = put_off(ENTRY)
    assert end is not None
    assert (end.outcome, end.feed, unpack(end.entry)) == ("waiting", ORIGIN.feed, ENTRY._replace(waiting=True))
    assert put_off(None) is None


def test_a_page_that_fails_for_a_passing_reason_waits_and_one_that_fails_for_good_does_not() -> None:
    for waiting in (ENTRY, None):
        reject = Reject("fetch", RejectReason.TIMEOUT, ORIGIN, "entry", ENTRY.url, "", waiting is not None, AT, waiting)
        end = link_of_reject(reject)
        assert end is not None
        assert (end.feed, end.entry) == ((ORIGIN.feed, pack(ENTRY)) if waiting else ("", ""))


def test_waiting_forgets_neither_the_tries_that_failed_nor_what_is_known_of_the_page() -> None:
    end = put_off(ENTRY)
    assert end is not None
    (after,) = settle_links([end], {ORIGIN.link: known("reject", tries=3)})
    assert (after.outcome, after.tries, after.article_id, after.etag) == ("waiting", 3, "id", '"1"')


@pytest.mark.parametrize("reason", [SkipReason.UNCHANGED, SkipReason.NOT_MODIFIED])
def test_a_page_that_is_as_it_was_waits_no_more(reason: SkipReason) -> None:
    before = known("waiting")._replace(feed=ORIGIN.feed, entry=pack(ENTRY))
    end = link_of_skip(Skip("fetch", reason, ORIGIN), AT)
    assert end is not None
    (after,) = settle_links([end], {ORIGIN.link: before})
    assert (after.outcome, after.entry, after.etag, after.article_id) == ("skip", "", before.etag, before.article_id)


def test_a_link_that_is_given_up_waits_no_more_and_stays_as_it_failed() -> None:
    before = known("reject")._replace(feed=ORIGIN.feed, entry=pack(ENTRY), tries=5)
    end = link_of_skip(Skip("fresh", SkipReason.GIVEN_UP, ORIGIN), AT)
    assert end is not None
    assert settle_links([end], {ORIGIN.link: before}) == [before._replace(feed="", entry="")]


def test_an_end_leaves_nothing_waiting() -> None:
    before = known("waiting")._replace(feed=ORIGIN.feed, entry=pack(ENTRY))
    for end in (known("article"), known("skip"), known("reject")):
        (after,) = settle_links([end], {ORIGIN.link: before})
        assert after.entry == ""
