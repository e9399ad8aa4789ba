"""The records that travel between stages.

Plain `NamedTuple`s with a `RowCoder` each, so that every hop keeps its type and its keys stay stable. All times are
UTC. Sequences are lists when they come back from a coder: compare with `list(...)` where it matters.
"""

import enum
from collections.abc import Sequence
from typing import NamedTuple, Optional

from apache_beam.coders import RowCoder, registry
from apache_beam.utils.timestamp import Timestamp


class SkipReason(enum.StrEnum):
    """Why an entry did not become a new row although nothing is wrong with it. A closed set."""

    SEEN = "seen"  # its link was handled by an earlier run and the feed says nothing newer about it
    DUPLICATE_ENTRY = "duplicate_entry"  # the same link was listed twice in this run
    NOT_MODIFIED = "not_modified"  # the page answered 304 to a conditional request
    UNCHANGED = "unchanged"  # fetched again, and the text is the one already stored
    SAME_ARTICLE = "same_article"  # another link of this run led to the same article
    DEFERRED = "deferred"  # its feed lists more than a run takes of one, newest first; or its host was left alone
    GIVEN_UP = "given_up"  # failed for good, or too often; asked again only when the feed shows a newer stamp


class RejectReason(enum.StrEnum):
    """Why an entry, page or feed could not be used. A closed set: each one is counted, and can be replayed."""

    # fetch: nothing usable came back
    BAD_URL = "bad_url"
    ADDRESS_REFUSED = "address_refused"
    ROBOTS_DISALLOWED = "robots_disallowed"
    ROBOTS_UNREACHABLE = "robots_unreachable"
    DNS_FAILURE = "dns_failure"
    CONNECTION_FAILED = "connection_failed"
    TLS_FAILURE = "tls_failure"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_REDIRECT = "bad_redirect"
    RATE_LIMITED = "rate_limited"
    HTTP_CLIENT_ERROR = "http_client_error"
    HTTP_SERVER_ERROR = "http_server_error"
    NOT_FOUND = "not_found"
    GONE = "gone"
    BAD_CONTENT_TYPE = "bad_content_type"
    # feeds
    NOT_A_FEED = "not_a_feed"
    NO_LINK = "no_link"
    # extract, scrub
    NO_TEXT = "no_text"
    TOO_SHORT = "too_short"
    SOFT_404 = "soft_404"
    PARSE_FAILED = "parse_failed"
    PARSE_TIMEOUT = "parse_timeout"
    # backfill
    UNREADABLE = "unreadable"


class Origin(NamedTuple):
    """Where an element came from; carried from the feed entry to the row, the skip or the reject it ends as."""

    outlet: str  # slug of the outlet, [a-z0-9][a-z0-9-]*
    feed: str  # the feed's URL as configured, its identity in the state; for a backfill "backfill"
    entry_id: str  # RSS guid, atom:id or JSON Feed id as written, "" where none; for a backfill the file's path
    link: str  # canonical form of the entry's link: the entry's identity in the state
    stamp: Optional[Timestamp]  # the entry's updated, else published time; a newer one means: look again
    language: Optional[str]  # BCP 47 code that the feed, else the outlet's table, declares


class FeedState(NamedTuple):
    """What a feed has taught us: one row a feed, replaced after each poll."""

    url: str  # as configured
    outlet: str
    location: str  # remembered target of a permanent redirect, else `url`
    etag: Optional[str]
    last_modified: Optional[str]
    status: int  # last HTTP status, 0 where none came
    outcome: str  # "fetched", "not_modified", "gone", or a RejectReason
    polled_at: Timestamp
    succeeded_at: Optional[Timestamp]
    newest_entry_at: Optional[Timestamp]  # date of the newest entry it has shown, updated, else published
    next_due: Timestamp
    interval_s: float  # current adaptive interval, seconds
    failures: int  # in a row
    gone: bool  # answered 410: never asked again
    entries: int  # listed at the last successful poll
    title: str
    news_at: Optional[Timestamp] = None  # when a poll last showed an entry newer than those before it


class FeedRef(NamedTuple):
    """A feed that is due, with all that is needed to ask for it once."""

    outlet: str
    url: str  # as configured: the feed's identity in the state
    location: str  # where to ask: the remembered 301/308 target, else `url`; after redirects in this run their target
    language: Optional[str]  # the outlet's
    hops: int  # redirects already followed in this run
    permanent: bool  # all of them 301 or 308
    full_content: bool  # the outlet's feeds are trusted to carry whole articles
    known: Optional[FeedState]  # what earlier polls have left
    part: bool = False  # a sitemap that the feed, an index of sitemaps, lists
    closed: bool = False  # not to be asked any more: only the entries that still wait for it are


class Entry(NamedTuple):
    """One item of a feed: a link to fetch, with what the feed itself says about the article."""

    origin: Origin
    url: str  # absolute link to fetch
    title: str
    summary: str  # plain text
    content: str  # the article's HTML where the feed carries it in full and is trusted to, else ""
    authors: Sequence[str]
    tags: Sequence[str]
    published: Optional[Timestamp]
    updated: Optional[Timestamp]
    etag: Optional[str]  # of the page at our last fetch, for a conditional request
    last_modified: Optional[str]
    hops: int  # redirects already followed in this run
    failed_before: bool = False  # an earlier run asked in vain: one try is enough now
    listed_url: str = ""  # the link as the feed lists it, where redirects in this run led elsewhere
    waiting: bool = False  # the state holds it, as it is, for a run that has time for it
    recheck: bool = False  # its article is written, and its feed tells nothing of updates: only the page can


class Page(NamedTuple):
    """A fetched page. Never crosses a shuffle: fetch, extract and drop it in one fused step."""

    entry: Entry
    url: str  # after redirects
    status: int
    content_type: str  # as the server sent it
    body: bytes  # unpacked, capped
    etag: Optional[str]
    last_modified: Optional[str]
    fetched_at: Timestamp


class Caption(NamedTuple):
    """A picture's caption and credit, kept apart from the text."""

    text: str  # "" where only a credit was found
    credit: str


class Removal(NamedTuple):
    """One thing a stage took out of a text, and by which rule: for `explain`, counters and the report's samples."""

    rule: str
    text: str


class RemovedLine(NamedTuple):
    """A `Removal` with the article it was part of: a row of its own table."""

    article_id: str
    version: int
    outlet: str
    url: str
    number: int  # order within the article, as the stages went
    rule: str
    text: str
    fetched_at: Timestamp


class Article(NamedTuple):
    """One news article, from extraction to the dataset. Field meanings and schema.org terms: `schemas/parquet.py`."""

    origin: Origin
    article_id: str  # `article_id(canonical_url)`
    version: int  # 1 for the first text seen under this id, +1 for each changed text
    url: str
    canonical_url: str
    title: str
    subtitle: str
    description: str
    authors: Sequence[str]
    section: str
    tags: Sequence[str]
    image_url: str
    article_type: str  # "news", "live_blog", "gallery", …
    text: str  # paragraphs separated by a blank line
    dateline: str
    captions: Sequence[Caption]
    syndication_source: str
    published_at: Optional[Timestamp]
    published_at_source: str  # where published_at came from: json_ld, meta, feed, url, text, fetch, …
    modified_at: Optional[Timestamp]
    fetched_at: Timestamp
    language: str  # ISO 639-1, or 639-3 where there is none; "und" where unknown
    language_confidence: float  # 0..1
    content_hash: str  # `content_hash(text)`
    change_ratio: Optional[float]  # share of the text that the version before had not; None: no such version is kept
    cluster_id: str  # article_id of the cluster's first member; the article's own where it stands alone
    duplicate_of: Optional[str]  # article_id of the cluster's canonical article; None for that article itself
    duplicate_kind: Optional[str]  # exact, syndicated, repost, excerpt, update
    extraction_method: str
    extraction_quality: float  # 0..1, the extractor's own estimate
    warnings: Sequence[str]
    removals: Sequence[Removal]
    http_status: int
    etag: Optional[str]
    last_modified: Optional[str]


class Entity(NamedTuple):
    """A mention: `getattr(article, field)[start:end] == surface`, offsets in Unicode code points."""

    id: str  # gazetteer slug
    type: str
    surface: str
    field: str  # "title" or "text"
    start: int
    end: int
    score: float
    method: str  # alias, variant, acronym, demonym, surname, imported


class DocumentEntity(NamedTuple):
    """An entity of the whole article, with everything above it in the graph."""

    id: str
    type: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    in_title: bool
    in_lead: bool
    relevance: float  # 0..1
    parents: Sequence[str]  # ids: umbrella and sponsor chain, nearest first


class EventMention(NamedTuple):
    """A word that tells of an event, with its sentence: `getattr(article, field)[start:end] == surface`."""

    type: str  # attack, airstrike, clash, ceasefire, arrest, sanction, protest
    surface: str
    field: str  # "title" or "text"
    start: int
    end: int
    sentence_start: int
    sentence_end: int
    entities: Sequence[str]  # ids named in that sentence, in order


class TaggedArticle(NamedTuple):
    """An article with its entities and events: one row of the dataset."""

    article: Article
    entities: Sequence[Entity]
    document_entities: Sequence[DocumentEntity]
    conflict_score: float  # 0..1
    gazetteer_version: str
    events: Sequence[EventMention] = ()


class Skip(NamedTuple):
    """An entry that needed no new row, and why."""

    stage: str
    reason: str  # a SkipReason
    origin: Origin
    waiting: Optional[Entry] = None  # to be kept in the state until a run has looked at it


class Reject(NamedTuple):
    """An element a stage could not use: which stage, why, and what it was."""

    stage: str
    reason: str  # a RejectReason
    origin: Origin
    subject: str  # "entry" or "feed": feeds are counted apart
    url: str  # the URL or path at which it failed
    detail: str  # for people: status, exception text, at most 500 characters
    transient: bool  # True: worth another try in a later run
    at: Timestamp
    waiting: Optional[Entry] = None  # to be kept in the state for that try


class LinkState(NamedTuple):
    """What became of a link: one row a link, replaced by later runs. Keeps a rerun from fetching or writing twice."""

    link: str  # Origin.link
    outlet: str
    stamp: Optional[Timestamp]
    outcome: str  # "article", "skip", "reject", or "waiting": no run has had time for it yet
    reason: str  # SkipReason, RejectReason or ""
    article_id: Optional[str]
    tries: int  # failed runs in a row
    transient: bool
    etag: Optional[str]
    last_modified: Optional[str]
    at: Timestamp
    feed: str = ""  # Origin.feed, where an entry waits
    entry: str = ""  # the entry to look at again (`transforms.waiting.pack`), "" where nothing waits


class VersionState(NamedTuple):
    """One stored version of an article: which text it is."""

    article_id: str
    version: int
    content_hash: str
    outlet: str
    canonical_url: str
    at: Timestamp


class Signature(NamedTuple):
    """What near-duplicate search keeps of an article's text. Arrays are packed little-endian."""

    article_id: str
    version: int
    outlet: str
    cluster_id: str
    title: str
    anchors: Sequence[int]  # smallest shingle hashes, signed 64-bit
    sketch: bytes  # uint32 little-endian, ascending: upper halves of the sampled shingle hashes
    numbers: str  # JSON object: letters before a number -> its value
    length: int  # shingles
    published_at: Optional[Timestamp]
    fetched_at: Timestamp
    canonical_hint: str  # whom the article names as the source of its text, "" where nobody
    lead: bytes = b""  # as `sketch`, of the shingles that begin in the text's opening
    lines: Sequence[int] = ()  # hashes of the lines at the text's ends, signed 64-bit; an outlet's own repeat
    footer: bytes = b""  # as `sketch`, of the shingles that begin in lines known as the outlet's own
    component: str = ""  # oldest of the clusters that copies link to this one, over any number of steps; "": it is that


class Member(NamedTuple):
    """An article in its cluster, and the other member it has most text in common with."""

    article_id: str
    version: int  # the newest that is known
    outlet: str
    kind: Optional[str]  # what it is to the canonical article, as `Article.duplicate_kind`; None for that one
    seen_at: Timestamp  # when its first text appeared: as published, else as fetched
    match: Optional[str]  # article_id of the nearest member; None where it is alone
    containment: Optional[float]  # share of the shorter of the two texts found in the longer, 0..1


class Cluster(NamedTuple):
    """A cluster after a run that changed it, with its members as far back as copies are looked for."""

    cluster_id: str
    members: Sequence[Member]  # oldest first
    complete: bool  # False: more stored texts are linked to it than one run compares


class ClusterAlias(NamedTuple):
    """A cluster that has become part of another, and since when."""

    cluster_id: str
    survivor: str
    at: Timestamp  # when the newest article of the merged cluster was fetched


class Tally(NamedTuple):
    """`n` elements of an outlet that ended as `kind` for `reason`: summed into the run's counts."""

    outlet: str
    kind: str  # "entry" (listed), "article", "skip", "reject", "feed"
    reason: str
    n: int


for _record in (
    Origin, FeedState, FeedRef, Entry, Page, Caption, Removal, RemovedLine, Article, Entity, DocumentEntity,
    EventMention,    TaggedArticle, Skip, Reject, LinkState, VersionState, Signature, Member, Cluster,
    ClusterAlias, Tally,
):  # fmt: skip
    registry.register_coder(_record, RowCoder)
