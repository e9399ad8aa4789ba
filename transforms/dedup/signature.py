"""Signature: the few kilobytes of an article's text by which near-duplicates find and know each other.

The text is folded to lower-case letters and digits without spaces, so that glued words, typography and layout do not
count. Every window of 24 characters is hashed. The smallest hashes are *anchors*: whoever shares one is a candidate,
and half of a text still shares about half of them; the opening has some of its own. The hashes below a fixed bound are
the *sketch* (FracMinHash: Irber et al., 2022, doi:10.1101/2022.01.11.475838): a fair sample of the windows, from which
containment and Jaccard similarity of two texts of any lengths are estimated.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.records import Article, Signature
from schemas.settings import DedupSettings
from transforms.repeats import FOOT_LINES, line_keys

Hashes = npt.NDArray[np.uint64]
Halves = npt.NDArray[np.uint32]
Letters = npt.NDArray[np.uint16]

MAX_CHARS: Final = 1 << 17  # folded characters looked at; the longest live blog of a day has about as many
_OPENING_LETTERS: Final = 300  # headline, dateline and first sentence or two
_MULTIPLIER: Final = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2**64: 2**64 over the golden ratio
_SKETCH_SHIFT: Final = np.uint64(32)  # the sketch keeps the upper half of a hash: 4e-4 chance matches between two texts

_MAX_TITLE: Final = 300  # characters; a longer one is a page gone wrong
_MAX_NUMBERS: Final = 64
_CONTEXT_LETTERS: Final = 14  # letters before a number that say what it counts
_CONTEXT_WINDOW: Final = 28  # characters in which to look for them
_NUMBER: Final = re.compile(r"\d[\d.,:]{0,30}")
_DAY: Final = re.compile("day")
_DAY_STEMS: Final = frozenset({"mon", "tues", "wednes", "thurs", "fri", "satur", "sun"})
_LONGEST_STEM: Final = max(map(len, _DAY_STEMS))
_DATELINE_AGENCY: Final = re.compile(r"\(([^()]{2,40})\)")  # BAGHDAD (Reuters)
_NO_LETTERS: Final = {code: None for code in range(128) if not chr(code).isalpha()}


class Shingles(NamedTuple):
    """What `shingle` takes from a text."""

    anchors: list[int]  # smallest hashes, of the text and of its opening, ascending, given as signed 64-bit numbers
    sketch: bytes  # uint32 little-endian, ascending: upper halves of the sampled hashes
    length: int  # windows in all
    lead: bytes  # as `sketch`, of the windows that begin in the opening; `opening_anchors` at least


def sign(article: Article, settings: DedupSettings) -> Signature:
    """Return the signature of `article`, as a cluster of its own."""
    shingles = shingle(article.text, settings)
    return Signature(
        article_id=article.article_id,
        version=article.version,
        outlet=article.origin.outlet,
        cluster_id=article.article_id,
        title=article.title[:_MAX_TITLE],
        anchors=shingles.anchors,
        sketch=shingles.sketch,
        numbers=json.dumps(numbers(article.text), ensure_ascii=False, separators=(",", ":")),
        length=shingles.length,
        published_at=article.published_at,
        fetched_at=article.fetched_at,
        canonical_hint=attribution(article),
        lead=shingles.lead,
        lines=line_keys(article),
    )


def attribution(article: Article) -> str:
    """Return whom the article names as the source of its text, "" where nobody but its own outlet.

    The names are those that scrub has lifted out of the text: a source line, the agency in the dateline.
    """
    agency = _DATELINE_AGENCY.search(article.dateline)
    name = article.syndication_source or (agency[1] if agency else "")
    own = re.sub(r"\W", "", name.casefold()) in article.origin.outlet.replace("-", "")
    return "" if own else name


def shingle(text: str, settings: DedupSettings) -> Shingles:
    """Return anchors and sketch of `text`.

    The sketch has one hash in `settings.density`, and never fewer than `settings.anchors`, for short texts. The opening
    has anchors of its own, as a teaser is too small a part of a long text to hold one of the smallest hashes of it all.
    """
    windows = window_hashes(fold(text)[:MAX_CHARS], settings.shingle_chars)
    sample = np.unique(windows[windows < np.uint64((1 << 64) // settings.density)])
    if len(sample) < settings.anchors:
        sample = np.unique(windows)[: settings.anchors]
    opening = np.unique(windows[: len(fold(_opening(text))[:_OPENING_LETTERS])])
    sampled = int(np.searchsorted(opening, sample[-1], "right")) if len(sample) else 0
    anchors = np.union1d(sample[: settings.anchors], opening[: settings.opening_anchors])
    return Shingles(
        anchors=anchors.view(np.int64).tolist(),
        sketch=pack(sample),
        length=len(windows),
        lead=pack(opening[: max(sampled, settings.opening_anchors)]),
    )


def foot_lines(text: str) -> list[str]:
    """Return the last lines of a text, where its outlet's footer may be; never the first one."""
    return text.split("\n\n")[1:][-FOOT_LINES:]


def _opening(text: str) -> str:
    """The first lines of a text, as far as they are not at its foot; more than enough of them."""
    lines = text.split("\n\n")
    return " ".join(lines[: len(lines) - len(foot_lines(text))])[: 3 * _OPENING_LETTERS]


def pack(hashes: Hashes) -> bytes:
    """Return the upper halves of `hashes`, each once, ascending, as uint32 little-endian."""
    return np.unique(halves(hashes)).tobytes()


def halves(hashes: Hashes) -> Halves:
    """Return the upper halves of `hashes`."""
    return (hashes >> _SKETCH_SHIFT).astype("<u4")


def fold(text: str) -> Letters:
    """Return the letters and digits of `text`, each as its base letter in lower case; all else is dropped.

    >>> fold("Café – the End").tobytes().decode("utf-16-le")
    'cafetheend'
    """
    return fold_lines([text])[0]


def fold_lines(lines: Sequence[str]) -> tuple[Letters, npt.NDArray[np.intp]]:
    """Return the letters of all lines as `fold` does, and where among them each line begins; the end at last."""
    units = [line.encode("utf-16-le", "surrogatepass") for line in lines]
    folded = _folding()[np.frombuffer(b"".join(units), "<u2")]
    kept = np.flatnonzero(folded)
    starts = np.searchsorted(kept, np.cumsum([0, *map(len, units)]) // 2)
    return folded[kept], starts


def numbers(text: str) -> dict[str, str]:
    """Return the numbers and weekdays of `text` by the letters before them in their paragraph.

    Two texts that give different values after the same words are fillings of one template. Words that one text gives
    several values after say nothing: in a copy whose paragraphs stand in another order they would seem to differ.

    >>> numbers("The army shot down 12 drones.")
    {'hearmyshotdown': '12'}
    """
    text = text.lower()
    found, unsure = dict[str, str](), set[str]()
    for start, value in chain(_numbers_in(text), _weekdays_in(text)):
        before = text[max(0, start - _CONTEXT_WINDOW) : start].rpartition("\n")[2].translate(_NO_LETTERS)
        if len(before) >= _CONTEXT_LETTERS and found.setdefault(before[-_CONTEXT_LETTERS:], value) != value:
            unsure.add(before[-_CONTEXT_LETTERS:])
        if len(found) == _MAX_NUMBERS:
            break
    return {context: value for context, value in found.items() if context not in unsure}


def _numbers_in(text: str) -> Iterator[tuple[int, str]]:
    for match in _NUMBER.finditer(text):
        yield match.start(), match.group().rstrip(".,:")


def _weekdays_in(text: str) -> Iterator[tuple[int, str]]:
    for match in _DAY.finditer(text):
        stem = text[max(0, match.start() - _LONGEST_STEM - 1) : match.start()].rpartition(" ")[2]
        if stem in _DAY_STEMS:
            yield match.start() - len(stem), stem


@lru_cache(maxsize=1)
def _folding() -> Letters:
    """UTF-16 unit -> its folded letter or digit; 0 for what is dropped, surrogates too."""
    table = np.zeros(1 << 16, np.uint16)
    for code in range(1 << 16):
        letters = unicodedata.normalize("NFKD", chr(code)).casefold()
        first = next((c for c in letters if not unicodedata.combining(c)), "")
        if first.isalnum() and ord(first) < 1 << 16:
            table[code] = ord(first)
    return table


@lru_cache(maxsize=1)
def _powers() -> tuple[Hashes, Hashes]:
    """The powers 0 … MAX_CHARS of the multiplier, and those of its inverse, modulo 2**64."""

    def powers(base: int) -> Hashes:
        factors = np.full(MAX_CHARS + 1, base, np.uint64)
        factors[0] = 1
        return np.multiply.accumulate(factors)

    return powers(_MULTIPLIER), powers(pow(_MULTIPLIER, -1, 1 << 64))


def window_hashes(letters: Letters, width: int) -> Hashes:
    """Return a hash of each window of `width` letters, of the whole where there are fewer.

    Polynomial hashes from prefix sums: with P[i] the sum of c[j] * B**-j over j < i, the window at i has
    (P[i + width] - P[i]) * B**i, whatever i is.
    """
    count = len(letters)
    if count == 0:
        return np.empty(0, np.uint64)
    width = min(width, count)
    powers, inverses = _powers()
    sums = np.zeros(count + 1, np.uint64)
    np.cumsum(letters * inverses[:count], out=sums[1:])
    return _mix((sums[width:] - sums[:-width]) * powers[: count - width + 1])


def _mix(h: Hashes) -> Hashes:
    """The finaliser of splitmix64 (Steele, Lea and Flood, 2014): without it the smallest hashes are no fair sample."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))
