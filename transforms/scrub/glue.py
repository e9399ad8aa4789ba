"""Glued words: spaces lost at former line ends ("itselfat", "theKataib", "2023,citing") are put back.

A text is first judged as a whole: only one in which several unknown words fall apart into two frequent ones is touched
at all. Then each token is read both ways, as it stands and cut in two, and the likelier reading wins, by word
frequencies (wordfreq), the names that the text uses elsewhere, and the length of the lines that the text once had.
Names, compounds, brands, URLs and hashtags are likelier as they stand.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import accumulate
from typing import Final, Optional

from transforms.scrub.frequencies import Frequencies, frequencies
from transforms.scrub.readings import AROUND, FREQUENT, MAX_TOKEN, WORD, Lines, Reader

MIN_ODD: Final = 5  # characters of a word that is looked at
MIN_EVIDENT: Final = 4  # tokens that fall apart by themselves, before a text counts as glued …
MIN_PLAIN: Final = 2  # … so many of them without a capital inside …
FEW: Final = 1e-7  # share of a list's rarest word, from which on it lacks too many to tell a glued text by them alone
MIN_RATE: Final = 0.004  # … and their share of all words; lines of 60 to 100 characters give .05
TOGETHER: Final = 3e-9  # the product of the shares of two frequent words
LEAST_KEPT: Final = 0.05  # share of line ends that kept their space, never taken for less
SPREAD: Final = 0.25  # lines set in a proportional face vary by so much around their middle length
WIDTHS: Final = range(40, 141)  # of lines looked for, in characters
MOSTLY: Final = 0.8  # share of a sign's places that have a space, where it is the text's custom
MIN_WIDTH_FIT: Final = 0.8  # share of the gaps between evident cuts that must be nearly alike
LIKELY_WIDTHS: Final = 3  # of the best ones, that the text is read with
KEPT: Final = 0.2  # share of line ends that kept their space, where a width is tried
MARGIN: Final = 2.0  # log10 by which lines of one width must make a text likelier
SAMPLE: Final = 3_000  # characters that tell how long the lines were
_SPACED_SIGNS: Final = (
    ("«", re.compile(r"« "), re.compile(r"(?<=«)(?=\w)")),
    ("»", re.compile(r" »"), re.compile(r"(?<=[\w.%)…])(?=»(?:\W|$))")),
    *((sign, re.compile(f" [{sign}]"), re.compile(rf"(?<=[\w%)])(?=[{sign}](?:\s|$))")) for sign in "?!:;"),
)


def unglue(paragraphs: Sequence[str], language: str, letters: Set[str]) -> list[str]:
    """Return the paragraphs with their lost spaces put back; a text that is not glued comes back as it was."""
    known = frequencies(language)
    if not known or not _is_glued(paragraphs, known):
        return list(paragraphs)
    reader = Reader(paragraphs, known, language, letters)
    lines = _former_lines(paragraphs, reader)
    if lines is None and known.least > FEW:
        return list(paragraphs)
    return _space_signs([_mend(p, reader, lines) for p in paragraphs])


def _mend(paragraph: str, reader: Reader, lines: Optional[Lines]) -> str:
    """A paragraph with its likely cuts made."""
    out = []
    for token, cut, _ in reader.read(paragraph, lines):
        out += [token[:cut], token[cut:]] if cut else [token]
    return " ".join(out)


def _space_signs(paragraphs: list[str]) -> list[str]:
    """The paragraphs with a space beside each sign that mostly has one, as French quotation marks do."""
    for sign, spaced, close in _SPACED_SIGNS:
        usual = sum(len(spaced.findall(p)) for p in paragraphs)
        if usual >= MIN_EVIDENT and usual >= MOSTLY * sum(p.count(sign) for p in paragraphs):
            paragraphs = [close.sub(" ", p) for p in paragraphs]
    return paragraphs


def _former_lines(paragraphs: Sequence[str], reader: Reader) -> Optional[Lines]:
    """How long the text's lines once were, where its evident cuts agree: one width, or nearly one."""
    sample = _opening(paragraphs)
    mended = [_mend(p, reader, None).split(" ") for p in sample]
    cuts = [_new_breaks(p, words) for p, words in zip(sample, mended, strict=True)]
    if sum(map(len, cuts)) < MIN_EVIDENT:
        return None
    pairs = [(c, words) for c, words in zip(cuts, mended, strict=True) if c]
    rows = [(list(accumulate(len(word) + 1 for word in words[: max(c) + 1])), sorted(c)) for c, words in pairs]
    widths = sorted(WIDTHS, key=lambda width: (-sum(_fitting(ends, c, width) for ends, c in rows), width))
    likely = max((_likely(sample, reader, Lines(0, 0, width, KEPT)), width) for width in widths[:LIKELY_WIDTHS])
    if likely > (_likely(sample, reader, None) + MARGIN, 0):
        width = likely[1]
        return Lines(0, 0, width, _kept(sample, reader, Lines(0, 0, width, KEPT)))
    gaps = sorted(gap for c, words in pairs for gap in _gaps(c, words[: max(c) + 1]))
    if len(gaps) < MIN_EVIDENT:
        return None
    middle = gaps[len(gaps) // 2]
    least, most = round((1 - SPREAD) * middle), round((1 + SPREAD) * middle)
    near = sum(least <= gap <= most for gap in gaps)
    return Lines(least, most, None, LEAST_KEPT) if near >= MIN_WIDTH_FIT * len(gaps) else None


def _opening(paragraphs: Sequence[str]) -> list[str]:
    """As much of the text as tells how long its lines were: the rest would only take time."""
    opening, left = [], SAMPLE
    for paragraph in paragraphs:
        if left <= 0:
            break
        opening.append(paragraph if len(paragraph) <= left else paragraph[:left].rpartition(" ")[0])
        left -= len(paragraph)
    return opening


def _likely(paragraphs: Sequence[str], reader: Reader, lines: Optional[Lines]) -> float:
    """log10 of how much likelier the text is with its cuts, and lines of such a length, than as it stands."""
    return sum(gain for paragraph in paragraphs for _, _, gain in reader.read(paragraph, lines))


def _kept(paragraphs: Sequence[str], reader: Reader, lines: Lines) -> float:
    """Share of the lines' ends that kept their space; unknown words there do not count, for they may have lost it."""
    kept = lost = 0
    for paragraph in paragraphs:
        row = 0
        for token, cut, _ in reader.read(paragraph, lines):
            over = bool(row) and lines.width is not None and row + 1 + len(token) > lines.width
            kept += over and not cut and token.strip(AROUND).lower() in reader.known
            lost += over and bool(cut)
            row = len(token) - cut if cut or over else row + bool(row) + len(token)
    return max(LEAST_KEPT, kept / max(1, kept + lost))


def _fitting(ends: Sequence[int], cuts: Sequence[int], width: int) -> int:
    """How many of the cuts are where a line ends that is filled to a width from the cut before on.

    `ends` are where the words end, each with the space behind it; `cuts` are the numbers of words, in their order.
    """
    fit, line, first = 0, -1, -1  # where the line begins, and with which word; a space before the first
    for cut in cuts:
        while (over := bisect_right(ends, line + width + 1, first + 1)) < cut:
            line, first = ends[over - 1] if over else 0, over
        fit += over == cut and ends[cut - 1] - line <= width + 1
        line, first = ends[cut - 1], cut
    return fit


def _gaps(breaks: Set[int], words: Sequence[str]) -> Iterator[int]:
    """Characters from one break of a paragraph, or its start, to the next."""
    row = 0
    for number, word in enumerate(words):
        if number in breaks:
            yield row
            row = len(word)
        else:
            row += len(word) + (1 if row else 0)


def _new_breaks(paragraph: str, words: Sequence[str]) -> set[int]:
    """Which of the mended words began inside a token of the paragraph."""
    breaks, at = set(), 0
    for number, word in enumerate(words):
        if number and paragraph[at] != " ":
            breaks.add(number)
        elif number:
            at += 1
        at += len(word)
    return breaks


def _is_glued(paragraphs: Sequence[str], known: Frequencies) -> bool:
    words = " ".join(paragraphs).split()
    odd = {part for token in known.unmet(set(words)) for part in _odd_parts(token, known)}
    if len(odd) < MIN_EVIDENT:
        return False
    evident = [w for w in odd if _falls_apart(w, known)]
    plain = sum(
        not any(map(str.isupper, w[1:])) for w in evident
    )  # without an inner capital: a page about code has many names with one
    return plain >= MIN_PLAIN and len(evident) >= max(MIN_EVIDENT, MIN_RATE * len(words))


def _odd_parts(token: str, known: Frequencies) -> list[str]:
    """The longer words within a token that are on no list; a token without any is not looked at again."""
    word = token.strip(AROUND)
    if len(word) >= MIN_ODD and word.lower() not in known:
        odd = [part for part in WORD.findall(word) if len(part) >= MIN_ODD and part.lower() not in known]
        if odd:
            return odd
    known.meet(token)
    return []


def _falls_apart(word: str, known: Mapping[str, float]) -> bool:
    """Whether an unknown word is two frequent ones side by side."""
    if len(word) > MAX_TOKEN:
        return False
    for cut in range(2, len(word) - 1):
        left, right = word[:cut], word[cut:]
        if right[0].isupper() and not left[-1].isupper():
            return len(left) > 2 and left.islower() and known.get(left, 0.0) >= FREQUENT
        if not right[0].isupper():
            both = known.get(left.lower(), 0.0), known.get(right.lower(), 0.0)
            if min(both) >= FREQUENT and both[0] * both[1] >= TOGETHER:
                return True
    return False
