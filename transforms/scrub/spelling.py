"""Words that no list holds: how likely one is as a word of its language, by its letters.

A model of five letters in a row, learnt from the rarer words of wordfreq's list: it knows the endings of Turkish and
the parts of German compounds, and two words side by side hold letters that hardly ever meet within one.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, Optional

import numpy as np
import numpy.typing as npt

from transforms.scrub.frequencies import listed_words

ORDER: Final = 5  # letters looked at together; with 4 two words are parted less surely, 6 gain nothing
SAMPLE: Final = 60_000  # words learnt from …
RARE: Final = 200_000  # … among so many at the list's end, for they are most like those that are missing
STRANGE: Final = -4.0  # log10 of the share of a letter that no listed word holds
_BITS: Final = 8  # of a letter's number
_START, _END = "^", "$"
_MET: Final = 50_000  # rows of letters remembered by language

_Table = tuple[memoryview, memoryview]  # sorted rows of letters, and what is known of each


class Spelling:
    """The letters that follow one another in a language's words, with Witten and Bell's smoothing."""

    def __init__(self, words: Sequence[str]) -> None:
        text = "".join(f"{_START}{word}{_END}" for word in words)
        letters, places = np.unique(np.frombuffer(text.encode("utf-32-le"), np.uint32), return_inverse=True)
        numbers = np.where(places < (1 << _BITS) - 1, places + 1, 0).astype(np.uint64)
        self._number = {chr(letter): number for number, letter in enumerate(letters[: (1 << _BITS) - 1], 1)}
        self._logs, self._backoffs = _learn(numbers, self._number[_START])
        self._log = lru_cache(_MET)(self._find)

    def likely(self, word: str) -> float:
        """Return log10 of how likely a word in small letters is, among the words of its language."""
        row, total, number = self._number[_START], 0.0, self._number.get
        for letter in word + _END:
            row = (row << _BITS | number(letter, 0)) & ((1 << _BITS * ORDER) - 1)
            total += self._log(row)
        return total

    def _find(self, row: int) -> float:
        """log10 of how likely the last letter of a row is behind the others."""
        found = _look_up(self._logs, row)
        if found is not None:
            return found
        before = row >> _BITS
        if not before:
            return STRANGE
        shorter = row & ((1 << (row.bit_length() - 1) // _BITS * _BITS) - 1)
        return (_look_up(self._backoffs, before) or 0.0) + self._log(shorter)


def _learn(numbers: npt.NDArray[np.uint64], start: int) -> tuple[_Table, _Table]:
    """Rows of letters -> log10 of how likely the last is; rows before a letter -> log10 of what shorter ones weigh."""
    place = np.arange(len(numbers))
    begun = place - np.maximum.accumulate(np.where(numbers == start, place, 0))  # letters since the word's start
    rows, logs, befores, weights = [], [], [], []
    row = np.zeros_like(numbers)
    shares: npt.NDArray[np.float64] = np.array([1 / (1 << _BITS)])
    known: npt.NDArray[np.uint64] = np.zeros(1, np.uint64)
    for length in range(1, ORDER + 1):
        row = row | np.roll(numbers, length - 1) << np.uint64(_BITS * (length - 1))
        seen, counts = np.unique(row[begun >= max(1, length - 1)], return_counts=True)
        before, first, distinct = np.unique(seen >> np.uint64(_BITS), return_index=True, return_counts=True)
        total = np.add.reduceat(counts, first)
        weight = distinct / (total + distinct)
        shorter = shares[np.searchsorted(known, seen & np.uint64((1 << _BITS * (length - 1)) - 1))]
        shares = counts / np.repeat(total + distinct, distinct) + np.repeat(weight, distinct) * shorter
        known = seen
        rows.append(seen)
        logs.append(np.log10(shares))
        befores.append(before)
        weights.append(np.log10(weight))
    return _table(rows, logs), _table(befores, weights)


def _table(rows: Sequence[npt.NDArray[np.uint64]], values: Sequence[npt.NDArray[np.float64]]) -> _Table:
    keys, first = np.unique(np.concatenate(rows), return_index=True)
    return keys.data, np.concatenate(values)[first].astype(np.float32).data


def _look_up(table: _Table, row: int) -> Optional[float]:
    rows, values = table
    at = bisect_left(rows, row)
    return values[at] if at < len(rows) and rows[at] == row else None


@cache
def spelling(language: str) -> Spelling:
    """Return how the words of a language are spelt. Learnt on first use, once a process."""
    words = [word for word in listed_words(language) if len(word) > 2 and word.isalpha()][-RARE:]
    return Spelling(words[:: max(1, len(words) // SAMPLE)])
