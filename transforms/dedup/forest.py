"""Forest: which articles are connected, over any number of links, from the links alone.

Links are small, but all of a run's together may be many. So each worker reduces those it has to a forest, a table with
one line an article, and only forests meet: memory goes with the articles that have company, not with their links.
"""

from collections.abc import Iterable

import apache_beam as beam

Forest = dict[str, str]
"""Article id -> the next one towards its root, the smallest id of those connected; a root leads to itself."""


def root(forest: Forest, name: str) -> str:
    """Return the root of `name`, which must be there; the way to it gets shorter."""
    while forest[name] != name:
        forest[name] = name = forest[forest[name]]
    return name


def link(forest: Forest, a: str, b: str) -> None:
    """Connect two articles, which may be one, or new."""
    low, high = sorted((root(forest, forest.setdefault(a, a)), root(forest, forest.setdefault(b, b))))
    forest[high] = low


class Connect(beam.CombineFn):
    """Pairs of article ids in, the root of each of these ids out, as one table."""

    def __init__(self) -> None:
        """Nothing to keep; Beam's own is untyped."""

    def create_accumulator(self) -> Forest:
        return {}

    def add_input(self, forest: Forest, pair: tuple[str, str]) -> Forest:
        link(forest, *pair)
        return forest

    def merge_accumulators(self, forests: Iterable[Forest]) -> Forest:
        first, *others = forests
        for forest in others:
            for name, towards in forest.items():
                link(first, name, towards)
        return first

    def extract_output(self, forest: Forest) -> Forest:
        return {name: root(forest, name) for name in forest}
