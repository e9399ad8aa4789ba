"""Word frequencies in little memory: wordfreq's largest lists, 6 bytes a word instead of some 200.

A worker meets every language of its outlets; as dictionaries their lists alone would take half a gigabyte.
"""

import gzip
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Final, Optional, Union

import numpy as np
import numpy.typing as npt

_LISTED_AS: Final = {"no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}
_PLACES: Final = 1 << 16
_MET: Final = 40_000  # tokens remembered by language, some 4 MB
_EVERYDAY: Final = 200  # words of a language that say nothing of what a text is about: the, about, know, people
_HOT: Final = 20_000  # looked-up words remembered by language: running text is mostly the same few thousand


class Frequencies(Mapping[str, float]):
    """Words of a language -> their share of running text. Keeps hashes, not the words, so it cannot list them.

    Of a hash 48 bits count: 16 say where to look, 32 are written down. Two of 300,000 words share them in one list of
    6,000.
    """

    def __init__(self, groups: Iterable[tuple[float, Sequence[str]]]) -> None:
        """Take the words in groups, each with the share that its words have."""
        self._shares = array("f")  # of a group
        parts, ranks = [], []
        for rank, (share, words) in enumerate(groups):
            self._shares.append(share)
            parts.append(np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64))
            ranks.append(np.full(len(words), rank, np.uint16))
        hashes = np.concatenate(parts)
        order = np.argsort(hashes, kind="stable")  # a word that is listed twice has its first, larger share
        hashes = hashes[order]
        self._firsts: memoryview = np.searchsorted(hashes >> 48, np.arange(_PLACES + 1)).astype(np.uint32).data
        self._hashes: memoryview = (hashes >> 16).astype(np.uint32).data
        self._ranks: npt.NDArray[np.uint16] = np.concatenate(ranks)[order]
        self._look_up = lru_cache(_HOT)(self._find)
        self._met: set[str] = set()

    def _find(self, word: str) -> float:
        """The share of a word, negative where it is not on the list."""
        key = hash(word) >> 16
        place, key = key >> 32 & 0xFFFF, key & 0xFFFFFFFF
        end = self._firsts[place + 1]
        at = bisect_left(self._hashes, key, self._firsts[place], end)
        return self._shares[self._ranks[at]] if at < end and self._hashes[at] == key else -1.0

    def __getitem__(self, word: str) -> float:
        share = self._look_up(word)
        if share < 0:
            raise KeyError(word)
        return share

    def get(self, word: str, default: float = 0.0) -> float:  # type: ignore[override]
        """Return the share of a word, `default` where it is not on the list."""
        share = self._look_up(word)
        return default if share < 0 else share

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self._look_up(word) >= 0

    @property
    def least(self) -> float:
        """The share of the rarest words on the list."""
        return min(self._shares)

    def unmet(self, tokens: Set[str]) -> Set[str]:
        """Return those of the tokens of a text that `meet` was not told of."""
        return tokens - self._met

    def meet(self, token: str) -> None:
        """Remember a token as one that needs no second look; when they are too many all are forgotten."""
        if len(self._met) >= _MET:
            self._met.clear()
        self._met.add(token)

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the words themselves are not kept")


@cache
def everyday_words() -> tuple[frozenset[str], ...]:
    """Return the words that wordfreq finds most often in each of its languages. Read on first use, once a process."""
    import wordfreq

    lists = wordfreq.available_languages("small")
    ranked = (chain.from_iterable(words for _, words in _groups(path)) for _, path in sorted(lists.items()))
    return tuple(frozenset(islice(words, _EVERYDAY)) for words in ranked)


@cache
def frequencies(language: str) -> Frequencies:
    """Return wordfreq's largest list for a language; empty where it has none. Loaded on first use, once a process."""
    path = _list_of(language)
    return Frequencies(_groups(path) if path else [(0.0, ())])


def listed_words(language: str) -> Iterator[str]:
    """Yield the words of that list, the most frequent first."""
    path = _list_of(language)
    return chain.from_iterable(words for _, words in _groups(path)) if path else iter(())


def _list_of(language: str) -> Optional[str]:
    """Where the largest list of a language is, and of that language only: a neighbour's words would tear it apart."""
    import wordfreq

    path: Optional[str] = wordfreq.available_languages("best").get(_LISTED_AS.get(language, language))
    return path


def _groups(path: Union[str, Path]) -> Iterator[tuple[float, Sequence[str]]]:
    """The words of one of wordfreq's lists by their share, one share at a time: all at once they take 60 MB.

    The format is that of `wordfreq.read_cBpack`: behind a header one list for each hundredth of a decade.
    """
    import msgpack

    with gzip.open(path, "rb") as file:
        unpacker = msgpack.Unpacker(file, raw=False)
        size = unpacker.read_array_header()
        header = unpacker.unpack()
        if header != {"format": "cB", "version": 1}:
            raise ValueError(f"{path}: {header!r} is no list of words that we can read")
        for rank in range(size - 1):
            yield 10 ** (-rank / 100), unpacker.unpack()
