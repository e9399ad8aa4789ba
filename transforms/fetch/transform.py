"""Fetch for Beam: feeds to entries, entries to pages, politely whatever the number of workers.

Everything is keyed by host, so that one worker owns a host; a bundle's hosts are then asked on one event loop. A
redirect to another host is handed back, to be asked by that host's owner in the next round. What is known of a host
(robots, when it may be asked again) travels with the rounds.

    feeds ── round ── round ──► entries, feed states, rejects
               └───────┴─ hosts ──┐
    entries ───────────────────── round ── round ── round ──► articles, skips, rejects
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Optional, Protocol, TypeVar, Union

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.typehints import KV
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from schemas.records import Entry, FeedRef, FeedState, Page, Reject, RejectReason, Skip
from schemas.settings import HttpSettings, PollSettings, UrlSettings
from transforms.failure import FetchFailed
from transforms.fetch.crawl import Answer, Ask, Elsewhere, Outcome, Unasked, crawl
from transforms.fetch.errands import (
    MAIN,
    MOVED,
    REJECTS,
    SKIPS,
    STATES,
    FeedErrand,
    Outputs,
    PageErrand,
    full_content_page,
)
from transforms.fetch.guard import host_of
from transforms.fetch.host import HostState
from transforms.fetch.memory import HostMemory, memory_named
from transforms.poll import settle

T = TypeVar("T")

FEED_ROUNDS: Final = 3  # a feed's move to another host, the parts of a sitemap index; a feed leads no life beyond that
PAGE_ROUNDS: Final = 3  # a short link, its resolver, the article
HOSTS: Final = "hosts"
FULL: Final = "full"


class Errand(Protocol[T]):
    """What is fetched for: how an item is asked for, and what its answer gives. Pickled into the workers."""

    def ask(self, item: T) -> Ask: ...

    def moved(self, item: T, ask: Ask) -> T: ...

    def answered(self, item: T, answer: Answer) -> Outputs: ...

    def unasked(self, item: T, why: str) -> Outputs: ...

    def failed(self, item: T, failure: FetchFailed) -> Outputs: ...


class RoundFn(beam.DoFn):
    """`(host, items and what is known of the host)` in; when the bundle is complete, all its hosts are asked at once.

    Answers leave one by one while others are still on their way, so a page is parsed and dropped by the stages fused to
    this one before the next is taken: a bundle's pages are never all in memory.

    `memory` names what the worker process remembers of hosts from window to window, "" for nothing.
    """

    def __init__(self, http: HttpSettings, errand: Errand[Any], memory: str = "") -> None:
        self.http = http
        self.errand = errand
        self.memory = memory
        self.answered = Metrics.counter("fetch", "answered")
        self.failed = Metrics.counter("fetch", "failed")
        self.unasked = Metrics.counter("fetch", "unasked")

    def setup(self) -> None:
        self.hosts = memory_named(self.memory) if self.memory else HostMemory()

    def start_bundle(self) -> None:
        self.work = dict[str, list[Any]]()
        self.known = dict[str, list[HostState]]()
        self.window: Optional[BoundedWindow] = None

    def process(
        self, group: tuple[str, Mapping[str, Iterable[Any]]], window: Any = beam.DoFn.WindowParam
    ) -> Iterator[Any]:
        host, parts = group
        self.window = window
        known = parts.get("hosts", ())
        if items := list(parts["items"]):
            self.work.setdefault(host, []).extend(items)
            self.known.setdefault(host, self.hosts.recall(host)).extend(known)
        else:  # nothing to ask here now; a later round may come back
            for state in known:
                yield TaggedOutput(HOSTS, state)

    def finish_bundle(self) -> Iterator[Any]:
        for outcome in crawl(self.http, self.work, self.known, self.errand.ask):
            for tag, value in self._conclude(outcome):
                assert self.window is not None
                windowed = WindowedValue(value, self.window.max_timestamp(), (self.window,))
                yield TaggedOutput(tag, windowed) if tag != MAIN else windowed

    def _conclude(self, outcome: Outcome[Any]) -> Outputs:
        if isinstance(outcome, HostState):
            self.hosts.remember(outcome)
            yield HOSTS, outcome
            return
        item, result = outcome
        match result:
            case Answer():
                self.answered.inc()
                yield from self.errand.answered(item, result)
            case Elsewhere(ask):
                yield MOVED, self.errand.moved(item, ask)
            case Unasked(why):
                self.unasked.inc()
                yield from self.errand.unasked(item, why)
            case FetchFailed():
                self.failed.inc()
                yield from self.errand.failed(item, result)


class StrandedFn(beam.DoFn):
    """Items that were still being sent on when the rounds were over."""

    def __init__(self, errand: Errand[Any], rounds: int) -> None:
        self.errand = errand
        self.rounds = rounds

    def process(self, item: Any) -> Iterator[Any]:
        failure = FetchFailed(RejectReason.TOO_MANY_REDIRECTS, f"sent on to another host {self.rounds} times")
        for tag, value in self.errand.failed(item, failure):
            yield TaggedOutput(tag, value) if tag != MAIN else value


def _rounds(
    items: PCollection[Any],
    hosts: Optional[PCollection[HostState]],
    http: HttpSettings,
    errand: Errand[Any],
    kinds: Mapping[str, type],
    count: int,
    memory: str,
) -> list[Any]:
    """Run `count` rounds; return the outputs of each, by tag, and last those of the items still on their way.

    `kinds` are the types of the errand's outputs by tag, with that of the items that move under MOVED.
    """
    tagged = {tag: kind for tag, kind in kinds.items() if tag != MAIN}
    done = []
    for number in range(1, count + 1):
        keyed = beam.Map(_by_host).with_output_types(KV[str, kinds[MOVED]])
        parts = {"items": items | f"KeyItems{number}" >> keyed}
        if hosts is not None:
            parts["hosts"] = hosts | f"KeyHosts{number}" >> beam.Map(_by_name)
        # Types first: what `with_outputs` returns takes them, and forgets them.
        ask = beam.ParDo(RoundFn(http, errand, memory)).with_output_types(kinds[MAIN], **tagged, **{HOSTS: HostState})
        tags = ask.with_outputs(HOSTS, *tagged, main=MAIN)
        outputs = parts | f"GroupByHost{number}" >> beam.CoGroupByKey() | f"Ask{number}" >> tags
        items, hosts = outputs[MOVED], outputs[HOSTS]
        done.append(outputs)
    stranded = beam.ParDo(StrandedFn(errand, count)).with_output_types(kinds[MAIN], **tagged)
    done.append(items | "Stranded" >> stranded.with_outputs(*tagged, main=MAIN))
    return done


def _by_host(item: Any) -> tuple[str, Any]:
    return host_of(item.location if isinstance(item, FeedRef) else item.url), item


def _by_name(state: HostState) -> tuple[str, HostState]:
    return state.host, state


def _by_feed(state: FeedState) -> tuple[str, FeedState]:
    return state.url, state


def _settle(group: tuple[str, Iterable[FeedState]]) -> FeedState:
    return settle(group[1])


class FetchFeeds(beam.PTransform[Any, Any]):
    """Feeds that are due in; `(entries, feed_states, rejects, hosts)` out.

    Every item of a feed leaves as an entry, or as a reject of subject "entry"; a feed that gives none leaves a reject
    of subject "feed". `hosts` is for `FetchPages`. `memory`: as `RoundFn` takes it.
    """

    def __init__(self, http: HttpSettings, poll: PollSettings, urls: UrlSettings, memory: str = "") -> None:
        super().__init__()
        self.http = http
        self.poll = poll
        self.urls = urls
        self.memory = memory

    def expand(self, feeds: PCollection[FeedRef]) -> Any:
        kinds = {MAIN: Entry, STATES: FeedState, REJECTS: Reject, MOVED: FeedRef}
        rounds = _rounds(feeds, None, self.http, FeedErrand(self.poll, self.urls), kinds, FEED_ROUNDS, self.memory)
        entries = [outputs[MAIN] for outputs in rounds] | "Entries" >> beam.Flatten()
        rejects = [outputs[REJECTS] for outputs in rounds] | "Rejects" >> beam.Flatten()
        states = (
            [outputs[STATES] for outputs in rounds]
            | "States" >> beam.Flatten()
            | "KeyByFeed" >> beam.Map(_by_feed)
            | "GroupByFeed" >> beam.GroupByKey()
            | "Settle" >> beam.Map(_settle)
        )
        return entries, states, rejects, rounds[-2][HOSTS]  # the last round hands on what those before it know


class FetchPages(beam.PTransform[Any, Any]):
    """`(entries, hosts)` in; `(articles, skips, rejects)` out. An entry that holds its whole article is not fetched.

    `extract` turns pages into `(articles, rejects)`. It is applied here, round by round, since a Flatten of pages would
    hold them all in memory: a page is to be read and dropped in the step that fetched it.
    """

    def __init__(
        self,
        http: HttpSettings,
        extract: beam.PTransform[Any, Any],
        memory: str = "",
        keep: Optional[beam.PTransform[Any, Any]] = None,
    ) -> None:
        super().__init__()
        self.http = http
        self.extract = extract
        self.memory = memory
        self.keep = keep

    def expand(self, inputs: Any) -> Any:
        entries, hosts = inputs
        parts = entries | "SplitFullContent" >> beam.FlatMap(_split).with_outputs(FULL, main=MAIN)
        kinds = {MAIN: Page, SKIPS: Skip, REJECTS: Reject, MOVED: Entry}
        rounds = _rounds(parts[MAIN], hosts, self.http, PageErrand(), kinds, PAGE_ROUNDS, self.memory)
        sent = [outputs[MAIN] for outputs in rounds[:-1]]
        if self.keep is not None:
            sent = [part | f"Keep{number}" >> self.keep for number, part in enumerate(sent, 1)]
        pages = [parts[FULL], *sent]
        read = [part | f"Extract{number}" >> self.extract for number, part in enumerate(pages)]
        articles = [articles for articles, _ in read] | "Articles" >> beam.Flatten()
        skips = [outputs[SKIPS] for outputs in rounds[:-1]] | "Skips" >> beam.Flatten()
        rejects = [*(outputs[REJECTS] for outputs in rounds), *(rejects for _, rejects in read)]
        return articles, skips, rejects | "Rejects" >> beam.Flatten()


def _split(entry: Entry) -> Iterator[Union[Entry, TaggedOutput[Literal["full"], Page]]]:
    """An entry that carries its article becomes a page; the others are to be fetched."""
    if entry.content:
        yield TaggedOutput(FULL, full_content_page(entry, Timestamp.now()))
    else:
        yield entry
