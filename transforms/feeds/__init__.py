"""Feeds: bytes to items, whatever the format, charset and damage.

RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, JSON Feed, sitemaps, sitemap indexes and news sitemaps, gzipped or not.
"""

from transforms.feeds.model import Feed, FeedItem, Hints, NotAFeed
from transforms.feeds.parse import parse_feed

__all__ = ["Feed", "FeedItem", "Hints", "NotAFeed", "parse_feed"]
