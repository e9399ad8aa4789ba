"""Find every name that stands in a text as a word of its own, and choose the longest where they overlap.

A name may carry what its language glues to it: Arabic and Hebrew prepositions before, Turkish, Kurdish, German and
Persian endings behind. Those stay outside the mention. Text run together by a bad extractor ("theKataib") is read too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NamedTuple, Optional

from schemas.gazetteer import IMPORTED
from transforms.tag.compile import Compiled
from transforms.tag.names import Fit, Name
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
    "ي يش ه ان دا هوه وه يه ييه يان هكان هكه كان يدا يهوه ش يي انه يشدا هكهي هكاني ياني انيش يشي وهيه تي ن ين".split()
)
_PERSIAN_AFTER: Final = frozenset("ي ها هاي هايي يها".split())
_NO_GLUE_AFTER: Final = ("ing", "ers", "ian", "ism", "ist")  # these make another English word
_PREFIXED_MIN: Final = 3
_GLUED_MIN: Final = 4  # letters of a name that may start in the middle of a word: "theKataib"
_GLUED_AFTER_MIN: Final = 12  # and of one that may end there: "Forcesrepresentatives"
_GLUED_MAX: Final = 80  # characters after a joint in which such a name ends
_DOTTED: Final = 6  # characters of the longest abbreviation with dots
_SHOUT: Final = 28  # characters looked at on either side to see whether a text is in capitals throughout


_START: Final = attrgetter("start")
_END: Final = attrgetter("end")


@dataclass(slots=True)
class Hit:
    """A stretch of text, as code points and as folded characters, and what it may be."""

    start: int
    end: int
    folded_start: int
    folded_end: int
    fit: Fit
    beside_noun: bool  # as a place's name it would be part of another name: Beirut University, نادي بغداد


class Reading(NamedTuple):
    """A field of an article, folded, with what was found in it."""

    field: str
    text: str
    folded: Folded
    language: Optional[str]
    groups: Sequence[Sequence[Hit]]  # in order of place; the hits of one group overlap
    sport: Set[int]  # the patterns of a sports page that it holds


def read(field: str, text: str, language: Optional[str], compiled: Compiled) -> Reading:
    """Return `text` with all the names in it, the overlapping ones too."""
    folded = fold(text, language)
    found = compiled.automaton.find_matches_as_indexes(folded.text, overlapping=True)
    for joint in folded.joints:
        found += _glued(folded.text, joint, compiled)
    sport = {pattern for pattern, _, _ in found if pattern >= compiled.sport}
    return Reading(field, text, folded, language, _grouped(_hits(found, folded, text, language, compiled)), sport)


def _grouped(hits: list[Hit]) -> list[list[Hit]]:
    """Part the hits, which are in order of their ends, where no hit runs across."""
    hits.reverse()  # of those that start at one place, the longest comes first
    hits.sort(key=_START)
    groups: list[list[Hit]] = []
    end = 0
    for hit in hits:
        if hit.start >= end:
            groups.append([hit])
            end = hit.end
        else:
            groups[-1].append(hit)
            end = max(end, hit.end)
    return groups


def covers(hit: Hit, name: Name, group: Sequence[Hit]) -> bool:
    """Tell whether `hit`, the first of its group that is a name, takes the place of all others."""
    return len(group) == 1 or (
        hit.start == group[0].start and hit.end == max(map(_END, group)) and IMPORTED not in name.flags
    )


def longest(group: Iterable[tuple[Hit, Name]]) -> list[tuple[Hit, Name]]:
    """Return the hits of a group, each with a name, in order of place, without those that a curated, a longer or an
    earlier one overlaps."""
    chosen: list[tuple[Hit, Name]] = []
    for hit, name in sorted(group, key=_rank):
        if all(hit.end <= other.start or other.end <= hit.start for other, _ in chosen):
            chosen.append((hit, name))
    return sorted(chosen, key=_start)


def _start(named: tuple[Hit, Name]) -> int:
    return named[0].start


def _rank(named: tuple[Hit, Name]) -> tuple[bool, int, int]:
    hit, name = named
    return IMPORTED in name.flags, hit.start - hit.end, hit.start


def standing(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    """Tell whether `folded.text[start:end]` is a word or words of its own, but for what its language may glue to it."""
    letters = folded.text
    return (letters[start - 1] == " " or _may_start(folded, start, end, text, language)) and (
        letters[end] == " " or _may_end(folded, start, end, text, language)
    )


def _hits(
    found: Sequence[tuple[int, int, int]], folded: Folded, text: str, language: Optional[str], compiled: Compiled
) -> list[Hit]:
    letters, places, fit = folded.text, folded.places, compiled.fit
    beside = [match for match in found if match[0] >= compiled.after_place]
    before_place = {stop for pattern, _, stop in beside if compiled.before_place <= pattern < compiled.sport}
    after_place = {
        begin
        for pattern, begin, stop in beside
        if pattern < compiled.before_place and not _begins_longer(found, begin, stop, compiled)
    }
    hits: list[Hit] = []
    for pattern, begin, stop in found:
        start = begin + 1 if letters[begin] == " " else begin
        end = stop - 1 if letters[stop - 1] == " " else stop
        if letters[end] != " " and not _may_end(folded, start, end, text, language):
            continue
        if letters[start - 1] != " " and not _may_start(folded, start, end, text, language):
            continue
        first, last = places[start], places[end - 1] + 1
        surface = text[first:last]
        names = fit(pattern, surface, language)
        if names is not None and names.abbreviated and _in_capitals(text, first, last):
            names = names.amid_capitals
        if names is None:
            continue
        if text[last : last + 1] == "." and "." in surface and len(surface) <= _DOTTED:
            last += 1  # the last dot of "U.S." belongs to it
        beside_noun = names.place and (start in before_place or (end in after_place and _named(text, last)))
        hits.append(Hit(first, last, start, end, names, beside_noun))
    return hits


def _begins_longer(found: Iterable[tuple[int, int, int]], begin: int, stop: int, compiled: Compiled) -> bool:
    """Tell whether words beside a place are the start of another name: Turkey, United Arab Emirates."""
    return any(first == begin and last >= stop and pattern < compiled.after_place for pattern, first, last in found)


def _named(text: str, end: int) -> bool:
    """Tell whether the word after `end` may be part of a name: it has no small letter at its start."""
    follows = text[end : end + 3].lstrip(" -,)")[:1]
    return follows.isupper() or (follows.isalpha() and not follows.islower())


def _glued(letters: str, joint: int, compiled: Compiled) -> Iterator[tuple[int, int, int]]:
    """Yield the matches that start at a capital inside a word."""
    cut = letters.find(" ", joint + _GLUED_MAX)
    tail = " " + letters[joint : cut + 1 if cut >= 0 else None]
    for pattern, begin, stop in compiled.automaton.find_matches_as_indexes(tail, overlapping=True):
        if begin == 0:
            yield pattern, joint, joint + stop - 1


def _may_start(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    letters = folded.text
    before = letters[letters.rfind(" ", 0, start) + 1 : start]
    if letters[start].isascii():
        place = folded.places[start]
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


def _in_capitals(text: str, start: int, end: int) -> bool:
    """Tell whether the words around are in capitals, so that an abbreviation cannot be told from a word."""
    around = text[max(0, start - _SHOUT) : start] + text[end : end + _SHOUT]
    return around.isupper() and sum(map(str.isalpha, around)) >= _SHOUT // 2
