"""Agencies: who signs pictures and datelines."""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from transforms.scrub.words import tokens


class Agencies(NamedTuple):
    """Who signs pictures, as rows of folded words."""

    by_first: Mapping[str, Set[tuple[str, ...]]]  # rows by their first word
    doubtful: Mapping[tuple[str, ...], Set[str]]  # rows that name other things, too, and how such an agency is written

    def signing(self, line: str) -> tuple[Sequence[str], Sequence[tuple[str, ...]]]:
        """The words of a line, and the agencies among them; doubtful ones only in their own capitals."""
        words = [token for token in tokens(line, {}) if token[0].isalnum()]
        rows = [
            row
            for at, word in enumerate(words)
            if word in self.by_first
            for row in self.by_first[word]
            if words[at : at + len(row)] == list(row) and any(name in line for name in self.doubtful.get(row, ("",)))
        ]
        return words, rows
