"""The whole flow, one line a stage. Reading and writing belong to the caller.

`from_feeds` and `from_files` differ only in how pages are come by; `refine` is the same for both.
"""

from typing import NamedTuple, Optional

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.sources import ReadFiles
from schemas.gazetteer import Gazetteer
from schemas.records import Article, Entry, FeedRef, FeedState, Page, Reject, Signature, Skip, TaggedArticle, Tally
from schemas.settings import Settings
from transforms.dedup import Dedup
from transforms.extract import Extract
from transforms.fetch import FetchFeeds, FetchPages
from transforms.fresh import Fresh
from transforms.language import DetectLanguage
from transforms.progress import Watch
from transforms.scrub import Rules, Scrub
from transforms.state import Store
from transforms.tag import Tag


class Plan(NamedTuple):
    """What the stages work with: checked settings, rule data, the state of earlier runs."""

    settings: Settings
    rules: Rules
    gazetteer: Gazetteer
    store: Store
    progress: Optional[str]  # folder for `Watch`, on one machine


class Harvest(NamedTuple):
    """What a run brings in: every entry ends in `articles`, `skips` or `rejects`."""

    articles: PCollection[TaggedArticle]
    skips: PCollection[Skip]
    rejects: PCollection[Reject]
    entries: PCollection[Tally]
    feed_states: PCollection[FeedState]
    signatures: PCollection[Signature]


def from_feeds(feeds: PCollection[FeedRef], plan: Plan) -> Harvest:
    """Poll `feeds`, fetch what they list, and refine it."""
    http, poll = plan.settings.http, plan.settings.poll
    entries, feed_states, bad_feeds, hosts = feeds | "FetchFeeds" >> FetchFeeds(http, poll)
    fresh, old = entries | "Fresh" >> Fresh(plan.store, plan.settings.run.max_link_tries)
    pages, not_modified, unfetched = (fresh, hosts) | "FetchPages" >> FetchPages(http, poll)
    refined = refine(pages, None, plan)
    return refined
