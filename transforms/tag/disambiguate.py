"""Decide which of the names found are meant, by what else the article names.

Strong names, which have one meaning only, come first. They are the context for the rest: an ambiguous name counts where
its entity is also named without doubt, or something close to it in the graph is, or the article is plainly about
armed conflict. Later surnames and abbreviations follow from the full name.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple

from schemas.gazetteer import IMPORTED
from schemas.records import Entity
from transforms.tag.compile import Compiled
from transforms.tag.match import Hit, Reading, covers, longest, standing
from transforms.tag.names import BLOCKER, PLACES, WEAK, Fit, Name

_SPORT_WORDS: Final = 4  # different ones, from which on an article without armed groups is a sports page
_BESIDE: Final = PLACES | {"person"}  # types of names to which the words beside may give another meaning

_SCORES: Final = {
    "alias": 1.0,
    "acronym": 0.95,
    "variant": 0.9,
    "demonym": 0.9,
    "surname": 0.85,
    "imported": 0.7,
}  # trust in each way of finding a name
_CONTEXT_SCORE: Final = 0.8  # and in a name that only its context tells

_TITLES: Final = frozenset(
    """President Minister Premier Prime Ayatollah General Gen Leader Secretary King Mr Mrs Ms Dr Commander Chief Sheikh
    Spokesman Spokeswoman Former Ambassador Senator Chancellor Foreign Defense Defence Presidente Präsident Président
    Premierminister Ministerpräsident Aussenminister Außenminister Ex Sultan Emir Colonel Col Lt Maj Major Brig Captain
    Crown Prince Vice Deputy Speaker Governor Judge Justice And The In From Of On By With For As At To Against But When
    While After Before Since That If Because Where Meanwhile However Also Is Was Has Had Will Says Said Both Like Under
    Over Between North South East West Northern Southern Eastern Western Central Greater Near Und Der Die Das In Im Aus
    Von Mit Nach El La Le Les En De Du Des Que Y Et Cumhurbaşkanı Başkan Bakanı Başbakan Lideri Ve""".split()
)
_COMMON_GIVEN: Final = frozenset(  # as last names these say nothing of whom is meant
    """حسين حسن علي محمد احمد عباس صالح ابراهيم سعيد محمود يوسف خالد عمر كريم جعفر مهدي رضا اسماعيل عبدالله عبد الله
    ali hasan hassan mohammed ahmed mehdi reza abdullah ibrahim john james david""".split()
)
_WORD_AFTER: Final = re.compile(r" ([^\W\d_][\w'’-]*)")
_WORD_BEFORE: Final = re.compile(r"([.!?:\"“]?) ?\b([^\W\d_][\w'’-]*) $")


class _Context(NamedTuple):
    """What an article says without doubt."""

    strong: Set[str]
    homes: Counter[str]  # state -> how many strong entities belong to it
    conflict: bool
    sport: bool  # it is a sports page: a city in it is a club or a venue


def resolve(readings: Sequence[Reading], compiled: Compiled, surname_min_chars: int) -> list[Entity]:
    """Return the mentions of all fields of one article, in order of field and place."""
    context = _context(readings, compiled)
    choices: dict[Fit, Sequence[Name]] = {}
    kept = [_kept(reading, choices, context, compiled) for reading in readings]
    surnames = _surnames(readings, kept, surname_min_chars)
    return [
        mention
        for reading, hits in zip(readings, kept, strict=True)
        for mention in _merged(_mentions(reading, hits), _later_surnames(reading, hits, surnames))
    ]


def _context(readings: Iterable[Reading], compiled: Compiled) -> _Context:
    strong = {
        hit.fit.strong
        for reading in readings
        for group in reading.groups
        for hit in _longest_as_read(group)
        if not (hit.beside_noun and hit.fit.strong_place)
    } - {""}
    armed, troubled = len(strong & compiled.armed), len(strong & compiled.troubled)
    conflict = armed >= 2 or (armed >= 1 and troubled >= 2) or troubled >= 3
    sport = not armed and len(frozenset().union(*(reading.sport for reading in readings))) >= _SPORT_WORDS
    return _Context(strong, Counter(map(compiled.homes.__getitem__, strong)), conflict, sport)


def _longest_as_read(group: Sequence[Hit]) -> Iterable[Hit]:
    """The hits of a group that count before anything is known of the article."""
    if covers(group[0], group[0].fit.names[0], group):
        return group[:1]
    return [hit for hit, _ in longest((hit, hit.fit.names[0]) for hit in group)]


def _kept(
    reading: Reading, choices: dict[Fit, Sequence[Name]], context: _Context, compiled: Compiled
) -> list[tuple[Hit, Name]]:
    """Return the hits of `reading` that count, each with the name that is meant; blockers are among them."""
    kept: list[tuple[Hit, Name]] = []
    for group in reading.groups:
        meant: list[tuple[Hit, Name]] = []
        for hit in group:
            fitting = hit.fit.sure or choices.get(hit.fit)
            if fitting is None:
                fitting = choices[hit.fit] = _choose(hit.fit, context, compiled)
            for name in fitting:
                if name.type not in _BESIDE or _stands_alone(hit, name, reading, context):
                    break
            else:
                continue
            meant.append((hit, name))
            if covers(hit, name, group):
                break
        kept += meant if len(meant) < 2 else longest(meant)
    return kept


def _choose(fit: Fit, context: _Context, compiled: Compiled) -> Sequence[Name]:
    """Return the names that the article as a whole allows, the likeliest first."""
    meant = [name for name in fit.names if name.id != BLOCKER and _meant(name, context, compiled)]
    if len(meant) < 2:
        return meant
    return sorted(
        meant,
        key=lambda name: (not name.flags & WEAK, name.id in context.strong, _support(name.id, context, compiled)),
        reverse=True,
    )


def _meant(name: Name, context: _Context, compiled: Compiled) -> bool:
    if "expand" in name.flags:
        return name.id in context.strong
    if "ambiguous" in name.flags:
        cased = name.alias[0].upper() != name.alias[0].lower()  # without capitals a common word looks like a place
        return (
            name.id in context.strong
            or (context.conflict and (cased or name.type not in PLACES))
            or _support(name.id, context, compiled) > 0
        )
    return True


def _stands_alone(hit: Hit, name: Name, reading: Reading, context: _Context) -> bool:
    """Tell whether article and words beside leave a place's or person's name what it is."""
    if name.type == "person":
        return context.conflict or not _after_first_name(hit, reading)
    if hit.beside_noun or (context.sport and name.type == "place"):
        return False
    if "ambiguous" in name.flags:
        return not _part_of_longer(hit, reading, before=True)
    return context.conflict or "expand" in name.flags or not _part_of_longer(hit, reading, before=False)


def _after_first_name(hit: Hit, reading: Reading) -> bool:
    """Tell whether a last name follows a first name, which makes it another person's: Ellen Kushner."""
    text = reading.text
    return text[hit.start].isascii() and " " not in text[hit.start : hit.end] and _capital_before(text, hit.start)


def _capital_before(text: str, start: int) -> bool:
    """Tell whether a capitalised word stands before `start` in the sentence that is neither a title nor small."""
    word = _WORD_BEFORE.search(text[max(0, start - 30) : start])
    return bool(word and word[2][0].isupper() and word[2] not in _TITLES and not word[1])


def _support(id: str, context: _Context, compiled: Compiled) -> int:
    """How many strong entities stand close to this one: in the same state, above or below it."""
    home = compiled.homes[id]
    near = context.homes[home] if home else 0
    return near + sum(over in context.strong for over in compiled.above[id])


def _part_of_longer(hit: Hit, reading: Reading, *, before: bool) -> bool:
    """Tell whether a single capitalised word has another beside it, so that it may be part of a person's name."""
    text = reading.text
    if not text[hit.start].isascii() or any(mark in text[hit.start : hit.end] for mark in " -."):
        return False
    after = _WORD_AFTER.match(text[hit.end : hit.end + 30])
    if after and after[1][0].isupper() and after[1] not in _TITLES:
        return True
    return before and _capital_before(text, hit.start)


def _mentions(reading: Reading, hits: Iterable[tuple[Hit, Name]]) -> Iterator[Entity]:
    text, field = reading.text, reading.field
    for hit, name in hits:
        if name.id != BLOCKER:
            score = _CONTEXT_SCORE if "ambiguous" in name.flags else _SCORES[name.method]
            start, end = hit.start, hit.end
            yield Entity(name.id, name.type, text[start:end], field, start, end, score, name.method)


def _merged(mentions: Iterable[Entity], surnames: Iterable[Entity]) -> list[Entity]:
    """Return both, in order of place; the mentions are in order already."""
    further = list(surnames)
    return sorted([*mentions, *further], key=lambda mention: mention.start) if further else list(mentions)


def _surnames(
    readings: Sequence[Reading], kept: Sequence[Sequence[tuple[Hit, Name]]], min_chars: int
) -> Mapping[str, str]:
    """Return the folded last names of the people named in full, with the id of each."""
    surnames: dict[str, str] = {}
    for reading, hits in zip(readings, kept, strict=True):
        for hit, name in hits:
            if name.type != "person" or IMPORTED in name.flags:
                continue
            words = reading.folded.text[hit.folded_start : hit.folded_end].split()
            if len(words) > 1 and len(words[-1]) >= min_chars and words[-1] not in _COMMON_GIVEN:
                surnames.setdefault(words[-1], name.id)
    return surnames


def _later_surnames(
    reading: Reading, hits: Sequence[tuple[Hit, Name]], surnames: Mapping[str, str]
) -> Iterator[Entity]:
    letters = reading.folded.text
    ends = [hit.folded_end for hit, _ in hits]
    for surname, id in surnames.items():
        at = letters.find(surname)
        while at >= 0:
            end = at + len(surname)
            after = bisect_right(ends, at)  # the first name that ends behind the surname's start
            free = after == len(hits) or hits[after][0].folded_start >= end
            if free and standing(reading.folded, at, end, reading.text, reading.language):
                start = at - 3 if letters[at - 4 : at] in (" al ", " el ") else at
                first, last = reading.folded.places[start], reading.folded.places[end - 1] + 1
                if _is_surname(reading.text, first, last):
                    surface = reading.text[first:last]
                    yield Entity(id, "person", surface, reading.field, first, last, _SCORES["surname"], "surname")
            at = letters.find(surname, end)


def _is_surname(text: str, start: int, end: int) -> bool:
    """Tell whether a last name stands alone: capitalised where its script can be, no other first name before it."""
    name = text[start:end]
    if not name[0].isascii():
        return True
    if not any(character.isupper() for character in name):
        return False
    return not _capital_before(text, start)
