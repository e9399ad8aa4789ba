"""Stable entry points for scorers, thin over the code that the pipeline runs."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from schemas.gazetteer import load_gazetteer
from schemas.settings import Settings, load_settings
from transforms.extract import NoArticle, extract
from transforms.feeds import NotAFeed
from transforms.feeds import parse_feed as _parse_feed
from transforms.language import detect
from transforms.scrub import Rules, load_rules, scrub
from transforms.tag import Compiled, compile_gazetteer, tag

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
def _settings() -> Settings:
    return load_settings(CONFIG / "defaults.toml")


def extract_page(html: bytes, url: str) -> dict[str, Any]:
    """Return body, title, authors and day of a page; all empty where it holds no article."""
    try:
        found = extract(html, url, settings=_settings().extract)
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
    return detect(text, declared, _settings().language)


@lru_cache(maxsize=1)
def _gazetteer() -> Compiled:
    return compile_gazetteer(load_gazetteer(CONFIG / "gazetteer" / "curated"))


def tag_text(text: str, lang: Optional[str] = None, doc_id: Optional[str] = None) -> list[dict[str, Any]]:
    """Return the mentions of entities in a text; `doc_id` is for scorers' own use."""
    mentions = tag([("text", text)], lang, _gazetteer(), _settings().tag)
    return [
        {"start": mention.start, "end": mention.end, "type": mention.type, "id": mention.id} for mention in mentions
    ]
