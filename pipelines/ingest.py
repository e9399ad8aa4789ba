"""The whole flow, one line a stage. Reading and writing belong to the caller.

`from_feeds` and `from_files` differ in how articles are come by; `_refine` is one for both.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.sources import ListResponses, ReadFiles
from pipelines.warc import Archive
from schemas.gazetteer import Gazetteer
from schemas.records import Article, Entry, FeedRef, FeedState, Reject, Skip, Tally
from schemas.settings import Profile, Settings
from transforms.dedup import Dedup
from transforms.extract import Extract
from transforms.fetch import FetchFeeds, FetchPages
from transforms.fresh import DropShown, Fresh, Past
from transforms.language import DetectLanguage
from transforms.progress import Watch
from transforms.repeats import DropRepeats
from transforms.scrub import Rules, Scrub
from transforms.state import Store
from transforms.tag import Tag
from transforms.waiting import Recall
from transforms.write import Harvest


class Plan(NamedTuple):
    """What the stages work with: checked settings, tables, the state of earlier runs."""

    settings: Settings
    rules: Rules
    gazetteer: Gazetteer
    store: Store
    progress: str  # folder in which `Watch` counts
    memory: str = ""  # names what workers of a stream remember of hosts from window to window
    archive: Optional[Archive] = None  # keeps fetched pages
    profiles: Mapping[str, Profile] = MappingProxyType({})  # of the outlets that have one, by slug


def from_feeds(feeds: PCollection[FeedRef], plan: Plan) -> Harvest:
    """Poll `feeds`, fetch what they list that is new, and refine it."""
    http, poll, extract = plan.settings.http, plan.settings.poll, _extract(plan)
    open_feeds = feeds | "OpenFeeds" >> beam.Filter(_is_open)
    # A stream comes back to a feed that fails soon enough, and nobody's window is to wait for its second try.
    feed_http = http.model_copy(update={"max_tries": 1}) if plan.memory else http
    listed, states, feed_rejects, hosts = open_feeds | "FetchFeeds" >> FetchFeeds(
        feed_http, poll, plan.settings.urls, plan.memory
    )
    past = Past(plan.store, plan.settings.run.max_link_tries, poll.recheck_s)
    news, shown = _watch(listed, "entries", plan) | "DropShown" >> DropShown(past)
    entries = (news, feeds) | "Recall" >> Recall(plan.store, poll.max_new_entries)
    fresh, seen = entries | "Fresh" >> Fresh(past, poll.max_new_entries)
    fetch = FetchPages(http, extract, plan.memory, plan.archive)
    articles, unchanged, unfetched = (_watch(fresh, "to_fetch", plan), hosts) | "FetchPages" >> fetch
    return _refine(
        articles, [seen, unchanged], [feed_rejects, _watch(unfetched, "fetched", plan)], entries, [shown], states, plan
    )


def from_files(files: PCollection[Entry], plan: Plan) -> Harvest:
    """Read the files that `files` name, and refine what is new in them."""
    entries, damaged = files | "ListResponses" >> ListResponses(plan.settings.urls)
    past = Past(plan.store, plan.settings.run.max_link_tries)
    fresh, seen = _watch(entries, "entries", plan) | "Fresh" >> Fresh(past)
    pages, texts, unreadable = _watch(fresh, "to_fetch", plan) | "ReadFiles" >> ReadFiles(
        plan.settings.http.max_body_bytes
    )
    read, unfit = pages | "Extract" >> _extract(plan)
    articles = (read, texts) | "Articles" >> beam.Flatten()
    states = entries.pipeline | "NoFeeds" >> beam.Create([]).with_output_types(FeedState)
    return _refine(articles, [seen], [damaged, unreadable, _watch(unfit, "fetched", plan)], entries, [], states, plan)


def _refine(
    articles: PCollection[Article],
    skips: Sequence[PCollection[Skip]],
    rejects: Sequence[PCollection[Reject]],
    entries: PCollection[Entry],
    tallies: Sequence[PCollection[Tally]],
    feed_states: PCollection[FeedState],
    plan: Plan,
) -> Harvest:
    settings = plan.settings
    scrubbed, too_short = _watch(articles, "pages", plan) | "Scrub" >> Scrub(plan.rules, settings.extract.min_chars)
    lasting = scrubbed | "DropRepeats" >> DropRepeats(plan.store, settings.extract.min_chars)
    known = lasting | "DetectLanguage" >> DetectLanguage(settings.language)
    unique, repeats, signatures, clusters, aliases = known | "Dedup" >> Dedup(plan.store, settings.dedup)
    tagged = _watch(unique, "articles", plan) | "Tag" >> Tag(plan.gazetteer, settings.tag)
    all_rejects = (*rejects, too_short) | "Rejects" >> beam.Flatten()
    listed = entries | "TallyEntries" >> beam.Map(_listed)
    linkless = all_rejects | "TallyLinkless" >> beam.FlatMap(_listed_without_link)
    return Harvest(
        articles=tagged,
        skips=(*skips, repeats) | "Skips" >> beam.Flatten(),
        rejects=all_rejects,
        entries=(listed, linkless, *tallies) | "Listed" >> beam.Flatten(),
        feed_states=feed_states,
        signatures=signatures,
        clusters=clusters,
        aliases=aliases,
    )


def _extract(plan: Plan) -> Extract:
    return Extract(plan.settings.extract, plan.settings.urls, plan.profiles)


def _watch(elements: PCollection[Any], name: str, plan: Plan) -> PCollection[Any]:
    watched: PCollection[Any] = elements | f"Watch{name.title()}" >> Watch(plan.progress, name)
    return watched


def _is_open(feed: FeedRef) -> bool:
    return not feed.closed


def _listed(entry: Entry) -> Tally:
    return Tally(entry.origin.outlet, "entry", "", 1)


def _listed_without_link(reject: Reject) -> list[Tally]:
    """Items that a feed lists without a link never become entries, but have been seen."""
    return [Tally(reject.origin.outlet, "entry", "", 1)] if reject.stage == "poll" and reject.subject == "entry" else []
