"""Readings of glued words: whether a token is likelier as it stands or cut in two, by what each reading is worth.

A reading is as likely as its words are frequent, in the language or in the text itself, less what its signs cost, and a
lost space is likely where a line of the text once ended.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Final, NamedTuple, Optional

MAX_TOKEN: Final = 60  # characters; longer ones are no words
EVERYDAY: Final = -5.0  # log10 of a share from which on a word is never cut

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
FLAT_LANGUAGES: Final = frozenset(("de", "nl", "da", "nb", "no", "sv", "is", "fi", "hu", "et", "tr", "fa"))
INFLECTED_LANGUAGES: Final = frozenset(("ru", "uk"))  # names end in letters that are words, too

WORD: Final = re.compile(r"[^\W\d_]+")
_LINK = re.compile(  # or a call, or an identifier such as "4f86e10a"
    r"://|www\.|@|^#|\w\.(?:com|org|net|gov|edu|info|io|ai|tv|[a-z]{2})(?:/|\W*$)|\w\([\"')]|\d[a-z]+\d+[a-z]"
)
_SUBWORD = re.compile(r"[^\W\d_]+|\d+|[^\w]+|_")
_JOINS: Final = frozenset("-‑'’/&+_\u200c")
_APOSTROPHES: Final = ("'", "’")
_AFTER_APOSTROPHE: Final = frozenset(("s", "t", "d", "m", "re", "ve", "ll"))
_UNITS: Final = frozenset("th st nd rd s k m mm cm km kg g h am pm bn x d p er e px mph b".split())
_DASHES: Final = "—–-"
OPENS: Final = '"“‘«([„¿¡$€£#'
CLOSES: Final = ".,;:!?)]”’»\"'…،؛؟%"


class Lines(NamedTuple):
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


class Reader:
    """Reads the tokens of a text as one word or as two, whichever is likelier in it.

    `known` are shares of running words by word, `letters` the language's words of one letter.
    """

    def __init__(self, paragraphs: Sequence[str], known: Mapping[str, float], language: str, letters: Set[str]) -> None:
        words = [word for paragraph in paragraphs for word in WORD.findall(paragraph)]
        flat = language in FLAT_LANGUAGES
        self.known, self.letters = known, letters
        self.own, self.total = Counter(word for word in words if word[0].isupper()), len(words)
        self.lower, self.capital = (UNKNOWN_FLAT, UNKNOWN_FLAT) if flat else (UNKNOWN_LOWER, UNKNOWN_CAPITAL)
        self.inflected = language in INFLECTED_LANGUAGES
        self.spaced_dashes = _spaces_dashes(paragraphs)
        self.low_quotes = any("„" in paragraph for paragraph in paragraphs)
        self._scores: dict[tuple[str, int], float] = {}

    def cut(self, token: str, lines: Optional[Lines], row: int) -> int:
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
        rest = WORD.match(token, at)
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
        core = text.strip(OPENS + CLOSES)
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
            return right in OPENS
        alone = at == len(token) - 1 and token[at - 2].isalpha()
        begins = right.isupper() and (alone or token[at + 1 : at + 2].islower())
        return right in OPENS or begins or (at > 3 and token[at - 3] == "." and right.islower())  # U.S.
    if left.isalnum() or left in CLOSES or left == "“":
        return right.isalnum() or right in OPENS
    return False


def _inner_sign(before: str, sign: str, after: str) -> bool:
    """Whether the sign belongs inside: "3,000", "10:30", "U.S."."""
    if not before or not after:
        return True
    if before[-1].isdigit() and after[0].isdigit():
        return True
    return sign == "." and len(before) == 1 and len(after) <= 2
