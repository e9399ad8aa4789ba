"""Fold a text for matching: one table look-up a character, and for each folded character its place in the original.

Folded text holds letters and digits only, lower case, without accents and vowel signs, with one blank wherever anything
else stood, and a blank at either end. Letters that scripts of one family write apart (ي ی ى, ك ک, ה with or without
points) become one.
"""

import sys
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple, Optional

import numpy as np
import numpy.typing as npt

BLANK: Final = ord(" ")
GONE: Final = 0  # folded away altogether
MARK: Final = 1  # an apostrophe or quotation mark: the text around it decides between the two

_TABLE_SIZE: Final = 0x10000  # rarer characters lie beyond: emoji, historic scripts; all taken as blanks
_LIKE_APOSTROPHE: Final = "'’‘ʼʿʾ`´′׳ʹʻ"
_LIKE_QUOTES: Final = '"״”“„″'
_ONE_LETTER: Final = {  # what NFKD leaves apart
    "ı": "i", "ł": "l", "đ": "d", "ð": "d", "ø": "o", "ħ": "h", "ə": "e",
    "ى": "ي", "ی": "ي", "ې": "ي", "ێ": "ي", "ے": "ي", "ة": "ه", "ە": "ه", "ہ": "ه", "ھ": "ه", "ۃ": "ه",
    "ک": "ك", "ٱ": "ا", "ۆ": "و", "ۇ": "و", "ڕ": "ر", "ڵ": "ل", "ء": "", "ـ": "",
}  # fmt: skip
_MARKS: Final = frozenset(_LIKE_APOSTROPHE + _LIKE_QUOTES)
_NARROW_JOINER: Final = "\u200c"  # parts a Persian word from its ending: a word boundary
_PARTING: Final = frozenset({"fr", "it", "ca", "tr", "ku", "az"})  # an apostrophe parts words: l'Iran, Irak'ın


class Folded(NamedTuple):
    """A folded text; `places[i]` is the index in the original of `text[i]`. The blanks at the ends have none."""

    text: str
    places: memoryview  # of int64: its items are plain integers, which those of an array are not
    joints: list[int]  # places in the folded text where a capital follows a small letter: "theKataib"


def fold(text: str, language: Optional[str] = None) -> Folded:
    """Return `text` folded. `language` decides what an apostrophe does, and a zero-width non-joiner.

    >>> fold("Kata'ib Hezbollah’s").text
    ' kataib hezbollah s '
    >>> fold("l'Iran", "fr").text
    ' l iran '
    """
    text = f" {text} "
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    letters = _table().take(codes)
    if language == "ckb":  # there it only parts ه, written as a vowel, from the letter after it: به‌غدا
        letters[codes == ord(_NARROW_JOINER)] = GONE
    marks = (letters == MARK).nonzero()[0]
    letters[marks] = BLANK
    inside = []  # words: gone, but counted as what stands before them until it is settled where blanks repeat
    for place in marks.tolist():
        if text[place - 1].isalpha() and text[place + 1].isalpha() and _inside_word(text, place, language):
            letters[place] = letters[place - 1]
            inside.append(place)
    if letters.all():
        kept = _but_repeated_blanks(letters)
        kept[inside] = False
        places = kept.nonzero()[0]
    else:
        letters[inside] = GONE
        present = letters.nonzero()[0]
        letters = letters[present]
        kept = _but_repeated_blanks(letters)
        places = present[kept]
    capitals = _capitals_inside(codes)
    joints = np.searchsorted(places, capitals).tolist() if len(capitals) else []
    places -= 1  # the blank put before
    return Folded(letters[kept].tobytes().decode("utf-16-le"), places.data, joints)


def _but_repeated_blanks(letters: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """What is no blank, or the first of a run of them."""
    filled: npt.NDArray[np.bool_] = letters != BLANK
    kept = filled.copy()
    kept[1:] |= filled[:-1]
    kept[0] = True
    return kept


def _capitals_inside(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.intp]:
    """Where a capital follows a small letter, in ASCII."""
    from_small, from_capital = codes[:-1] - ord("a"), codes[1:] - ord("A")  # what is below wraps around
    capitals: npt.NDArray[np.intp] = (np.maximum(from_small, from_capital) < 26).nonzero()[0] + 1
    return capitals


def fold_name(name: str) -> set[str]:
    """Return the forms a name takes in folded text, without the blanks at the ends: apostrophe dropped or parting."""
    if _MARKS.isdisjoint(name):
        folded = " ".join(name.translate(_LETTERS).split())
        return {folded} if folded else set()
    return {folded for language in (None, "fr") if (folded := fold(name, language).text.strip())}


def _inside_word(text: str, place: int, language: Optional[str]) -> bool:
    """Tell whether a mark between two letters is part of their word (Kata'ib, צה"ל) rather than between two."""
    after = text[place + 1]
    if "\u0590" <= after <= "\u05ff":
        return True
    if text[place] in _LIKE_QUOTES or language in _PARTING:
        return False
    return after not in "sS" or text[place + 2].isalpha()


@lru_cache(maxsize=1)
def _table() -> npt.NDArray[np.uint16]:
    table = np.full(sys.maxunicode + 1, BLANK, dtype="<u2")
    table[:_TABLE_SIZE] = [_fold_character(chr(code)) for code in range(_TABLE_SIZE)]
    return table


class _Letters(dict[int, Optional[int]]):
    """The table for `str.translate`, which is quicker for a short text without marks."""

    def __missing__(self, code: int) -> Optional[int]:
        folded = _fold_character(chr(min(code, _TABLE_SIZE - 1)))
        return self.setdefault(code, None if folded == GONE else folded)


_LETTERS: Final = _Letters()


def _fold_character(character: str) -> int:
    if character in _MARKS:
        return MARK
    if character == _NARROW_JOINER:
        return BLANK
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return GONE
    if category == "Nd":
        return ord(str(unicodedata.digit(character)))
    base = "".join(
        _ONE_LETTER.get(part, part)
        for part in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).lower())
        if not unicodedata.combining(part)
    )
    if base == "":
        return GONE
    if len(base) > 1:  # a ligature: too rare for a table of single characters
        return ord(character) if character.isalnum() else BLANK
    return ord(base) if base.isalnum() and ord(base) < _TABLE_SIZE else BLANK
