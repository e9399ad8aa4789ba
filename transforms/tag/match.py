"""Find every name that stands in a text as a word of its own, and choose the longest where they overlap.

A name may carry what its language glues to it: Arabic and Hebrew prepositions before, Turkish, Kurdish, German and
Persian endings behind. Those stay outside the mention. Text run together by a bad extractor ("theKataib") is read too.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence, Set
from operator import itemgetter
from typing import Final, NamedTuple, Optional

from schemas.gazetteer import IMPORTED
from transforms.tag.compile import GLUED_AFTER_MIN, Automaton, Compiled
from transforms.tag.names import BLOCKER, Fit, Name
from transforms.tag.normalize import Folded, fold

_ARABIC_BEFORE: Final = frozenset(
    "و ف ب ل ك وب ول وك فب فل لل ولل".split()
)  # and, then, in, to, as; but not the article, which makes other words: الصدام, the clash
_HEBREW_LETTERS: Final = frozenset("ובלמהשכ")  # and, in, to, from, the, that, as
_SORANI_BEFORE: Final = frozenset({"له", "به"})  # in and to, which careless writers join to the next word
_NO_PREFIXES: Final = frozenset({"fa", "ckb", "ku", "ur", "ps"})  # Arabic letters, but no Arabic prepositions
_GENITIVE_S: Final = frozenset({"de", "nl", "sv", "da", "no", "nb"})

_INFLECTED: Final = _GENITIVE_S | {"tr", "ku"}  # languages that put endings to names in Latin letters

_TURKISH_AFTER: Final = re.compile(
    r"(?:n?[iu]n|y?[aeiu]|n[aeiu]|[dt][ae]|[dt][ae]n|nd[ae]n?|n?c[ae]|y?l[ae]|s[iu]|s[iu]n[aei]n?|l[ae]r[iu]?n?[aei]?)"
)
_KURMANJI_AFTER: Final = re.compile(r"(?:y?[eai]|y?en|y?an|[dr][ae]|ye|ya|yi|y?ek[ae]?)(?:[dr][ae]|[jt]i)?")
_SORANI_AFTER: Final = frozenset(
    "ي يش ه ان دا هوه وه يه ييه يان هكان هكه كان يدا يهوه ش يي انه يشدا هكهي هكاني ياني انيش يشي وهيه تي ن ين".split()
)
_PERSIAN_AFTER: Final = frozenset("ها هاي هايي يها".split())
_PERSIAN_VOWELS: Final = "او"  # after them ی joins the next word; else it makes a last name or an adjective: کاشانی
_NO_GLUE_AFTER: Final = ("ing", "ers", "ian", "ism", "ist")  # these make another English word
_PREFIXED_MIN: Final = 3
_ENDED_MIN: Final = 4  # letters of a name with an ending; a Turkish one more, an abbreviation one less: HSDê
_GLUED_MIN: Final = 4  # letters of a name that may start in the middle of a word: "theKataib"
_GLUED_MAX: Final = 80  # characters after a joint in which such a name ends
_SON_OF: Final = (" بن ", " bin ")  # what follows is the father's name, and so no name of its own
_BIN: Final = frozenset({"tr", "ku", "de"})  # in these "bin" is a thousand, or a verb
_HEAD: Final = "ראש "
_PRIME_MINISTER: Final = _HEAD + "ממשלת "  # of a state: between the two words no name of its government starts
_SHOUT: Final = 28  # characters looked at on either side to see whether a text is in capitals throughout


_BEGIN: Final = itemgetter(1)  # of a match
_END: Final = itemgetter(1)  # of a hit

Hit = tuple[int, int, str, Fit]  # start and end in the text, what stands there, and what that may be
Kept = tuple[int, int, str, Fit, Name]  # and what it is


class Reading(NamedTuple):
    """A field of an article, folded, with what was found in it."""

    field: str
    text: str
    folded: Folded
    language: Optional[str]
    alone: Sequence[Hit]  # the hits that no other overlaps, in order of place
    groups: Sequence[Sequence[Hit]]  # and those that overlap, together; the longest of those that start first is first
    sport: Set[int]  # the patterns of a sports page that it holds


def read(field: str, text: str, language: Optional[str], compiled: Compiled) -> Reading:
    """Return `text` with all the names in it, the overlapping ones too."""
    folded = fold(text, language)
    automaton = compiled.automata(language in _INFLECTED)
    found = automaton.matcher.find_matches_as_indexes(folded.text, overlapping=True)
    for joint in folded.joints:
        found += _glued(folded.text, joint, automaton)
    found.reverse()  # they are in order of their ends: of those that start at one place, the longest comes first
    found.sort(key=_BEGIN)
    signs = [match for match in found if match[0] >= compiled.after_place]
    alone, groups = _hits(found, signs, folded, text, language, compiled, automaton.closed)
    sport = {pattern for pattern, _, _ in signs if pattern >= compiled.sport}
    return Reading(field, text, folded, language, alone, groups, sport)


def covers(hit: Hit, name: Name, group: Sequence[Hit]) -> bool:
    """Tell whether `hit`, the first of its group that is a name, takes the place of all others."""
    start, end, _, _ = hit
    return start == group[0][0] and end >= max(map(_END, group)) and IMPORTED not in name.flags


def longest(group: Sequence[Kept]) -> list[Kept]:
    """Return the hits of a group, each with a name, but for what a curated, a longer or an earlier one overlaps, and
    for what a blocker cuts in two: "Suriye Dışişleri Bakanı" is Syria's minister, not the Syrian ministry."""
    chosen: list[Kept] = []
    blocked = [(hit[0], hit[1]) for hit in group if hit[4].id == BLOCKER]
    for hit in sorted(group, key=_rank):
        start, end = hit[0], hit[1]
        if any(start < first < end < last or first < start < last < end for first, last in blocked):
            continue
        if all(end <= other[0] or other[1] <= start for other in chosen):
            chosen.append(hit)
    return chosen


def _rank(hit: Kept) -> tuple[bool, int, int]:
    start, end, _, _, name = hit
    return IMPORTED in name.flags, start - end, start


def standing(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    """Tell whether `folded.text[start:end]` is a word or words of its own, but for what its language may glue to it."""
    letters = folded.text
    return (letters[start - 1] == " " or _may_start(folded, start, end, text, language)) and (
        letters[end] == " " or _may_end(folded, start, end, text, language)
    )


def _hits(
    found: Sequence[tuple[int, int, int]],
    signs: Sequence[tuple[int, int, int]],
    folded: Folded,
    text: str,
    language: Optional[str],
    compiled: Compiled,
    closed: int,
) -> tuple[list[Hit], list[list[Hit]]]:
    """Return what stands in the text as a name may, `alone` and in `groups`; `found` is in order of place, and `signs`
    are those of it that name nothing."""
    letters, places = folded.text, folded.places
    fits, bare, no_names = compiled.fits(language), compiled.bare, compiled.after_place
    before_place = {stop for pattern, _, stop in signs if compiled.before_place <= pattern < compiled.sport}
    after_place = {
        begin
        for pattern, begin, stop in signs
        if pattern < compiled.before_place and not _begins_longer(found, begin, stop, compiled)
    }
    beside_place = bool(before_place or after_place)
    fathered = any(word in letters for word in _SON_OF)
    headed = _PRIME_MINISTER in letters
    alone: list[Hit] = []
    groups: list[list[Hit]] = []
    group: Optional[list[Hit]] = None  # the one that ends where all so far do
    within: list[Hit] = []  # those that the last of `alone` rules: of no account, unless it turns out not to be alone
    reach = 0
    for pattern, begin, stop in found:
        if pattern < closed:
            first, after = begin + 1, stop - 1  # in the folded text
        elif pattern < no_names:
            first, after = begin + (pattern < bare), stop
            if letters[after] != " " and not _may_end(folded, first, after, text, language):
                continue
            if first == begin and letters[begin - 1] != " " and not _may_start(folded, begin, after, text, language):
                continue
        else:
            continue
        if fathered and is_fathers_name(folded, first, text, language):
            continue
        if headed and letters.startswith(_PRIME_MINISTER, first - len(_HEAD)):
            continue
        # up to the blank: folding leaves out a last hamza, and vowel signs
        start, end = places[first], places[after] if letters[after] == " " else places[after - 1] + 1
        surface = text[start:end]
        fit = fits.get(surface)
        if fit is None or fit.pattern != pattern:
            fit = fits.settle(pattern, surface)
        if fit.wary:
            if not fit.names:
                continue
            if fit.abbreviated and _in_capitals(text, start, end):
                fit = fit.amid_capitals
                if fit is None:
                    continue
            if fit.dotted and text[end : end + 1] == ".":
                end += 1
                surface += "."
        if beside_place and fit.place and (first in before_place or (after in after_place and _named(text, end))):
            fit = fit.beside_noun
            if fit is None:
                continue
        hit = start, end, surface, fit
        if start >= reach:
            alone.append(hit)
            reach = end
            group = None
            if within:
                within = []
        elif group is not None:
            group.append(hit)
            reach = max(reach, end)
        elif end <= reach and alone[-1][3].ruling:
            within.append(hit)
        else:
            group = [alone.pop(), *within, hit]
            groups.append(group)
            reach = max(reach, end)
    return alone, groups


def _begins_longer(found: Sequence[tuple[int, int, int]], begin: int, stop: int, compiled: Compiled) -> bool:
    """Tell whether words beside a place are the start of another name: Turkey, United Arab Emirates."""
    for at in range(bisect_left(found, begin, key=_BEGIN), len(found)):
        pattern, first, last = found[at]
        if first > begin or last < stop:
            return False
        if pattern < compiled.after_place:
            return True
    return False


def _named(text: str, end: int) -> bool:
    """Tell whether the word after `end` may be part of a name: it has no small letter at its start."""
    follows = text[end : end + 3].lstrip(" -,)")[:1]
    return follows.isupper() or (follows.isalpha() and not follows.islower())


def _glued(letters: str, joint: int, automaton: Automaton) -> Iterator[tuple[int, int, int]]:
    """Yield the matches that start at a capital inside a word, as if a blank stood before it."""
    cut = letters.find(" ", joint + _GLUED_MAX)
    tail = " " + letters[joint : cut + 1 if cut >= 0 else None]
    for pattern, begin, stop in automaton.matcher.find_matches_as_indexes(tail, overlapping=True):
        if begin == 0 and len(tail[:stop].strip()) >= _GLUED_MIN:
            yield pattern, joint - 1, joint + stop - 1


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
    if language == "ckb":
        return end - start >= _ENDED_MIN and before in _SORANI_BEFORE
    return language not in _NO_PREFIXES and before in _ARABIC_BEFORE


def is_fathers_name(folded: Folded, first: int, text: str, language: Optional[str]) -> bool:
    """Tell whether what begins at `first` of the folded text names somebody's father: "Mohammed bin Salman".

    In Latin letters a word with a capital stands before it: a bin may also be for waste.
    """
    letters = folded.text
    if letters.endswith(_SON_OF[0], 0, first):
        return True
    if language in _BIN or not letters.endswith(_SON_OF[1], 0, first):
        return False
    son = letters.rfind(" ", 0, first - len(_SON_OF[1])) + 1
    return son > 0 and text[folded.places[son]].isupper()


def _may_end(folded: Folded, start: int, end: int, text: str, language: Optional[str]) -> bool:
    letters = folded.text
    last = letters[end - 1]
    if last >= "\u0600":
        after = letters[end : letters.find(" ", end)]
        if language == "fa":
            return after in _PERSIAN_AFTER or (after == "ي" and last in _PERSIAN_VOWELS)
        return language == "ckb" and after in _SORANI_AFTER
    if not last.isascii() or end - start < _ENDED_MIN:
        short = end - start == _ENDED_MIN - 1 and text[folded.places[start] : folded.places[end - 1] + 1].isupper()
        if language != "ku" or not short:
            return False
    after = letters[end : letters.find(" ", end)]
    if language in _GENITIVE_S and after == "s":
        return True
    if language == "tr":
        return end - start > _ENDED_MIN and _TURKISH_AFTER.fullmatch(after) is not None
    if language == "ku":
        return _KURMANJI_AFTER.fullmatch(after) is not None
    return (
        end - start >= GLUED_AFTER_MIN
        and " " in letters[start:end]
        and after[0] not in "sn"
        and not after.startswith(_NO_GLUE_AFTER)
    )


def _in_capitals(text: str, start: int, end: int) -> bool:
    """Tell whether the words around are in capitals, so that an abbreviation cannot be told from a word."""
    if not text[max(0, start - _SHOUT) : end + _SHOUT].isupper():
        return False
    around = text[max(0, start - _SHOUT) : start] + text[end : end + _SHOUT]
    return around.isupper() and sum(map(str.isalpha, around)) >= _SHOUT // 2
