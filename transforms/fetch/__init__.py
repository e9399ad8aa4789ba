"""Fetch: the web, politely and on guard. Feeds that are due become entries, entries become pages."""

from transforms.fetch.transform import FetchFeeds, FetchPages

__all__ = ["FetchFeeds", "FetchPages"]
