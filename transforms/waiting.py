"""Waiting: entries that a run could not finish are kept in the state; the next poll of their feed brings them back.

A feed lists no entry for ever, and shows us nothing again while it answers 304. So an entry that is put off, or whose
page fails for a passing reason, must not depend on being listed again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, FeedRef, Origin
from transforms.state import Store

_TIMES = ("stamp", "published", "updated")


def unfinished(entry: Entry) -> Entry:
    """Return `entry` as a later run is to ask for it: at the address its feed lists, without the feed's own HTML."""
    return entry._replace(
        url=entry.listed_url or entry.url, listed_url="", content="", etag=None, last_modified=None, hops=0,
        failed_before=False, waiting=False, recheck=False,
    )  # fmt: skip


def pack(entry: Entry) -> str:
    """Return what the state keeps of an entry that waits, as JSON."""
    kept = {**entry.origin._asdict(), "url": entry.url, "title": entry.title, "summary": entry.summary}
    kept |= {"authors": list(entry.authors), "tags": list(entry.tags)}
    kept |= {"published": entry.published, "updated": entry.updated}
    kept |= {name: kept[name] and kept[name].micros for name in _TIMES}
    return json.dumps({name: value for name, value in kept.items() if value}, ensure_ascii=False)


def unpack(text: str) -> Entry:
    """Return the entry that `pack` wrote, marked as waiting."""
    kept: dict[str, Any] = json.loads(text)
    kept |= {name: Timestamp(micros=kept[name]) for name in _TIMES if name in kept}
    origin = Origin(
        kept["outlet"], kept["feed"], kept.get("entry_id", ""), kept["link"], kept.get("stamp"), kept.get("language")
    )
    return Entry(
        origin, kept["url"], kept.get("title", ""), kept.get("summary", ""), "", kept.get("authors", []),
        kept.get("tags", []), kept.get("published"), kept.get("updated"), None, None, 0, waiting=True,
    )  # fmt: skip


def recall(listed: Iterable[Entry], waiting: Iterable[Entry]) -> list[Entry]:
    """Return the entries of one link: those that feeds list now, else the one that waits from an earlier run.

    One that is listed just as it waits is marked, so that it is not written down again.
    """
    kept = list(waiting)
    packed = {pack(entry) for entry in kept}
    return [entry._replace(waiting=pack(entry) in packed) if packed else entry for entry in listed] or kept[:1]


class ReadWaitingFn(beam.DoFn):
    """A feed in; the newest `count` entries that wait for it to be polled out."""

    def __init__(self, store: Store, count: int) -> None:
        self.store = store
        self.count = count
        self.recalled = Metrics.counter("waiting", "read")

    def process(self, ref: FeedRef) -> Iterator[Entry]:
        for state in self.store.waiting(ref.url, self.count):
            self.recalled.inc()
            yield unpack(state.entry)


class Recall(beam.PTransform[Any, Any]):
    """`(entries, feeds)` in: what the polled feeds list; the same entries out, and those that waited for their feed.

    Of a feed's backlog the newest `count` are brought: no run takes more.
    """

    def __init__(self, store: Store, count: int) -> None:
        super().__init__()
        self.read = ReadWaitingFn(store, count)

    def expand(self, inputs: Any) -> PCollection[Entry]:
        entries, feeds = inputs
        waiting = feeds | "ReadWaiting" >> beam.ParDo(self.read)
        both = {
            "listed": entries | "KeyListed" >> beam.Map(_by_link),
            "waiting": waiting | "KeyWaiting" >> beam.Map(_by_link),
        }
        recalled: PCollection[Entry] = both | "GroupByLink" >> beam.CoGroupByKey() | "Recall" >> beam.FlatMap(_recall)
        return recalled


def _recall(group: tuple[str, Mapping[str, Iterable[Entry]]]) -> list[Entry]:
    return recall(group[1]["listed"], group[1]["waiting"])


def _by_link(entry: Entry) -> tuple[str, Entry]:  # what `WithKeys` makes has keys of no type, and a coder that pickles
    return entry.origin.link, entry
