"""The tables as readers see them: Arrow schemas with each column's meaning. The rows of them: `schemas.rows`.

Names are those the field already uses (`url`, `title`, `authors`, `text`, `language`); the schema.org term stands in
the column's `comment`. The partition keys `date` and `outlet` are in the path only: pandas refuses a key that is also
a column. Evolution: columns are only added, at the end and nullable, and `SCHEMA_VERSION` grows with each addition.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

SCHEMA_VERSION: Final = 2  # 2: `footer` and `component` of signatures

_TIME: Final = pa.timestamp("us", tz="UTC")


def _must(name: str, kind: pa.DataType, comment: str) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={"comment": comment})


def _may(name: str, kind: pa.DataType, comment: str) -> pa.Field:
    return pa.field(name, kind, nullable=True, metadata={"comment": comment})


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", kind, nullable=False))


def _schema(table: str, fields: Sequence[pa.Field]) -> pa.Schema:
    common = [
        _must("run_id", pa.string(), "the run that wrote the row"),
        _must("newsbeam_version", pa.string(), "the program that wrote the row"),
        _must("schema_version", pa.int16(), "version of this list of columns"),
    ]
    return pa.schema([*fields, *common], metadata={"table": table, "schema_version": str(SCHEMA_VERSION)})


_CAPTION: Final = pa.struct(
    [
        _may("text", pa.string(), "schema.org caption; null where only a credit was found"),
        _may("credit", pa.string(), "schema.org creditText"),
    ]
)

_ENTITY: Final = pa.struct(
    [
        _must("id", pa.string(), "gazetteer slug"),
        _must("type", pa.string(), "kind of entity, as in the gazetteer"),
        _must("surface", pa.string(), "the words as they stand: equal to field[start:end]"),
        _must("field", pa.string(), "the column that start and end count in: title or text"),
        _must("start", pa.int32(), "first character, in Unicode code points from 0"),
        _must("end", pa.int32(), "after the last character, in Unicode code points"),
        _must("score", pa.float32(), "confidence, 0 to 1"),
        _must("method", pa.string(), "what found it: alias, variant, acronym, demonym, surname, imported"),
    ]
)

_DOCUMENT_ENTITY: Final = pa.struct(
    [
        _must("id", pa.string(), "gazetteer slug"),
        _must("type", pa.string(), "kind of entity, as in the gazetteer"),
        _must("count", pa.int32(), "mentions in title and text"),
        _must("in_title", pa.bool_(), "named in the title"),
        _must("in_lead", pa.bool_(), "named in the first paragraphs"),
        _must("relevance", pa.float32(), "weight within the article, 0 to 1"),
        _must("parents", _list(pa.string()), "slugs of umbrella and sponsor, nearest first"),
    ]
)

_EVENT: Final = pa.struct(
    [
        _must("type", pa.string(), "attack, airstrike, clash, ceasefire, arrest, sanction or protest"),
        _must("surface", pa.string(), "the words as they stand: equal to field[start:end]"),
        _must("field", pa.string(), "the column that the offsets count in: title or text"),
        _must("start", pa.int32(), "first character, in Unicode code points from 0"),
        _must("end", pa.int32(), "after the last character, in Unicode code points"),
        _must("sentence_start", pa.int32(), "first character of the sentence"),
        _must("sentence_end", pa.int32(), "after the last character of the sentence"),
        _must("entities", _list(pa.string()), "slugs of the entities named in the sentence, in order"),
    ]
)

_EXTRACTION: Final = pa.struct(
    [
        _must("method", pa.string(), "the extractor whose text was taken"),
        _must("quality", pa.float32(), "the extractor's own estimate, 0 to 1"),
        _must("warnings", _list(pa.string()), "what was odd, in short words"),
    ]
)

ARTICLES: Final = _schema(
    "articles",
    [
        _must("article_id", pa.string(), "first 32 hex digits of the SHA-256 of canonical_url"),
        _must("version", pa.int32(), "1 for the first text seen, +1 for each changed text"),
        _must("outlet_id", pa.string(), "slug of the outlet, as in the path; schema.org publisher"),
        _may("source_feed", pa.string(), "URL of the feed that listed it, as configured"),
        _may("feed_entry_id", pa.string(), "RSS guid, atom:id or JSON Feed id as written; a backfill's file path"),
        _must("url", pa.string(), "as fetched, after redirects; schema.org url"),
        _must("canonical_url", pa.string(), "normalised, the article's identity; schema.org mainEntityOfPage"),
        _may("title", pa.string(), "schema.org headline"),
        _may("subtitle", pa.string(), "schema.org alternativeHeadline"),
        _may("description", pa.string(), "summary given by page or feed; schema.org description"),
        _must("authors", _list(pa.string()), "schema.org author.name"),
        _may("section", pa.string(), "schema.org articleSection"),
        _must("tags", _list(pa.string()), "schema.org keywords"),
        _may("image_url", pa.string(), "schema.org image"),
        _may("article_type", pa.string(), "news, live_blog, gallery, …; schema.org genre"),
        _may("dateline", pa.string(), "place and date before the first sentence, as written; schema.org dateline"),
        _must("text", pa.string(), "body, paragraphs separated by a blank line; schema.org articleBody"),
        _must("captions", _list(_CAPTION), "pictures' captions and credits, never part of text"),
        _may("syndication_source", pa.string(), "whom the text is credited to; schema.org sourceOrganization"),
        _must("published_at", _TIME, "UTC; fetched_at where nothing states it; schema.org datePublished"),
        _must("published_at_source", pa.string(), "what stated it: json_ld, meta, feed, url, text, fetch"),
        _may("modified_at", _TIME, "UTC; schema.org dateModified"),
        _must("fetched_at", _TIME, "when the page was fetched, UTC"),
        _must("language", pa.string(), "ISO 639-1, else 639-3; und where unknown; schema.org inLanguage"),
        _must("language_confidence", pa.float32(), "0 to 1"),
        _must("word_count", pa.int32(), "runs of text between white space; schema.org wordCount"),
        _must("char_count", pa.int32(), "length of text in Unicode code points"),
        _must("content_hash", pa.string(), "first 32 hex digits of the SHA-256 of text, white space squeezed"),
        _may("change_ratio", pa.float32(), "share of text that the version before had not; null: none is kept"),
        _must("cluster_id", pa.string(), "article_id that names the cluster of near-duplicates"),
        _may("duplicate_of", pa.string(), "article_id of the cluster's canonical article; null for that one"),
        _may("duplicate_kind", pa.string(), "exact, syndicated, repost, excerpt or update"),
        _must("entities", _list(_ENTITY), "mentions; schema.org mentions"),
        _must("document_entities", _list(_DOCUMENT_ENTITY), "entities of the whole article; schema.org about"),
        _must("conflict_score", pa.float32(), "how much the article is about armed conflict, 0 to 1"),
        _must("extraction", _EXTRACTION, "how the text was made"),
        _may("http_status", pa.int16(), "of the page; null where nothing was fetched"),
        _must("gazetteer_version", pa.string(), "the gazetteer the entities come from"),
        _may("events", _list(_EVENT), "words that tell of an event, in English articles"),
    ],
)  # fmt: skip

REJECTS: Final = _schema(
    "rejects",
    [
        _must("stage", pa.string(), "the stage that could not go on"),
        _must("reason", pa.string(), "one of a closed set"),
        _must("subject", pa.string(), "entry or feed"),
        _may("url", pa.string(), "address or path at which it failed"),
        _may("link", pa.string(), "canonical form of the entry's link, its identity over runs"),
        _must("outlet_id", pa.string(), "slug of the outlet"),
        _may("feed", pa.string(), "URL of the feed, as configured"),
        _may("feed_entry_id", pa.string(), "the entry's id in its feed, as written; a backfill's file path"),
        _may("detail", pa.string(), "for people: status, message"),
        _must("transient", pa.bool_(), "true where a later run may try again"),
        _must("at", _TIME, "when it failed, UTC"),
    ],
)

REMOVALS: Final = _schema(
    "removals",
    [
        _must("article_id", pa.string(), "the article it was taken out of"),
        _must("version", pa.int32(), "and which text of it"),
        _must("outlet_id", pa.string(), "slug of the outlet"),
        _must("url", pa.string(), "the article's address, as fetched"),
        _must("number", pa.int32(), "order within the article, from 0"),
        _must("rule", pa.string(), "the rule that took it out: stage and class"),
        _must("text", pa.string(), "what was taken out; its start, where it was long"),
        _must("fetched_at", _TIME, "when the page was fetched, UTC"),
    ],
)

SIGNATURES: Final = _schema(
    "signatures",
    [
        _must("article_id", pa.string(), "the article"),
        _must("version", pa.int32(), "and which text of it"),
        _must("outlet_id", pa.string(), "slug of the outlet"),
        _must("cluster_id", pa.string(), "cluster the article is in; the newest row of an article and version holds"),
        _may("title", pa.string(), "schema.org headline"),
        _must("anchors", _list(pa.int64()), "smallest shingle hashes: articles that share one may be copies"),
        _must("sketch", pa.binary(), "sample of the shingle hashes, uint32 little-endian, ascending"),
        _must("numbers", pa.string(), "JSON object: letters before a number, and the number"),
        _must("length", pa.int32(), "shingles in the text"),
        _may("published_at", _TIME, "UTC; null where nothing states it"),
        _must("fetched_at", _TIME, "UTC"),
        _may("canonical_hint", pa.string(), "whom the article names as the source of its text"),
        _must("lead", pa.binary(), "as sketch, of the shingles that begin in the text's opening"),
        _must("lines", _list(pa.int64()), "hashes of the lines at the text's ends: an outlet's own repeat"),
        _may("footer", pa.binary(), "as sketch, of the shingles that begin in lines known as the outlet's own"),
        _may("component", pa.string(), "oldest of the clusters that copies link to this one; null: it is that"),
    ],
)  # fmt: skip


_MEMBER: Final = pa.struct(
    [
        _must("article_id", pa.string(), "the article"),
        _must("version", pa.int32(), "its newest text"),
        _must("outlet_id", pa.string(), "slug of the outlet"),
        _may("kind", pa.string(), "exact, syndicated, repost, excerpt or update; null for the canonical article"),
        _must("seen_at", _TIME, "when its first text appeared: as published, else as fetched, UTC"),
        _may("match_id", pa.string(), "the other member that it has most text in common with"),
        _may("containment", pa.float32(), "share of the shorter of the two texts found in the longer, 0 to 1"),
    ]
)

CLUSTERS: Final = _schema(
    "clusters",
    [
        _must("cluster_id", pa.string(), "the cluster; of several rows that of the newest run holds"),
        _must("canonical_id", pa.string(), "article_id of the member that the others are copies of"),
        _must("size", pa.int32(), "members; an article that has always been alone has no row"),
        _must("first_seen_at", _TIME, "when the oldest member appeared, UTC"),
        _must("last_seen_at", _TIME, "when the newest member appeared, UTC"),
        _must("members", _list(_MEMBER), "oldest first, as far back as copies are looked for (the lookback)"),
        _must("complete", pa.bool_(), "false: more stored texts are linked to it than one run compares"),
    ],
)

ALIASES: Final = _schema(
    "aliases",
    [
        _must("cluster_id", pa.string(), "a cluster whose last members this run brought into another"),
        _must("survivor_id", pa.string(), "the cluster it is part of since; may have got an alias of its own later"),
        _must("merged_at", _TIME, "when the newest article of that cluster was fetched, UTC"),
    ],
)

FEEDS: Final = _schema(
    "feeds",
    [
        _must("url", pa.string(), "the feed, as configured"),
        _must("outlet_id", pa.string(), "slug of the outlet"),
        _must("location", pa.string(), "where it was asked: the target of a permanent redirect, else url"),
        _may("title", pa.string(), "as the feed calls itself"),
        _must("outcome", pa.string(), "fetched, not_modified, gone, or why it could not be used"),
        _may("http_status", pa.int16(), "of the answer; null where none came"),
        _must("entries", pa.int32(), "listed at the last poll that worked"),
        _must("failures", pa.int32(), "polls in a row that failed"),
        _must("polled_at", _TIME, "when it was asked, UTC"),
        _may("succeeded_at", _TIME, "when it last answered, UTC"),
        _may("newest_entry_at", _TIME, "date of the newest entry it has shown, updated, else published, UTC"),
        _must("next_due", _TIME, "when it is to be asked again, UTC"),
        _must("interval_s", pa.float64(), "adaptive time between two polls, seconds"),
    ],
)

_REASON: Final = pa.struct(
    [
        _must("reason", pa.string(), "stage and reason; for feeds the outcome"),
        _must("count", pa.int32(), "how often"),
    ]
)

_OUTLET_COUNTS: Final = pa.struct(
    [
        _must("outlet_id", pa.string(), "slug of the outlet"),
        _must("entries", pa.int32(), "listed"),
        _must("articles", pa.int32(), "that became rows"),
        _must("skips", pa.int32(), "that needed none"),
        _must("rejects", pa.int32(), "that could not be used"),
    ]
)

RUNS: Final = _schema(
    "runs",
    [
        _must("committed_at", _TIME, "when the commit was decided, UTC; commits are in this order"),
        _must("entries", pa.int32(), "listed by feeds: articles, skips and rejects together"),
        _must("articles", pa.int32(), "rows of articles"),
        _must("skips", _list(_REASON), "entries that needed no row"),
        _must("rejects", _list(_REASON), "entries that could not be used"),
        _must("feeds", _list(_REASON), "polled feeds"),
        _must("outlets", _list(_OUTLET_COUNTS), "the same by outlet"),
        _must("rows", pa.int64(), "in all tables but this"),
        _must("files", pa.int32(), "in all tables but this"),
    ],
)

SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    schema.metadata[b"table"].decode(): schema
    for schema in (ARTICLES, REJECTS, REMOVALS, SIGNATURES, CLUSTERS, ALIASES, FEEDS, RUNS)
}
"""Every table's schema, by the table's name."""
