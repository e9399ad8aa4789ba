"""Scrub: take out of a text what is no part of the article, and put what it tells into fields of its own."""

from transforms.scrub.clean import Scrubbed, scrub
from transforms.scrub.rules import Rules, load_rules
from transforms.scrub.stage import Scrub

__all__ = ["Rules", "Scrub", "Scrubbed", "load_rules", "scrub"]
