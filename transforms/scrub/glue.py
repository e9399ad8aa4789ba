"""Glued words: spaces lost at former line ends ("itselfat", "theKataib", "2023,citing") are put back.

A text is first judged as a whole: only one in which several unknown words fall apart into two frequent ones is touched
at all. Then each token is read both ways, as it stands and cut in two, and the likelier reading wins, by word
frequencies (wordfreq), the names that the text uses elsewhere, and the length of the lines that the text once had.
Names, compounds, brands, URLs and hashtags are likelier as they stand.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple, Optional

from transforms.scrub.frequencies import Frequencies, frequencies

MAX_TOKEN: Final = 60  # characters; longer ones are no words
MIN_ODD: Final = 5  # characters of a word that is looked at
MIN_EVIDENT: Final = 4  # tokens that fall apart by themselves, before a text counts as glued …
MIN_PLAIN: Final = 2  # … so many of them without a capital inside …
MIN_RATE: Final = 0.004  # … and their share of all words; lines of 60 to 100 characters give .05
EVERYDAY: Final = -5.0  # log10 of a share from which on a word is never cut
FREQUENT: Final = 1e-5  # a word of everyday use, as a share of running words

# log10 of how likely a reading is. Known words have their own frequency; these are for the rest, and hold within +-0.5.
UNKNOWN_LOWER: Final = (-7.5, -0.3)  # and per character: the longer an unknown word, the less likely it is one
UNKNOWN_CAPITAL: Final = (-6.0, -0.3)  # names
UNKNOWN_FLAT: Final = (-6.5, -0.22)  # where the list is short or the language builds words freely
UNKNOWN_MIXED: Final = -13.0  # a capital inside: "theKataib", rarely a brand
PARTICLE: Final = -2.0  # al-, el-
ELIDED: Final = -3.0  # l', d'
NUMBER: Final = -4.0
NUMBER_BESIDE: Final = -4.0  # a number and a word without a space: "90rallied", rarely "107mm"
DASH: Final = -2.0
BAD_SIGN: Final = -8.0  # a comma or full stop with a letter on either side
LONE_LETTER: Final = -12.0
GLUED: Final = -1.3  # a space is lost once in twenty where nothing is known of the lines
GLUED_ELSEWHERE: Final = -3.7  # … and hardly ever where it is known that no line ended
GLUED_EARLY: Final = -2.0  # short lines occur: beside a picture, for instance
NEIGHBOURS: Final = 0.5  # two words that meet are likelier together than by their frequencies
LEAST_KEPT: Final = 0.05  # share of line ends that kept their space, never taken for less
SPREAD: Final = 0.25  # lines set in a proportional face vary by so much around their middle length
WIDTHS: Final = range(40, 141)  # of lines looked for, in characters
MOSTLY: Final = 0.8  # share of a sign's places that have a space, where it is the text's custom
MIN_WIDTH_FIT: Final = 0.8  # share of the evident cuts that must lie where lines of one width end
FLAT_LANGUAGES: Final = frozenset(("de", "nl", "da", "nb", "no", "sv", "is", "fi", "hu", "et", "tr", "fa"))

INFLECTED_LANGUAGES: Final = frozenset(("ru", "uk"))  # names end in letters that are words, too

_WORD = re.compile(r"[^\W\d_]+")
_LINK = re.compile(  # or a call, or an identifier such as "4f86e10a"
    r"://|www\.|@|^#|\w\.(?:com|org|net|gov|edu|info|io|ai|tv|[a-z]{2})(?:/|\W*$)|\w\([\"')]|\d[a-z]+\d+[a-z]"
)
_SUBWORD = re.compile(r"[^\W\d_]+|\d+|[^\w]+|_")
_JOINS: Final = frozenset("-‑'’/&+_\u200c")
_APOSTROPHES: Final = ("'", "’")
_AFTER_APOSTROPHE: Final = frozenset(("s", "t", "d", "m", "re", "ve", "ll"))
_UNITS: Final = frozenset(
    (
        "th",
        "st",
        "nd",
        "rd",
        "s",
        "k",
        "m",
        "mm",
        "cm",
        "km",
        "kg",
        "g",
        "h",
        "am",
        "pm",
        "bn",
        "x",
        "d",
        "p",
        "er",
        "e",
        "px",
        "mph",
        "b",
    )
)
_DASHES: Final = "—–-"
_SPACED_SIGNS: Final = (
    ("«", re.compile(r"« "), re.compile(r"(?<=«)(?=\w)")),
    ("»", re.compile(r" »"), re.compile(r"(?<=[\w.%)…])(?=»(?:\W|$))")),
    *((sign, re.compile(f" [{sign}]"), re.compile(rf"(?<=[\w%)])(?=[{sign}](?:\s|$))")) for sign in "?!:;"),
)
_STOPS: Final = ".,;:!?)…"
_OPENS: Final = '"“‘«([„¿¡$€£#'
_CLOSES: Final = ".,;:!?)]”’»\"'…،؛؟%"


def unglue(paragraphs: Sequence[str], language: str, letters: Set[str]) -> list[str]:
    """Return the paragraphs with their lost spaces put back; a text that is not glued comes back as it was."""
    known = frequencies(language)
    if not known:
        return list(paragraphs)
    if not _is_glued(paragraphs, known):
        return list(paragraphs)
    words = [w for p in paragraphs for w in _WORD.findall(p)]
    own = Counter(w for w in words if w[0].isupper())
    reader = _Reader(
        known,
        letters,
        own,
        len(words),
        flat=language in FLAT_LANGUAGES,
        inflected=language in INFLECTED_LANGUAGES,
        spaced_dashes=_spaces_dashes(paragraphs),
        low_quotes=any("„" in p for p in paragraphs),
    )
    lines = _former_lines(paragraphs, reader)
    return _space_signs([_mend(p, reader, lines) for p in paragraphs])


class _Lines(NamedTuple):
    """How long the text's lines once were, in characters: between `least` and `most`, or filled to `width` exactly."""

    least: int
    most: int
    width: Optional[int]
    kept: float  # share of line ends that kept their space

    def lost(self, filled: int, right: int) -> float:
        """log10 of how likely a space was lost after `filled` characters of a line, `right` ones before the next."""
        here = math.log10(1 - self.kept)
        if self.width is not None:
            if filled <= self.width < filled + 1 + right:
                return here + NEIGHBOURS
            return GLUED_ELSEWHERE
        if filled < self.least:
            return GLUED_EARLY
        return here if filled <= self.most else GLUED

    def whole(self, row: int, length: int) -> float:
        """log10 of how likely a token is whole after `row` characters: it fits, or the space before it stayed."""
        fits = self.width is None or row == 0 or row + 1 + length <= self.width
        return 0.0 if fits else math.log10(self.kept)


def _mend(paragraph: str, reader: "_Reader", lines: Optional[_Lines]) -> str:
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


def _former_lines(paragraphs: Sequence[str], reader: "_Reader") -> Optional[_Lines]:
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
        return _Lines(0, 0, -width, max(LEAST_KEPT, 1 - fit / ends))
    gaps = sorted(gap for c, words in pairs for gap in _gaps(c, words))
    if len(gaps) < MIN_EVIDENT:
        return None
    middle = gaps[len(gaps) // 2]
    least, most = round((1 - SPREAD) * middle), round((1 + SPREAD) * middle)
    near = sum(least <= gap <= most for gap in gaps)
    return _Lines(least, most, None, LEAST_KEPT) if near >= MIN_WIDTH_FIT * len(gaps) else None


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
    word = token.strip(_OPENS + _CLOSES)
    if len(word) >= MIN_ODD and word.lower() not in known:
        odd = [part for part in _WORD.findall(word) if len(part) >= MIN_ODD and part.lower() not in known]
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


class _Reader:
    """Reads tokens as one word or as two, whichever is likelier in this text."""

    def __init__(
        self,
        known: Mapping[str, float],
        letters: Set[str],
        own: Mapping[str, int],
        total: int,
        *,
        flat: bool,
        inflected: bool,
        spaced_dashes: bool,
        low_quotes: bool,
    ) -> None:
        self.known, self.letters, self.own, self.total = known, letters, own, total
        self.lower, self.capital = (UNKNOWN_FLAT, UNKNOWN_FLAT) if flat else (UNKNOWN_LOWER, UNKNOWN_CAPITAL)
        self.inflected, self.spaced_dashes, self.low_quotes = inflected, spaced_dashes, low_quotes
        self._scores: dict[tuple[str, int], float] = {}

    def cut(self, token: str, lines: Optional[_Lines], row: int) -> int:
        """Return where a token that starts `row` characters into its line is to be cut, 0 for nowhere."""
        if len(token) < 2 or len(token) > MAX_TOKEN or _LINK.search(token):
            return 0
        whole = self.piece(token, seen=2)  # once is the token itself
        if whole > EVERYDAY:
            return 0
        best, best_at = whole + (lines.whole(row, len(token)) if lines else 0.0), 0
        for at in range(1, len(token)):
            if self.low_quotes and token[at] == "“":
                continue
            if _may_cut(token, at, self.spaced_dashes) and not (token[at - 1] in ")]" and self._in_word(token, at)):
                lost = GLUED if lines is None else lines.lost(row + bool(row) + at, len(token) - at)
                score = self.piece(token[:at]) + self.piece(token[at:]) + lost
                if score > best:
                    best, best_at = score, at
        return best_at

    def _in_word(self, token: str, at: int) -> bool:
        """Whether the bracket that closes before character `at` holds a part of a word: "(neuro)science", "[s]on"."""
        opened = max(token.rfind("(", 0, at), token.rfind("[", 0, at))
        rest = _WORD.match(token, at)
        return opened >= 0 and rest is not None and (token[opened + 1 : at - 1] + rest[0]).lower() in self.known

    def piece(self, text: str, seen: int = 1) -> float:
        """log10 of how likely a piece is: the sum over its words, less what its signs cost.

        A capitalised word that the text holds at least `seen` times is a name of the text's own.
        """
        score = self._scores.get((text, seen))
        if score is None:
            score = self._scores[text, seen] = self._piece(text, seen)
        return score

    def _piece(self, text: str, seen: int) -> float:
        core = text.strip(_OPENS + _CLOSES)
        if not core:
            return LONE_LETTER
        if all(c in _DASHES for c in core):
            return DASH
        parts = _SUBWORD.findall(core)
        total = BAD_SIGN if core[0] in "—–" or core[-1] in "—–" else 0.0
        for at, part in enumerate(parts):
            before = parts[at - 1] if at else ""
            after = parts[at + 1] if at + 1 < len(parts) else ""
            if not part[0].isalnum():
                total += 0.0 if all(c in _JOINS for c in part) or _inner_sign(before, part, after) else BAD_SIGN
            elif before in _APOSTROPHES and part.islower() and len(part) <= 4:
                total += 0.0 if part in _AFTER_APOSTROPHE else ELIDED
            elif after in _APOSTROPHES and len(part) <= 2:
                total += ELIDED
            elif before.isdigit() and len(part) == 1:
                total += PARTICLE  # 2K, F-16s
            else:
                total += self._word(part, before, after, seen)
                if before.isdigit() and part.isalpha():
                    total += 0.0 if part.lower() in _UNITS else NUMBER_BESIDE
        if "'" in core or "’" in core:
            share = self.known.get(core.replace("’", "'").lower(), 0.0)
            total = max(total, math.log10(share)) if share else total
        return total

    def _word(self, word: str, before: str, sign: str, seen: int) -> float:
        """log10 of a word's share; `before` and `sign` are what stands on either side within its token."""
        if word.isdigit():
            return NUMBER
        if len(word) == 1:
            initial = word.isupper() and (sign == "." or before == "." or sign.isdigit())  # U.S., R95
            return -2.0 if word in self.letters or initial else LONE_LETTER
        if len(word) == 2 and sign and sign in _JOINS:
            return PARTICLE
        share = self.known.get(word.lower(), 0.0)
        if len(word) == 2 and share < 1e-3:
            share /= 10  # lists are full of two-letter abbreviations
        mixed = word[1:] != word[1:].lower() and not word.isupper()
        count = self.own.get(word, 0) or (self.own.get(word[:-1], 0) if self.inflected else 0)
        if count >= seen + mixed:
            share = max(share, 0.5 * count / self.total)
        if share:
            return math.log10(share)
        if mixed:
            return UNKNOWN_MIXED
        return _unknown(word, self.capital if word[0].isupper() else self.lower)


def _unknown(word: str, base: tuple[float, float]) -> float:
    return base[0] + base[1] * len(word)


def _spaces_dashes(paragraphs: Sequence[str]) -> bool:
    """Whether the text sets its dashes between spaces, as most do, or close to a word."""
    words = [token for p in paragraphs for token in p.split(" ")[1:] if token]  # the first may be a speaker's dash
    tokens = [token for token in words if token[0] in "—–" or token[-1] in "—–"]
    return sum(len(token) == 1 for token in tokens) > len(tokens) / 2


def _may_cut(token: str, at: int, spaced_dashes: bool) -> bool:
    """Whether a line may have ended before character `at` of a token."""
    left, right = token[at - 1], token[at]
    if left in _DASHES or right in _DASHES:
        return spaced_dashes and (left in "—–" or right in "—–") and at in (1, len(token) - 1)
    if left in _APOSTROPHES and right.isalnum():
        return at > 1 and token[at - 2] == "s" and at < len(token) - 2
    if left.isdigit() and right.isdigit():
        return False
    if left == ".":
        if at < 2 or not token[at - 2].isalnum():
            return right in _OPENS
        alone = at == len(token) - 1 and token[at - 2].isalpha()
        begins = right.isupper() and (alone or token[at + 1 : at + 2].islower())
        return right in _OPENS or begins or (at > 3 and token[at - 3] == "." and right.islower())  # U.S.
    if left.isalnum() or left in _CLOSES or left == "“":
        return right.isalnum() or right in _OPENS
    return False


def _inner_sign(before: str, sign: str, after: str) -> bool:
    """Whether the sign belongs inside: "3,000", "10:30", "U.S."."""
    if not before or not after:
        return True
    if before[-1].isdigit() and after[0].isdigit():
        return True
    return sign == "." and len(before) == 1 and len(after) <= 2
