"""Fresh under Beam: each listed entry leaves once, as an entry or as a skip."""

from pathlib import Path
from typing import Optional

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.records import (
    Entry,
    FeedRef,
    LinkState,
    Origin,
    Reject,
    RejectReason,
    Skip,
    SkipReason,
    Tally,
    VersionState,
)
from transforms.fresh import DropShown, Fresh, Past
from transforms.state import Delta, Store, to_scalars
from transforms.waiting import Recall
from transforms.write.ends import link_of_reject, link_of_skip

AT = Timestamp(1_000)


def entry(link: str, stamp: Optional[Timestamp], feed: str = "https://wadi.example/rss") -> Entry:
    return Entry(Origin("al-wadi", feed, link, link, stamp, "ar"), link, "", "", "", [], [], None, stamp, None, None, 0)


def test_a_feeds_newest_entries_go_first_and_the_others_wait(tmp_path: Path) -> None:
    listed = [entry(f"https://w.example/{number}", Timestamp(number)) for number in range(5)]
    other = entry("https://w.example/sport", AT, feed="https://wadi.example/sport")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        store = Store(tmp_path / "state.sqlite")
        entries, skips = pipeline | beam.Create([*listed, other]) | Fresh(Past(store, max_tries=3), max_new=2)
        assert_that(entries, equal_to([listed[4], listed[3], other]), label="entries")
        deferred = [Skip("fresh", SkipReason.DEFERRED, old.origin, old) for old in listed[:3]]
        assert_that(skips, equal_to(deferred), label="skips")


def test_each_entry_leaves_once_and_an_update_is_asked_for_conditionally(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    seen, updated, new = (
        entry("https://w.example/seen", AT),
        entry("https://w.example/updated", Timestamp(2_000)),
        entry("https://w.example/new", AT),
    )
    again = entry("https://w.example/new", AT, feed="https://wadi.example/sport")
    states = [
        LinkState(link, "al-wadi", AT, "article", "", "id", 0, False, '"etag"', "Mon, 01 Jan 2024 00:00:00 GMT", AT)
        for link in ("https://w.example/seen", "https://w.example/updated")
    ]
    store.apply("first", Delta(links=[to_scalars(state) for state in states]))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, skips = pipeline | beam.Create([seen, updated, new, again]) | Fresh(Past(store, max_tries=3))
        asked = updated._replace(etag='"etag"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT")
        assert_that(entries, equal_to([asked, new]), label="entries")
        assert_that(
            skips,
            equal_to(
                [Skip("fresh", SkipReason.SEEN, seen.origin), Skip("fresh", SkipReason.DUPLICATE_ENTRY, again.origin)]
            ),
            label="skips",
        )


def test_of_articles_that_their_feed_dates_in_no_way_the_young_ones_are_asked_for_again(tmp_path: Path) -> None:
    """A dated one is not, nor in a run that gives no age for it; new ones go first, and what is left is not put off."""
    store = Store(tmp_path / "state.sqlite")
    now = Timestamp.now()
    written = {"a-young": now - 7_200, "b-younger": now - 5_000, "just-written": now - 60, "old": now - 200_000}
    listed = {name: entry(f"https://w.example/{name}", None) for name in (*written, "new")}
    dated = entry("https://w.example/dated", AT)
    links = [
        LinkState(listed[name].origin.link, "al-wadi", None, "article", "", name, 0, False, '"e"', None, at)
        for name, at in written.items()
    ]
    links.append(links[0]._replace(link="https://w.example/dated", stamp=AT))
    versions = [VersionState(name, 1, "hash", "al-wadi", "", at) for name, at in written.items()]
    delta = Delta(links=[to_scalars(link) for link in links], versions=[to_scalars(one) for one in versions])
    store.apply("first", delta)
    shown = [*listed.values(), dated]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        past = Past(store, max_tries=3, recheck_s=3_600.0)
        entries, tallies = pipeline | beam.Create(shown) | DropShown(past)
        fresh, skips = entries | Fresh(past, max_new=2)
        asked = [listed["new"], listed["a-young"]._replace(etag='"e"', recheck=True)]
        assert_that(fresh, equal_to(asked), label="asked")
        assert_that(skips, equal_to([Skip("fresh", SkipReason.SEEN, listed["b-younger"].origin)]), label="left")
        told = [Tally("al-wadi", "entry", "", 1), Tally("al-wadi", "skip", "fresh.seen", 1)] * 3
        assert_that(tallies, equal_to(told), label="shown again")
        never, _ = pipeline | "Again" >> beam.Create(shown) | "Never" >> Fresh(Past(store, max_tries=3))
        assert_that(never, equal_to([listed["new"]]), label="without an age")


def waiting(listed: Entry) -> LinkState:
    state = link_of_skip(Skip("fresh", SkipReason.DEFERRED, listed.origin, listed), AT)
    assert state is not None
    return state


def given_up(listed: Entry, *, waits: bool) -> LinkState:
    kept = listed if waits else None
    state = link_of_reject(Reject("fetch", RejectReason.TIMEOUT, listed.origin, "entry", "", "", waits, AT, kept))
    assert state is not None
    return state._replace(tries=3)


def test_what_was_handled_before_is_counted_where_the_feed_is_read_and_what_waits_is_left_to_wait(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "state.sqlite")
    names = ("new", "seen", "updated", "waits", "waits-changed", "waits-whole", "gone", "failing")
    listed = {name: entry(f"https://w.example/{name}", AT) for name in names}
    seen, updated = (
        LinkState(listed[name].origin.link, "al-wadi", AT, "article", "", "id", 0, False, None, None, AT)
        for name in ("seen", "updated")
    )
    put_off = [waiting(listed[name]) for name in ("waits", "waits-changed", "waits-whole")]
    failed = [given_up(listed["gone"], waits=False), given_up(listed["failing"], waits=True)]
    store.apply("first", Delta(links=[to_scalars(link) for link in (seen, updated, *put_off, *failed)]))
    listed["updated"] = entry("https://w.example/updated", Timestamp(2_000))
    listed["waits-changed"] = listed["waits-changed"]._replace(title="Corrected")
    listed["waits-whole"] = listed["waits-whole"]._replace(content="<p>All of it</p>")
    listed["failing"] = listed["failing"]._replace(title="Corrected")  # given up: the state is still to be told
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, tallies = pipeline | beam.Create(list(listed.values())) | DropShown(Past(store, max_tries=3))
        left = [listed[name] for name in ("new", "updated", "waits-changed", "waits-whole", "failing")]
        assert_that(entries, equal_to(left), label="entries")
        skips = [Tally("al-wadi", "skip", reason, 1) for reason in ("fresh.seen", "fresh.given_up")]
        assert_that(tallies, equal_to([Tally("al-wadi", "entry", "", 1)] * 2 + skips), label="tallies")


def test_of_a_backlog_only_as_many_are_brought_as_a_run_takes_newest_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    backlog = [entry(f"https://w.example/{number}", Timestamp(number)) for number in range(5)]
    backlog.append(backlog[0]._replace(origin=backlog[0].origin._replace(link="https://w.example/x", stamp=None)))
    store.apply("first", Delta(links=[to_scalars(waiting(one)) for one in backlog]))
    feed = "https://wadi.example/rss"
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        none = pipeline | "None" >> beam.Create([]).with_output_types(Entry)
        feeds = pipeline | beam.Create([FeedRef("al-wadi", feed, feed, "ar", 0, True, False, None)])
        brought = (none, feeds) | Recall(store, 2)
        assert_that(brought, equal_to([backlog[n]._replace(waiting=True) for n in (4, 3)]), label="entries")
