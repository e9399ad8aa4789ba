"""Weigh blocks by boosted trees kept as plain numbers, and choose how many of them to keep.

`model.json` is fitted by `benchmarks/fit_extraction.py`, which also reports the figures for outlets unseen in the fit.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MODEL_FILE: Final = Path(__file__).with_name("model.json")
_FLOOR: Final = 0.15  # never keep a block less likely than this


class Trees:
    """A sum of small decision trees over rows of features, evaluated for all rows and trees at once."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._feature = np.array(data["feature"], dtype=np.int64)  # 0 at a leaf
        self._threshold = np.array(data["threshold"])  # beyond all values at a leaf, which leads to itself
        self._left = np.array(data["left"], dtype=np.int64)
        self._right = np.array(data["right"], dtype=np.int64)
        self._value = np.array(data["value"])
        self._roots = np.array(data["roots"], dtype=np.int64)
        self._depth, self._bias = int(data["depth"]), float(data["bias"])

    def probability(self, rows: Floats) -> Floats:
        """Return for each row the probability that its block is of the article."""
        at = np.broadcast_to(self._roots, (len(rows), len(self._roots)))
        row = np.arange(len(rows))[:, None]
        for _ in range(self._depth):
            goes_left = rows[row, self._feature[at]] <= self._threshold[at]
            at = np.where(goes_left, self._left[at], self._right[at])
        out: Floats = 1 / (1 + np.exp(-(self._value[at].sum(axis=1) + self._bias)))
        return out


def load(path: Path = MODEL_FILE) -> dict[str, Trees]:
    """Return the fitted trees: `alone` weighs by our features, `advised` also by the second extractor's choice."""
    return {name: Trees(data) for name, data in json.loads(path.read_text("utf-8")).items()}


def best_cut(probability: Floats, chars: Floats) -> tuple[float, float]:
    """Return the threshold of best expected F1 over characters, and that F1.

    With `hit` the expected characters of the article above a threshold, F1 = 2 hit / (kept + expected length of the
    article): a page on which all blocks are unsure lowers its own bar.
    """
    if not len(probability):
        return 1.0, 0.0
    order = np.argsort(-probability, kind="stable")
    hit = np.cumsum(probability[order] * chars[order])
    f1 = 2 * hit / (np.cumsum(chars[order]) + hit[-1])
    best = int(np.argmax(f1))
    return max(_FLOOR, float(probability[order[best]])), float(f1[best])
