"""Glued words: spaces lost at former line ends ("itselfat", "theKataib", "2023,citing") are put back.

A text is first judged as a whole: only one in which several unknown words fall apart into two frequent ones is touched
at all. Then each token is read both ways, as it stands and cut in two, and the likelier reading wins, by word
frequencies (wordfreq), the names that the text uses elsewhere, and the length of the lines that the text once had.
Names, compounds, brands, URLs and hashtags are likelier as they stand.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final, Optional

from transforms.scrub.frequencies import Frequencies, frequencies
from transforms.scrub.readings import CLOSES, MAX_TOKEN, OPENS, WORD, Lines, Reader

MIN_ODD: Final = 5  # characters of a word that is looked at
MIN_EVIDENT: Final = 4  # tokens that fall apart by themselves, before a text counts as glued …
MIN_PLAIN: Final = 2  # … so many of them without a capital inside …
MIN_RATE: Final = 0.004  # … and their share of all words; lines of 60 to 100 characters give .05
FREQUENT: Final = 1e-5  # a word of everyday use, as a share of running words
LEAST_KEPT: Final = 0.05  # share of line ends that kept their space, never taken for less
SPREAD: Final = 0.25  # lines set in a proportional face vary by so much around their middle length
WIDTHS: Final = range(40, 141)  # of lines looked for, in characters
MOSTLY: Final = 0.8  # share of a sign's places that have a space, where it is the text's custom
MIN_WIDTH_FIT: Final = 0.8  # share of the evident cuts that must lie where lines of one width end
_SPACED_SIGNS: Final = (
    ("«", re.compile(r"« "), re.compile(r"(?<=«)(?=\w)")),
    ("»", re.compile(r" »"), re.compile(r"(?<=[\w.%)…])(?=»(?:\W|$))")),
    *((sign, re.compile(f" [{sign}]"), re.compile(rf"(?<=[\w%)])(?=[{sign}](?:\s|$))")) for sign in "?!:;"),
)
_STOPS: Final = ".,;:!?)…"


def unglue(paragraphs: Sequence[str], language: str, letters: Set[str]) -> list[str]:
    """Return the paragraphs with their lost spaces put back; a text that is not glued comes back as it was."""
    known = frequencies(language)
    if not known or not _is_glued(paragraphs, known):
        return list(paragraphs)
    reader = Reader(paragraphs, known, language, letters)
    lines = _former_lines(paragraphs, reader)
    return _space_signs([_mend(p, reader, lines) for p in paragraphs])


def _mend(paragraph: str, reader: Reader, lines: Optional[Lines]) -> str:
    """A paragraph read token by token; with its lines' length known, cuts are likely at their ends only."""
    out, row, quotes = [], 0, 0
    width = lines.width if lines else None
    for token in paragraph.split(" "):
        cut = reader.cut(token, lines, row)
        if cut and token[cut] == '"' and (quotes + token[:cut].count('"')) % 2:
            cut += 1  # it closes a quotation that is open
            cut += len(token[cut:]) - len(token[cut:].lstrip(_STOPS))
            cut = cut if cut < len(token) else 0
        quotes += token.count('"')
        left, right = (token[:cut], token[cut:]) if cut else ("", token)
        if cut:
            out.append(left)
            row = len(right)
        else:
            row = row + 1 + len(token) if row and (width is None or row + 1 + len(token) <= width) else len(token)
        out.append(right)
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
    mended = [_mend(p, reader, None).split(" ") for p in paragraphs]
    cuts = [_new_breaks(p, words) for p, words in zip(paragraphs, mended, strict=True)]
    total = sum(map(len, cuts))
    if total < MIN_EVIDENT:
        return None
    pairs = [(c, words[: max(c) + 1]) for c, words in zip(cuts, mended, strict=True) if c]
    fit, width = max((sum(len(c & _line_starts(words, w)) for c, words in pairs), -w) for w in WIDTHS)
    if fit >= MIN_WIDTH_FIT * total:
        ends = sum(len(_line_starts(words, -width)) for words in mended)
        return Lines(0, 0, -width, max(LEAST_KEPT, 1 - fit / ends))
    gaps = sorted(gap for c, words in pairs for gap in _gaps(c, words))
    if len(gaps) < MIN_EVIDENT:
        return None
    middle = gaps[len(gaps) // 2]
    least, most = round((1 - SPREAD) * middle), round((1 + SPREAD) * middle)
    near = sum(least <= gap <= most for gap in gaps)
    return Lines(least, most, None, LEAST_KEPT) if near >= MIN_WIDTH_FIT * len(gaps) else None


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


def _line_starts(words: Sequence[str], width: int) -> set[int]:
    """The numbers of the words that begin a line when a paragraph is filled to a width."""
    starts, row = set(), 0
    for number, word in enumerate(words):
        if number and row + 1 + len(word) > width:
            starts.add(number)
            row = len(word)
        else:
            row += len(word) + (1 if number else 0)
    return starts


def _is_glued(paragraphs: Sequence[str], known: Frequencies) -> bool:
    words = [word for p in paragraphs for word in p.split()]
    odd = {part for token in known.unmet(set(words)) for part in _odd_parts(token, known)}
    if len(odd) < MIN_EVIDENT:
        return False
    evident = [w for w in odd if _falls_apart(w, known)]
    plain = sum(w[1:].islower() for w in evident)  # without an inner capital: a page about code has many names with one
    return plain >= MIN_PLAIN and len(evident) >= max(MIN_EVIDENT, MIN_RATE * len(words))


def _odd_parts(token: str, known: Frequencies) -> list[str]:
    """The longer words within a token that are on no list; a token without any is not looked at again."""
    word = token.strip(OPENS + CLOSES)
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
        if right[0].islower() or not right[0].isupper():
            both = known.get(left.lower(), 0.0), known.get(right.lower(), 0.0)
            if min(both) >= FREQUENT and max(both) >= 100 * FREQUENT:
                return True
    return False
