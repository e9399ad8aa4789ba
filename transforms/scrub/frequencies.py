"""Word frequencies in little memory: wordfreq's largest lists, 12 bytes a word instead of some 200.

A worker meets every language of its outlets; as dictionaries their lists alone would take half a gigabyte.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

_HOT: Final = 20_000  # looked-up words remembered by language: running text is mostly the same few thousand


class Frequencies(Mapping[str, float]):
    """Words of a language -> their share of running text. Keeps hashes, not the words, so it cannot list them.

    Two of 300,000 words share a 64-bit hash once in 400 million lists.
    """

    def __init__(self, words: Sequence[Sequence[str]], shares: Sequence[float]) -> None:
        """Take `words` in groups, and the share that each word of a group has."""
        hashes = np.fromiter((hash(word) for group in words for word in group), np.int64)
        order = np.argsort(hashes)
        self._hashes: memoryview = hashes[order].data
        sizes = [len(group) for group in words]
        self._shares: npt.NDArray[np.float32] = np.repeat(np.asarray(shares, np.float32), sizes)[order]
        self._look_up = lru_cache(_HOT)(self._find)

    def _find(self, word: str) -> float:
        """The share of a word, negative where it is not on the list."""
        key = hash(word)
        at = bisect_left(self._hashes, key)
        return float(self._shares[at]) if at < len(self._hashes) and self._hashes[at] == key else -1.0

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

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the words themselves are not kept")


@cache
def frequencies(language: str) -> Mapping[str, float]:
    """Return wordfreq's largest list for a language; empty where it has none. Loaded on first use, once a process."""
    import wordfreq

    try:
        words = wordfreq.get_frequency_list(language, "best")  # in groups, each a hundredth of a decade rarer
    except (LookupError, ValueError):  # no such list, no such language
        return {}
    found = Frequencies(words, [wordfreq.cB_to_freq(-rank) for rank in range(len(words))])
    wordfreq.get_frequency_list.cache_clear()
    return found
