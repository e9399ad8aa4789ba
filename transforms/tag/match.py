"""Find every name that stands in a text as a word of its own, and choose the longest where they overlap.

A name may carry what its language glues to it: Arabic and Hebrew prepositions before, Turkish, Kurdish, German and
Persian endings behind. Those stay outside the mention. Text run together by a bad extractor ("theKataib") is read too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Optional

from schemas.gazetteer import IMPORTED
from transforms.tag.compile import Compiled, Name
from transforms.tag.normalize import Folded, fold

_ARABIC_BEFORE: Final = frozenset(
    "و ف ب ل ك ال وال بال فال كال وب ول وك فب فل لل ولل وبال وكال س فبال".split()
)  # and, then, in, to, as, the
_HEBREW_LETTERS: Final = frozenset("ובלמהשכ")  # and, in, to, from, the, that, as
_NO_PREFIXES: Final = frozenset({"fa", "ckb", "ku", "ur", "ps"})  # Arabic letters, but no Arabic prepositions
_GENITIVE_S: Final = frozenset({"de", "nl", "sv", "da", "no", "nb"})

_TURKISH_AFTER: Final = re.compile(
    r"(?:n?[iu]n|y?[aeiu]|n[aeiu]|[dt][ae]|[dt][ae]n|nd[ae]n?|n?c[ae]|y?l[ae]|s[iu]|s[iu]n[aei]n?|l[ae]r[iu]?n?[aei]?)"
)
_KURMANJI_AFTER: Final = re.compile(r"(?:y?[eai]|y?en|y?an|[dr][ae]|ye|ya|yi)(?:[dr][ae]|[jt]i)?")
_SORANI_AFTER: Final = frozenset(
    "ي يش ه ان دا هوه وه يه ييه يان هكان هكه كان يدا يهوه ش يي انه يشدا هكهي هكاني ياني انيش يشي وهيه تي".split()
)
_PERSIAN_AFTER: Final = frozenset("ي ها هاي هايي يها".split())
_NO_GLUE_AFTER: Final = ("ing", "ers", "ian", "ism", "ist")  # these make another English word
_PREFIXED_MIN: Final = 3
_GLUED_MIN: Final = 4  # letters of a name that may start in the middle of a word: "theKataib"
_GLUED_AFTER_MIN: Final = 12  # and of one that may end there: "Forcesrepresentatives"
_SHOUT: Final = 28  # characters looked at on either side to see whether a text is in capitals throughout
_MARKS: Final = re.compile(r"[,;:!?()\[\]«»…،؛؟]|\n\s*\n")  # what no name runs across


PLACES: Final = frozenset({"place", "state"})


class Hit(NamedTuple):
    """A stretch of text, as code points and as folded characters, and the names that it may be."""

    start: int
    end: int
    folded_start: int
    folded_end: int
    names: Sequence[Name]
    beside_noun: bool  # as a place's name it would be part of another name: Beirut University, نادي بغداد


class Reading(NamedTuple):
    """A field of an article, folded, with what was found in it."""

    field: str
    text: str
    folded: Folded
    language: Optional[str]
    hits: Sequence[Hit]


def read(field: str, text: str, language: Optional[str], compiled: Compiled) -> Reading:
    """Return `text` with all the names in it, the overlapping ones too."""
    folded = fold(text, language)
    return Reading(field, text, folded, language, list(_hits(folded, text, language, compiled)))


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits in order of place, without those that a curated, a longer or an earlier one overlaps."""
    chosen: list[Hit] = []
    cluster: list[Hit] = []
    end = 0
    for hit in sorted(hits, key=_start):
        if hit.start >= end:
            chosen += cluster if len(cluster) < 2 else _best(cluster)
            cluster = []
        cluster.append(hit)
        end = max(end, hit.end)
    return chosen + (cluster if len(cluster) < 2 else _best(cluster))


def _best(cluster: Iterable[Hit]) -> list[Hit]:
    chosen: list[Hit] = []
    for hit in sorted(cluster, key=_rank):
        if all(hit.end <= other.start or other.end <= hit.start for other in chosen):
            chosen.append(hit)
    return sorted(chosen, key=_start)


def _start(hit: Hit) -> int:
    return hit.start


def _rank(hit: Hit) -> tuple[bool, int, int]:
    return IMPORTED in hit.names[0].flags, hit.start - hit.end, hit.start


def standing(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    """Tell whether `folded.text[start:end]` is a word or words of its own, but for what its language may glue to it."""
    letters = folded.text
    return (letters[start - 1] == " " or _may_start(folded, start, end, text, language)) and (
        letters[end] == " " or _may_end(folded, start, end, text, language)
    )


def _hits(folded: Folded, text: str, language: Optional[str], compiled: Compiled) -> Iterator[Hit]:
    places = folded.places
    for pattern, begin, stop in compiled.automaton.find_matches_as_indexes(folded.text, overlapping=True):
        margin = compiled.margins[pattern]
        start, end = begin + margin, stop - margin
        if not margin and not standing(folded, start, end, text, language):
            continue
        first, last = int(places[start]), int(places[end - 1]) + 1
        surface = text[first:last]
        if _MARKS.search(surface):
            continue
        names = [name for name in compiled.names[pattern] if _fits(name, surface, text, first, last, language)]
        if names:
            last += _final_dot(surface, text, last)
            beside = any(name.type in PLACES for name in names) and _beside_noun(
                folded.text, start, end, text, last, compiled
            )
            yield Hit(first, last, start, end, names, beside)


def _may_start(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    letters = folded.text
    before = letters[letters.rfind(" ", 0, start) + 1 : start]
    if letters[start].isascii():
        place = int(folded.places[start])
        return end - start >= _GLUED_MIN and text[place].isupper() and text[place - 1].islower()
    if end - start < _PREFIXED_MIN:
        return False
    if "\u0590" <= letters[start] <= "\u05ff":
        return len(before) <= 3 and _HEBREW_LETTERS.issuperset(before)
    return language not in _NO_PREFIXES and before in _ARABIC_BEFORE


def _may_end(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    letters = folded.text
    after = letters[end : letters.find(" ", end)]
    if letters[end - 1] >= "\u0600":
        return (language == "ckb" and after in _SORANI_AFTER) or (language == "fa" and after in _PERSIAN_AFTER)
    if not letters[end - 1].isascii():
        return False
    if language in _GENITIVE_S and after == "s":
        return end - start >= 4
    if language == "tr":
        return end - start >= 5 and _TURKISH_AFTER.fullmatch(after) is not None
    if language == "ku":
        return end - start >= 4 and _KURMANJI_AFTER.fullmatch(after) is not None
    return (
        end - start >= _GLUED_AFTER_MIN
        and " " in letters[start:end]
        and after[0] not in "sn"
        and not after.startswith(_NO_GLUE_AFTER)
    )


def _fits(name: Name, surface: str, text: str, start: int, end: int, language: Optional[str]) -> bool:
    """Tell whether case and language allow `surface` to be this name."""
    if "lang_only" in name.flags and (language or _guess(name)) not in name.langs:
        return False
    if "case" in name.flags:
        return _bare(surface) == _bare(name.alias) and not (name.alias.isupper() and _in_capitals(text, start, end))
    if not name.alias[0].isupper():
        return True
    if " " not in surface and "-" not in surface:
        return surface[0].isupper()
    return any(character.isupper() for character in surface)


def _beside_noun(letters: str, start: int, end: int, text: str, last: int, compiled: Compiled) -> bool:
    """Tell whether a word beside a place's name makes it part of another name."""
    after = letters[end + 1 : letters.find(" ", end + 1)]
    if after in compiled.first_after_place:
        two = " ".join(letters[end + 1 : end + 41].split(" ", 2)[:2])
        follows = text[last : last + 3].lstrip(" -,")[:1]
        named = follows.isupper() or (follows.isalpha() and not follows.islower())
        if named and (after in compiled.after_place or two in compiled.after_place):
            return True
    if letters[letters.rfind(" ", 0, start - 1) + 1 : start - 1] in compiled.last_before_place:
        before = letters[max(0, start - 40) : start - 1].split(" ")
        return before[-1] in compiled.before_place or " ".join(before[-2:]) in compiled.before_place
    return False


def _guess(name: Name) -> str:
    """The language taken for an unknown one: English, but for a script that no English text is in."""
    return "en" if name.alias[0] < "\u0400" else name.langs[0]


def _bare(name: str) -> str:
    return "".join(character for character in name if character.isalnum())


def _in_capitals(text: str, start: int, end: int) -> bool:
    """Tell whether the words around are in capitals, so that an abbreviation cannot be told from a word."""
    around = text[max(0, start - _SHOUT) : start] + text[end : end + _SHOUT]
    return around.isupper() and sum(map(str.isalpha, around)) >= _SHOUT // 2


def _final_dot(surface: str, text: str, end: int) -> int:
    """The last dot of "U.S." belongs to it."""
    return int("." in surface and len(surface) <= 6 and text[end : end + 1] == ".")
