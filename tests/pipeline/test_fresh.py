"""Fresh under Beam: each listed entry leaves once, as an entry or as a skip."""

from pathlib import Path

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, LinkState, Origin, Skip, SkipReason
from transforms.fresh import Fresh
from transforms.state import Delta, Store

AT = Timestamp(1_000)


def entry(link: str, stamp: Timestamp, feed: str = "https://wadi.example/rss") -> Entry:
    return Entry(Origin("al-wadi", feed, link, link, stamp, "ar"), link, "", "", "", [], [], None, stamp, None, None, 0)


def test_a_feeds_newest_entries_go_first_and_the_others_wait(tmp_path: Path) -> None:
    listed = [entry(f"https://w.example/{number}", Timestamp(number)) for number in range(5)]
    other = entry("https://w.example/sport", AT, feed="https://wadi.example/sport")
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        store = Store(tmp_path / "state.sqlite")
        entries, skips = pipeline | beam.Create([*listed, other]) | Fresh(store, max_tries=3, max_new=2)
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
    store.apply("first", Delta(links=states))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, skips = pipeline | beam.Create([seen, updated, new, again]) | Fresh(store, max_tries=3)
        asked = updated._replace(etag='"etag"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT")
        assert_that(entries, equal_to([asked, new]), label="entries")
        assert_that(
            skips,
            equal_to(
                [Skip("fresh", SkipReason.SEEN, seen.origin), Skip("fresh", SkipReason.DUPLICATE_ENTRY, again.origin)]
            ),
            label="skips",
        )
