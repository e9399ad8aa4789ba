"""py3langid's model in a fifth of its memory, with the same answers.

Its two tables mostly repeat themselves. Of the automaton that finds n-grams in bytes (39 MB), most stretches of 16
next states are the same; of the weights (28 MB), four in five are what their language gives any n-gram it hardly has.
"""

import lzma
import math
import shutil
import tempfile
import unicodedata
from array import array
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_DIR, MODEL_FILE

_BLOCK: Final = 16  # next states kept as one piece [8: 7.0 MB; 16: 6.0; 32: 7.5]
_SLICE: Final = 4_096  # n-grams whose weights are looked at at a time


class Langid:
    """Tells 130 languages by the n-grams of their UTF-8 bytes; naive Bayes, as py3langid's `LanguageIdentifier` has it.

    Loading takes a second.
    """

    def __init__(self, model: Path = MODEL_DIR / MODEL_FILE) -> None:
        with tempfile.TemporaryFile() as unpacked:
            with lzma.open(model) as packed:
                shutil.copyfileobj(packed, unpacked)
            unpacked.seek(0)
            with np.load(unpacked, allow_pickle=False) as arrays:
                self._index, self._blocks = _fold(arrays["nextmove"])
                self._rows = _array("I", arrays["nextmove_row"].astype(np.uint32) * (256 // _BLOCK))  # of a state
                self._grams = _array("i", arrays["out_feat"].astype(np.int32))  # n-gram that a state has found, or -1
                self._codes: list[str] = arrays["classes"].tolist()
                self._prior: npt.NDArray[np.float32] = arrays["pc"].astype(np.float32)
                self._thin_out(arrays["ptc"])
        first = {code: number for number, code in reversed(list(enumerate(self._codes)))}
        self._same = [first[code] for code in self._codes]  # a language in two scripts has two columns

    def classify(self, text: str) -> tuple[str, float]:
        """Return the likeliest language's code, as py3langid has it, and its probability."""
        if text.isupper():
            text = text.lower()
        data = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
        # Divided by the root of the length, as py3langid does: the sums of long texts would be sure of everything.
        scores = self._scores(data) / math.sqrt(len(data) or 1)
        shares = np.exp(scores - scores.max())
        merged = np.bincount(self._same, shares / shares.sum())
        best = int(merged.argmax())
        return self._codes[best], float(merged[best])

    def _scores(self, data: bytes) -> npt.NDArray[np.float64]:
        """The logarithm of how likely each language makes the n-grams of `data`; nothing where there are none."""
        found = self._find(data)
        if not found:
            return np.zeros(len(self._codes))
        grams = np.fromiter(found.keys(), np.intp, len(found))
        times = np.log1p(np.fromiter(found.values(), np.float64, len(found)))
        starts, sizes = self._starts[grams], self._starts[grams + 1] - self._starts[grams]
        ends = np.cumsum(sizes)
        places = np.arange(ends[-1]) + np.repeat(starts - ends + sizes, sizes)
        weights = self._weights[places] * np.repeat(times, sizes)
        above = np.bincount(self._languages[places], weights, len(self._codes))
        scores: npt.NDArray[np.float64] = above + times.sum() * self._least + self._prior
        return scores

    def _find(self, data: bytes) -> Counter[int]:
        index, blocks, rows, grams = self._index, self._blocks, self._rows, self._grams
        found = list[int]()
        state = 0
        for byte in data:
            state = blocks[index[rows[state] + (byte >> 4)] + (byte & 15)]
            gram = grams[state]
            if gram >= 0:
                found.append(gram)
        return Counter(found)

    def _thin_out(self, table: npt.NDArray[np.float16]) -> None:
        """Keep of the weights, a row an n-gram and a column a language, what is more than the language's least."""
        least = table.min(axis=0)
        languages, weights, sizes = [], [], [np.zeros(1, np.intp)]
        for at in range(0, len(table), _SLICE):
            part = table[at : at + _SLICE]
            more = part != least
            columns = np.nonzero(more)[1]
            languages.append(columns.astype(np.uint8))
            weights.append((part[more].astype(np.float32) - least[columns]).astype(np.float32))
            sizes.append(more.sum(axis=1))
        self._least = least.astype(np.float64)
        self._languages, self._weights = np.concatenate(languages), np.concatenate(weights)
        self._starts = np.cumsum(np.concatenate(sizes))


def _fold(next_states: npt.NDArray[np.unsignedinteger]) -> tuple["array[int]", "array[int]"]:
    """Return where each block of `next_states` begins in the second array, which has every different block once."""
    data, width = next_states.astype(np.uint32, copy=False).data.cast("B"), 4 * _BLOCK
    known = dict[bytes, int]()
    places = (bytes(data[at : at + width]) for at in range(0, len(data), width))
    index = array("I", (known.setdefault(block, len(known) * _BLOCK) for block in places))
    blocks = array("I")
    blocks.frombytes(b"".join(known))
    return index, blocks


def _array(kind: str, numbers: npt.NDArray[np.integer]) -> "array[int]":
    """As an `array`: of one number at a time it gives Python's own, faster than numpy."""
    out = array(kind)
    out.frombytes(numbers.tobytes())
    return out
