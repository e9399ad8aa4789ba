"""Decide which of the names found are meant, by what else the article names.

Strong names, which have one meaning only, come first. They are the context for the rest: an ambiguous name counts where
its entity is also named without doubt, or something close to it in the graph is, or the article is plainly about
armed conflict. Later surnames and abbreviations follow from the full name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Optional

from schemas.gazetteer import IMPORTED
from schemas.records import Entity
from transforms.tag.compile import BLOCKER, NATIONALITY, Compiled, Name
from transforms.tag.match import PLACES, Hit, Reading, longest, standing

_ARMED: Final = frozenset({"armed_group", "state_force", "coalition"})
_WEAK: Final = frozenset({"ambiguous", "expand", IMPORTED})

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

    strong: frozenset[str]
    homes: Mapping[str, int]  # state -> how many strong entities belong to it
    conflict: bool


def resolve(readings: Sequence[Reading], compiled: Compiled, surname_min_chars: int) -> list[Entity]:
    """Return the mentions of all fields of one article, in order of field and place."""
    context = _context(readings, compiled)
    kept = [
        longest(accepted for hit in reading.hits if (accepted := _accept(hit, reading, context, compiled)) is not None)
        for reading in readings
    ]
    surnames = _surnames(readings, kept, surname_min_chars)
    return [
        mention
        for reading, hits in zip(readings, kept, strict=True)
        for mention in sorted(
            [*_mentions(reading, hits), *_later_surnames(reading, hits, surnames)], key=lambda mention: mention.start
        )
    ]


def _context(readings: Iterable[Reading], compiled: Compiled) -> _Context:
    strong = {
        name.id
        for reading in readings
        for hit in longest(reading.hits)
        for name in hit.names[:1]
        if name.id != BLOCKER
        and name.type != NATIONALITY
        and not name.flags & _WEAK
        and not (hit.beside_noun and name.type in PLACES)
    }
    homes = Counter(home for id in strong if (home := compiled.home(id)))
    armed = sum(compiled.gazetteer.entities[id].type in _ARMED for id in strong)
    troubled = sum(
        compiled.home(id) in compiled.troubled or compiled.gazetteer.entities[id].type in _ARMED for id in strong
    )
    conflict = armed >= 2 or (armed >= 1 and troubled >= 2) or troubled >= 3
    return _Context(frozenset(strong), homes, conflict)


def _accept(hit: Hit, reading: Reading, context: _Context, compiled: Compiled) -> Optional[Hit]:
    """Return the hit with the one name that is meant, or None."""
    if hit.names[0].id == BLOCKER:
        return hit
    fit = [name for name in hit.names if name.id != BLOCKER and _meant(hit, name, reading, context, compiled)]
    if not fit:
        return None
    best = (
        fit[0]
        if len(fit) == 1
        else max(
            fit,
            key=lambda name: (not name.flags & _WEAK, name.id in context.strong, _support(name.id, context, compiled)),
        )
    )
    return hit._replace(names=[best])


def _meant(hit: Hit, name: Name, reading: Reading, context: _Context, compiled: Compiled) -> bool:
    if hit.beside_noun and name.type in PLACES:
        return False
    if "expand" in name.flags:
        return name.id in context.strong
    if "ambiguous" in name.flags:
        cased = name.alias[0].upper() != name.alias[0].lower()  # without capitals a common word looks like a place
        known = (
            name.id in context.strong
            or (context.conflict and (cased or name.type not in PLACES))
            or _support(name.id, context, compiled) > 0
        )
        return known and not (name.type in PLACES and _part_of_longer(hit, reading, before=True))
    if name.type in PLACES and not context.conflict:
        return not _part_of_longer(hit, reading, before=False)
    return True


def _support(id: str, context: _Context, compiled: Compiled) -> int:
    """How many strong entities stand close to this one: in the same state, above or below it."""
    home = compiled.home(id)
    near = context.homes.get(home, 0) if home else 0
    return near + sum(over in context.strong for over in compiled.above[id])


def _part_of_longer(hit: Hit, reading: Reading, *, before: bool) -> bool:
    """Tell whether a single capitalised word has another beside it, so that it may be part of a person's name."""
    text = reading.text
    if not text[hit.start].isascii() or any(mark in text[hit.start : hit.end] for mark in " -."):
        return False
    after = _WORD_AFTER.match(text[hit.end : hit.end + 30])
    if after and after[1][0].isupper() and after[1] not in _TITLES:
        return True
    if not before:
        return False
    word = _WORD_BEFORE.search(text[max(0, hit.start - 30) : hit.start])
    return bool(word and word[2][0].isupper() and word[2] not in _TITLES and not word[1])


def _mentions(reading: Reading, hits: Iterable[Hit]) -> Iterator[Entity]:
    for hit in hits:
        name = hit.names[0]
        if name.id != BLOCKER:
            score = _CONTEXT_SCORE if "ambiguous" in name.flags else _SCORES[name.method]
            yield _entity(name.id, name.type, hit.start, hit.end, reading, score, name.method)


def _entity(id: str, type: str, start: int, end: int, reading: Reading, score: float, method: str) -> Entity:
    return Entity(id, type, reading.text[start:end], reading.field, start, end, score, method)


def _surnames(readings: Sequence[Reading], kept: Sequence[Sequence[Hit]], min_chars: int) -> Mapping[str, str]:
    """Return the folded last names of the people named in full, with the id of each."""
    surnames: dict[str, str] = {}
    for reading, hits in zip(readings, kept, strict=True):
        for hit in hits:
            words = reading.folded.text[hit.folded_start : hit.folded_end].split()
            if hit.names[0].type != "person" or IMPORTED in hit.names[0].flags or len(words) < 2:
                continue
            if len(words[-1]) >= min_chars and words[-1] not in _COMMON_GIVEN:
                surnames.setdefault(words[-1], hit.names[0].id)
    return surnames


def _later_surnames(reading: Reading, hits: Sequence[Hit], surnames: Mapping[str, str]) -> Iterator[Entity]:
    taken = {place for hit in hits for place in range(hit.start, hit.end)}
    letters = reading.folded.text
    for surname, id in surnames.items():
        at = letters.find(surname)
        while at >= 0:
            end = at + len(surname)
            if standing(reading.folded, at, end, reading.text, reading.language):
                start = at - 3 if letters[at - 4 : at] in (" al ", " el ") else at
                first, last = int(reading.folded.places[start]), int(reading.folded.places[end - 1]) + 1
                if taken.isdisjoint(range(first, last)) and _is_surname(reading.text, first, last):
                    yield _entity(id, "person", first, last, reading, _SCORES["surname"], "surname")
            at = letters.find(surname, end)


def _is_surname(text: str, start: int, end: int) -> bool:
    """Tell whether a last name stands alone: capitalised where its script can be, no other first name before it."""
    name = text[start:end]
    if not name[0].isascii():
        return True
    if not any(character.isupper() for character in name):
        return False
    word = _WORD_BEFORE.search(text[max(0, start - 30) : start])
    return not (word and word[2][0].isupper() and word[2] not in _TITLES and not word[1])
