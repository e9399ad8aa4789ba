"""Dedup: versions of an article, copies of a story."""

from transforms.dedup.transform import Dedup

__all__ = ["Dedup"]
