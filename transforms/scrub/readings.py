"""Readings of glued words: whether a token is likelier as it stands or cut in two, by what each reading is worth.

A reading is as likely as its words are frequent, in the language or in the text itself, less what its signs cost, and a
lost space is likely where a line of the text once ended.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple, Optional

from transforms.scrub.shapes import has_case
from transforms.scrub.spelling import spelling

MAX_TOKEN: Final = 60  # characters; longer ones are no words
EVERYDAY: Final = -5.0  # log10 of a share from which on a word is never cut

# log10 of how likely a reading is. Known words have their own frequency; these are for the rest, and hold within +-0.5.
UNLISTED: Final = -0.5  # a word of no list, spelt as the language's words are …
UNKNOWN_LOWER: Final = (-9.5, -0.3)  # … or anyhow, and per character …
UNKNOWN_CAPITAL: Final = (-6.0, -0.3)  # … names above all
UNKNOWN_MIXED: Final = -13.0  # a capital inside: "theKataib", rarely a brand
GROWN: Final = -4.0  # … beside what its parts are worth, where the first is a small word: "desHafenbauamts"
MIN_GROWN: Final = 5  # letters of such a part, from which on a rare word will do: no brand begins with one
PARTICLE: Final = -2.0  # al-, el-
ELIDED: Final = -3.0  # l', d'
NUMBER: Final = -4.0
NUMBER_BESIDE: Final = -4.0  # a number and a word without a space: "90rallied", rarely "107mm"
DASH: Final = -2.0
BAD_SIGN: Final = -8.0  # a comma or full stop with a letter on either side
LONE_LETTER: Final = -12.0
INITIAL: Final = -2.0  # or a word of one letter
FREQUENT: Final = 1e-5  # shares of running words: a word of everyday use …
RARE: Final = 1e-7  # … one of long texts …
EVERYWHERE: Final = 1e-3  # … and one of every text
GLUED: Final = -1.3  # a space is lost once in twenty where nothing is known of the lines
GLUED_ELSEWHERE: Final = -5.0  # … and hardly ever where it is known that no line ended
GLUED_EARLY: Final = -2.0  # short lines occur: beside a picture, for instance
LEAST_GAIN: Final = -2.0  # of a cut that the end of a line can make likely
NEIGHBOURS: Final = 0.5  # two words that meet are likelier together than by their frequencies
SUFFIXING: Final = frozenset(("tr",))  # endings of names and quotations behind a sign
MAX_ENDING: Final = 4  # characters behind an apostrophe …
MAX_SUFFIX: Final = 7  # … and in these languages: "deki", "ndan", "lerinden"
INFLECTED_LANGUAGES: Final = frozenset(("ru", "uk"))  # names end in letters that are words, too

WORD: Final = re.compile(r"[^\W\d_]+")
_LINK = re.compile(  # or a call, or an identifier such as "4f86e10a"
    r"://|www\.|@|^#|\w\.(?:com|org|net|gov|edu|info|io|ai|tv|[a-z]{2})(?:/|\W*$)|\w\([\"')]|\d[a-z]+\d+[a-z]"
)
_SUBWORD = re.compile(r"[^\W\d_]+|\d+|[^\w]+|_")
_GROWN = re.compile(r"([a-zß-ÿ]{2,})([A-ZÀ-Þ][a-zß-ÿ]+)")
_JOINS: Final = frozenset("-‑'’/&+_\u200c")
_APOSTROPHES: Final = ("'", "’")
_AFTER_APOSTROPHE: Final = frozenset(("s", "t", "d", "m", "re", "ve", "ll"))  # in English
_ELISIONS: Final = frozenset("l d j m n s t c o qu un ch".split())  # l'Aquila, D'Annunzio, O'Brien, qu'on
_PARTICLES: Final = frozenset("al el il ul ad as at az ar an ed es et ez er en".split())  # al-Haq, as-Sadr
# Accents apart, vowels, tanwin: hardly any list has them.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u064b-\u065f\u0670]")
_UNITS: Final = frozenset("th st nd rd s k m mm cm km kg g h am pm bn x d p er e px mph b".split())
_ORDINALS: Final = frozenset("th st nd rd ste ern er ers ère ème è ma eme".split())
_HYPHENS: Final = ("-", "‑")
_QUOTES: Final = ('"', "”", "״")
_DASHES: Final = "—–-"
_STOPS: Final = ".,;:!?)…"
OPENS: Final = '`"“‘«([„¿¡$€£#'
CLOSES: Final = ".,;:!?)]”’»\"'…،؛؟%"
AROUND: Final = OPENS + CLOSES  # signs about a word


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
        self.known, self.letters, self.spelling, self.language = known, letters, spelling(language), language
        self.own, self.total = Counter(word for word in words if word[0].isupper()), len(words)
        self.inflected = language in INFLECTED_LANGUAGES
        self.dashes = _spaced_dashes(paragraphs)
        self.low_quotes = any("„" in paragraph for paragraph in paragraphs)
        self._scores: dict[tuple[str, int], float] = {}
        self._ways: dict[str, list[tuple[int, float]]] = {}

    def read(self, paragraph: str, lines: Optional[Lines]) -> Iterator[tuple[str, int, float]]:
        """Yield the tokens of a paragraph, where each is to be cut (0: nowhere), and what that gains (log10).

        With the length of the lines known, cuts are likely at their ends only.
        """
        row, quoted = 0, False
        width = lines.width if lines else None
        for token in paragraph.split(" "):
            cut, gain = self._cut(token, lines, row)
            if cut and token[cut] == '"' and _is_quoted(token[:cut], quoted):
                cut += 1  # it closes a quotation that is open
                cut += len(token[cut:]) - len(token[cut:].lstrip(_STOPS))
                cut = cut if cut < len(token) and not self._goes_on(token[cut:]) else 0
            quoted = _is_quoted(token, quoted) if '"' in token else quoted
            yield token, cut, gain
            fits = row and not cut and (width is None or row + 1 + len(token) <= width)
            row = row + 1 + len(token) if fits else len(token) - cut

    def _goes_on(self, rest: str) -> bool:
        """Whether what stands behind a quotation belongs to it: "-Rufe", or a Turkish ending."""
        if not rest[0].isalnum():
            return True
        letters = WORD.match(rest)
        if letters is None or self.language not in SUFFIXING:
            return False
        return len(letters[0]) <= MAX_SUFFIX and self.known.get(letters[0], 0.0) < FREQUENT

    def _cut(self, token: str, lines: Optional[Lines], row: int) -> tuple[int, float]:
        """Where a token that starts `row` characters into its line is to be cut, 0 for nowhere, and the gain."""
        ways = self._ways.get(token)
        if ways is None:
            ways = self._ways[token] = self._likely_cuts(token)
        best, best_at = lines.whole(row, len(token)) if lines else 0.0, 0
        for at, gain in ways:
            score = gain + (GLUED if lines is None else lines.lost(row + bool(row) + at, len(token) - at))
            if score > best:
                best, best_at = score, at
        return best_at, best

    def _likely_cuts(self, token: str) -> list[tuple[int, float]]:
        """Where a token may be cut, and what is gained by it (log10) wherever its line ends."""
        if len(token) < 2 or len(token) > MAX_TOKEN or _LINK.search(token):
            return []
        whole = self.piece(token, seen=2)  # once is the token itself
        if whole > EVERYDAY:
            return []
        ways = []
        for at in range(1, len(token)):
            if self.low_quotes and token[at] == "“":
                continue
            if _may_cut(token, at, self.dashes) and not (token[at - 1] in ")]" and self._in_word(token, at)):
                left = self.piece(token[:at])  # a piece only costs: where this does too much, the other is spared
                if left - whole > LEAST_GAIN and (gain := left + self.piece(token[at:]) - whole) > LEAST_GAIN:
                    ways.append((at, gain))
        return ways

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
        core = text.strip(AROUND)
        if not core:
            return LONE_LETTER
        if not core.isascii():
            core = _MARKS.sub("", core)
        if not core.strip(_DASHES):
            return DASH
        if len(core) == 1 and core.isupper() and f"{core}." in text:
            return INITIAL
        parts = _SUBWORD.findall(core)
        total = BAD_SIGN if core[0] in "—–" or core[-1] in "—–" or core[0] in self.dashes else 0.0
        for at, part in enumerate(parts):
            before = parts[at - 1] if at else ""
            after = parts[at + 1] if at + 1 < len(parts) else ""
            if not part[0].isalnum():
                total += 0.0 if all(c in _JOINS for c in part) or self._inner_sign(before, part, after) else BAD_SIGN
            elif before and part.islower() and (ending := self._ending(before, part)) is not None:
                total += ending
            elif after in _APOSTROPHES and part.lower() in _ELISIONS:
                total += ELIDED
            elif before.isdigit() and (len(part) == 1 or part in _ORDINALS):
                total += PARTICLE  # 2K, F-16s
            else:
                total += self._word(part, before, after, seen)
                if before.isdigit() and part.isalpha() and not self._is_unit(part.lower()):
                    total += NUMBER_BESIDE
        if "'" in core or "’" in core:
            share = self.known.get(core.replace("’", "'").lower(), 0.0)
            total = max(total, math.log10(share)) if share else total
        return total

    def _is_unit(self, part: str) -> bool:
        """Whether letters belong to the number before them; "am" is a word in German."""
        return part in _UNITS and (self.language == "en" or self.known.get(part, 0.0) < EVERYWHERE)

    def _ending(self, before: str, part: str) -> Optional[float]:
        """log10 of how likely the letters behind an apostrophe are an ending, None where they are none.

        "Haddad's"; "Ankara'daki" and "\"Zeki\"yi" in Turkish, where names and quotations take endings.
        """
        if before in _APOSTROPHES and self.language == "en" and part in _AFTER_APOSTROPHE:
            return 0.0
        if self.language in SUFFIXING and (before in _APOSTROPHES or before in _QUOTES) and len(part) <= MAX_SUFFIX:
            return ELIDED
        return ELIDED if before in _APOSTROPHES and len(part) <= MAX_ENDING else None

    def _inner_sign(self, before: str, sign: str, after: str) -> bool:
        """Whether the sign belongs inside: "3,000", "10:30", "U.S.", a Hebrew abbreviation, a Turkish quotation."""
        if not before or not after:
            return True
        if before[-1].isdigit() and after[0].isdigit():
            return True
        if sign in _QUOTES and after.islower() and self.language in SUFFIXING:
            return True
        return (sign == "." and len(before) == 1 and len(after) <= 2) or is_gershayim(before[-1], sign, after)

    def _word(self, word: str, before: str, sign: str, seen: int) -> float:
        """log10 of a word's share; `before` and `sign` are what stands on either side within its token."""
        if word.isdigit():
            return NUMBER
        if len(word) == 1:
            initial = word.isupper() and (sign == "." or before == "." or sign.isdigit())  # U.S., R95
            alone = word in self.letters and sign not in _HYPHENS and before not in _HYPHENS
            return INITIAL if alone or initial else LONE_LETTER
        if sign in _HYPHENS and word.lower() in _PARTICLES:
            return PARTICLE
        share = self.known.get(word.lower(), 0.0)
        if len(word) == 2 and share < 1e-3:
            share /= 10  # lists are full of two-letter abbreviations
        mixed = word[1:] != word[1:].lower() and not word.isupper()
        count = self.own.get(word, 0) + (self.own.get(word[:-1], 0) if self.inflected else 0)
        if count >= seen + mixed:
            share = max(share, 0.5 * count / self.total)
        if share:
            return math.log10(share)
        if mixed:
            least = min(UNKNOWN_MIXED, UNKNOWN_LOWER[0] + UNKNOWN_LOWER[1] * len(word))
            parts = _GROWN.fullmatch(word)
            if parts is None or self.known.get(parts[1], 0.0) < (FREQUENT if len(parts[1]) < MIN_GROWN else RARE):
                return least
            return min(least, math.log10(self.known[parts[1]]) + self._word(parts[2], "", "", seen) + GROWN)
        base = UNKNOWN_CAPITAL if word[0].isupper() else UNKNOWN_LOWER
        return max(UNLISTED + self.spelling.likely(word.lower()), base[0] + base[1] * len(word))


def _is_quoted(token: str, quoted: bool) -> bool:
    """Whether the text behind a token is part of a quotation, if before it was `quoted`.

    A quotation that was not closed is no reason to take the next one's opening mark for its end.
    """
    for at, sign in enumerate(token):
        if sign == '"':
            opens, closes = not token[:at].strip(OPENS), not token[at + 1 :].strip(CLOSES)
            quoted = opens if opens != closes else not quoted
    return quoted


def is_gershayim(before: str, sign: str, after: str) -> bool:
    """Whether a quotation mark stands before the last letter of a Hebrew abbreviation."""
    return sign in _QUOTES and len(after) == 1 and "א" <= before <= "ת" and "א" <= after <= "ת"


def _spaced_dashes(paragraphs: Sequence[str]) -> str:
    """Which dashes the text sets between spaces, as most do, rather than close to a word; the hyphen last.

    A hyphen behind a word may be a hanging one, "pre- and post-war", and before a figure its sign.
    """
    words = [token for p in paragraphs for token in p.split(" ")[1:] if token]  # the first may be a speaker's dash
    tokens = [token for token in words if token[0] in "—–" or token[-1] in "—–"]
    dashes = "—–" if sum(len(token) == 1 for token in tokens) > len(tokens) / 2 else ""
    close = sum(token[0] == "-" and token[1:2].isalpha() for token in words)
    return dashes + "-" if words.count("-") > max(1, close) else dashes


def _may_cut(token: str, at: int, dashes: str) -> bool:
    """Whether a line may have ended before character `at` of a token; `dashes` stand between spaces."""
    left, right = token[at - 1], token[at]
    if left in _DASHES or right in _DASHES:
        return (at == 1 and left in dashes) or (at == len(token) - 1 and right in dashes.rstrip("-"))
    if _MARKS.match(right):
        return False
    if right == '"' or left == '"':
        open_at = at if right == '"' else at - 1
        if open_at and is_gershayim(token[open_at - 1], '"', token[open_at + 1 :].rstrip(CLOSES)):
            return False
    if left in _APOSTROPHES and right.isalnum():
        return at > 1 and token[at - 2] == "s" and at < len(token) - 2
    if right.isdigit() and (left.isdigit() or (left in ".,:" and token[at - 2 : at - 1].isdigit())):
        return False
    if left.isdigit() and (letters := WORD.match(token, at)) and letters[0] in _ORDINALS:
        return False
    if left.isupper() and right.isupper() and not token[at + 1 : at + 2].islower():
        return False
    if right in OPENS and at <= 2 and not has_case(token[:at]) and left.isalpha():  # a Hebrew or Arabic prefix
        return False
    if left == ".":
        if at < 2 or not token[at - 2].isalnum():
            return right in OPENS
        alone = at == len(token) - 1 and token[at - 2].isalpha()
        follows = token[at + 1 : at + 2]
        begins = right.isupper() and (alone or follows.islower() or follows in _APOSTROPHES)
        begins = begins or (right.isalpha() and not has_case(right) and token[at - 3 : at - 1].isalpha())
        return right in OPENS or begins or (at > 3 and token[at - 3] == "." and right.islower())  # U.S.
    if left.isalnum() or left in CLOSES or left == "“" or _MARKS.match(left):
        return right.isalpha() or right.isdecimal() or right in OPENS
    return False
