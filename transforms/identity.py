"""Ids that other stages, later runs and other machines must compute alike."""

import hashlib


def article_id(canonical_url: str) -> str:
    """Return the id of an article: the first 32 hex digits of the SHA-256 of its canonical URL.

    >>> article_id("https://example.org/a")
    'b5b10dd0429e69ac7cfaf0a20b6901c1'
    """
    return hashlib.sha256(canonical_url.encode()).hexdigest()[:32]


def content_hash(text: str) -> str:
    """Return the first 32 hex digits of the SHA-256 of `text` with white space squeezed: layout is not content."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:32]
