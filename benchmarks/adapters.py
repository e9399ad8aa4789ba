"""Stable entry points for scorers, thin over the code that the pipeline runs."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any, Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.gazetteer_files import load_gazetteer
from schemas.records import Signature
from schemas.settings import Settings
from schemas.settings_files import load_settings
from transforms.dedup.cluster import place
from transforms.dedup.decide import Edge, connect, unpack
from transforms.dedup.footer import Foot, feet, is_footer, with_footer
from transforms.dedup.signature import numbers, shingle
from transforms.extract import NoArticle, extract
from transforms.feeds import NotAFeed
from transforms.feeds import parse_feed as _parse_feed
from transforms.identity import article_id
from transforms.language import detect
from transforms.scrub import Rules, load_rules, scrub
from transforms.tag import Compiled, compile_gazetteer, tag
from transforms.urls import canonical_url

CONFIG = Path(__file__).resolve().parents[1] / "config"


@lru_cache(maxsize=1)
def _scrub_rules() -> Rules:
    return load_rules(CONFIG / "scrub")


def scrub_text(text: str, lang: Optional[str] = None) -> dict[str, Any]:
    """Return a clean text and its fields; `body` separates paragraphs by a blank line."""
    clean = scrub(text, lang, _scrub_rules())
    return {
        "body": clean.text,
        "title": clean.title or None,
        "dateline": clean.dateline or None,
        "source": clean.source or None,
        "captions": list(clean.captions),
        "credits": list(clean.credits),
        "published_at": clean.published_at,
    }


def parse_feed(data: bytes, content_type: str, url: str) -> list[dict[str, Any]]:
    """Return the items of a feed, `published` in seconds since 1970; [] for bytes that are no feed."""
    try:
        feed = _parse_feed(data, content_type, url)
    except NotAFeed:
        return []
    return [
        {
            "link": item.link or None,
            "title": item.title,
            "id": item.id or None,
            "published": float(item.published) if item.published is not None else None,
            "summary": item.summary,
        }
        for item in feed.items
    ]


@lru_cache(maxsize=1)
def shipped_settings() -> Settings:
    """Return the settings as they are shipped."""
    return load_settings(CONFIG / "defaults.toml")


def extract_page(html: bytes, url: str) -> dict[str, Any]:
    """Return body, title, authors and day of a page; all empty where it holds no article."""
    try:
        found = extract(html, url, settings=shipped_settings().extract)
    except NoArticle:
        return {"body": "", "title": "", "authors": [], "date": ""}
    return {
        "body": found.text,
        "title": found.title,
        "authors": list(found.authors),
        "date": found.published_at.date().isoformat() if found.published_at else "",
    }


def detect_language(text: str, declared: Optional[str] = None) -> tuple[str, float]:
    """Return the code and the confidence of the language of `text`."""
    return detect(text, declared, shipped_settings().language)


@lru_cache(maxsize=1)
def _gazetteer() -> Compiled:
    return compile_gazetteer(load_gazetteer(CONFIG / "gazetteer" / "curated"))


def tag_text(text: str, lang: Optional[str] = None, doc_id: Optional[str] = None) -> list[dict[str, Any]]:
    """Return the mentions of entities in a text; `doc_id` is for scorers' own use."""
    mentions = tag([("text", text)], lang, _gazetteer(), shipped_settings().tag)
    return [
        {"start": mention.start, "end": mention.end, "type": mention.type, "id": mention.id} for mention in mentions
    ]


def cluster(docs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the cluster of each document, by id; `published` and `fetched` are ISO 8601, None where unknown."""
    docs = list(docs)
    signatures = sign_documents(docs)
    places = {p.article_id: p.cluster_id for p in place(find_edges(signatures), shipped_settings().dedup.cluster_cut)}
    return {
        doc["id"]: places.get(signature.article_id, signature.article_id)
        for doc, signature in zip(docs, signatures, strict=True)
    }


def sign_documents(docs: Iterable[Mapping[str, Any]]) -> list[Signature]:
    """Return the signatures of documents; those of one address are versions of one article, in order."""
    versions, signatures, lines = Counter[str](), list[Signature](), defaultdict[int, list[Foot]](list)
    for doc in docs:
        name = article_id(canonical_url(doc["url"]))
        versions[name] += 1
        shingles = shingle(doc["text"], shipped_settings().dedup)
        signatures.append(
            Signature(
                article_id=name,
                version=versions[name],
                outlet=doc["outlet"] or "",
                cluster_id=name,
                title=doc["title"] or "",
                anchors=shingles.anchors,
                sketch=shingles.sketch,
                numbers=json.dumps(numbers(doc["text"])),
                length=shingles.length,
                published_at=timestamp_of(doc.get("published")),
                fetched_at=timestamp_of(doc.get("fetched")) or Timestamp(0),
                canonical_hint="",
                lead=shingles.lead,
            )
        )
        for line, foot in feet(signatures[-1], doc["text"], shipped_settings().dedup):
            lines[line].append(foot)
    footers = defaultdict[str, list[bytes]](list)
    for found in lines.values():
        if is_footer(found):
            for foot in found:
                footers[foot.article_id].append(foot.shingles)
    return [with_footer(signature, footers[signature.article_id]) for signature in signatures]


def find_edges(signatures: Sequence[Signature]) -> list[Edge]:
    """Return the edges among signatures: in memory what `transforms.dedup.transform.FindPairs` does under Beam."""
    settings = shipped_settings().dedup
    holders = defaultdict[int, list[int]](list)
    for number, signature in enumerate(signatures):
        for anchor in signature.anchors:
            holders[anchor].append(number)
    pairs = {
        pair
        for sharing in holders.values()
        if len(sharing) <= settings.max_anchor_records
        for pair in combinations(sharing, 2)
    }
    profiles = [unpack(signature) for signature in signatures]
    edges = (connect(profiles[a], False, profiles[b], False, settings) for a, b in pairs)
    return [edge for edge in edges if edge is not None]


def timestamp_of(iso: Optional[str]) -> Optional[Timestamp]:
    """Return an ISO 8601 time, of UTC where it names no zone."""
    if not iso:
        return None
    time = datetime.fromisoformat(iso)
    return Timestamp.from_utc_datetime(time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC))
