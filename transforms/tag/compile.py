"""Compile a gazetteer into one automaton, with what must be known of each name it finds."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, Optional

from ahocorasick_rs import AhoCorasick, MatchKind

from schemas.gazetteer import (
    DEMONYM,
    GUARDS,
    IMPORTED,
    NICKNAME,
    PLACE,
    SPORT,
    AliasRow,
    BlockerRow,
    EntityRow,
    Gazetteer,
    TriggerRow,
)
from schemas.gazetteer_files import uncollected
from transforms.tag.names import BLOCKER, NATIONALITY, Fit, Name, fit, hebrew_mark
from transforms.tag.normalize import fold, fold_name
from transforms.tag.variants import variants

_ARMED: Final = frozenset({"armed_group", "state_force", "coalition"})
_SHORT: Final = 2  # letters of a name that takes no ending: "us" begins many words
GLUED_AFTER_MIN: Final = 12  # and of several words that may be run together with the next: "Forcesrepresentatives"
_WAYS: Final = 1 << 14  # of writing names that are remembered; an article has some dozens, mostly those of the last
_LANGUAGES: Final = 32  # of which they are


class Automaton(NamedTuple):
    """What looks for the patterns."""

    matcher: Any  # AhoCorasick has no types
    closed: int  # the first so many patterns hold a blank on either side: they are words of their own wherever found


@dataclass(frozen=True)  # no tuple: `Shared` holds it by a weak reference
class Compiled:
    """The automaton, what the names that it finds may be, and what must be known of entities to choose among them."""

    automata: Callable[[bool], Automaton]  # for other languages; and, built when asked for, those with endings
    names: Sequence[tuple[Name, ...]]  # of each pattern; a blank at its ends is no part of them
    fits: Callable[[Optional[str]], "Fits"]  # of each language
    bare: int  # first of the patterns without a blank in front
    after_place: int  # first of the patterns without names: words after a place's name that make another name of it
    before_place: int  # and first of those that do so before it
    sport: int  # first of the patterns of words that tell of a sports page
    triggers: Any  # an automaton of the words that tell of events, numbered as `events` are
    events: Sequence[TriggerRow]
    trigger_languages: frozenset[str]
    gazetteer: Gazetteer
    homes: Mapping[str, str]  # id -> the state it belongs to; a state is its own
    armed: frozenset[str]  # ids of armed groups and forces
    troubled: frozenset[str]  # and of all that is at home where armed groups act
    above: Mapping[str, Sequence[str]]  # id -> the ids over it, nearest first


class Fits(dict[str, Fit]):
    """What each way of writing may be in a language, settled when it is first met.

    Quicker than `lru_cache` where most are known. By the surface alone, as a pair takes a third longer to look up; so
    who asks must see whether it was found by the same pattern, as all but the oddest are.
    """

    def __init__(self, names: Sequence[Sequence[Name]], language: Optional[str]) -> None:
        self.names, self.language = names, language

    def settle(self, pattern: int, surface: str) -> Fit:
        if len(self) >= _WAYS:
            self.clear()
        self[surface] = found = fit(pattern, self.names[pattern], surface, self.language)
        return found


def compile_gazetteer(gazetteer: Gazetteer) -> Compiled:
    """Return the gazetteer compiled. Takes about two seconds for 140 000 aliases: once a worker process."""
    with uncollected():
        return _compile(gazetteer)


def _compile(gazetteer: Gazetteer) -> Compiled:
    spelled = spellings(gazetteer)
    patterns = sorted(spelled, key=_openness)
    closed, closed_if_plain, bare = (bisect_left(patterns, openness, key=_openness) for openness in (1, 2, 3))
    after, before = (_beside_place(gazetteer.blockers, first=first) for first in (True, False))
    events = [row for row in gazetteer.triggers if row.type != SPORT]
    sport = {form for row in gazetteer.triggers if row.type == SPORT for form in fold_name(row.phrase)}
    signs = [*after, *before, *sport]  # patterns that are no names
    names = [*(tuple(spelled[pattern]) for pattern in patterns), *[()] * len(signs)]
    automata = lru_cache(lambda inflected: _automaton(patterns, signs, closed if inflected else closed_if_plain, bare))
    automata(False)
    entities = gazetteer.entities
    homes = {row.id: row.id if row.type == "state" else row.country for row in entities.values()}
    armed = frozenset(row.id for row in entities.values() if row.type in _ARMED)
    states = {row.country for row in entities.values() if row.type == "armed_group"} - {""}
    return Compiled(
        automata,
        names,
        lru_cache(_LANGUAGES)(partial(Fits, names)),
        bare,
        len(patterns),
        len(patterns) + len(after),
        len(patterns) + len(after) + len(before),
        AhoCorasick([fold(row.phrase).text.strip() for row in events], matchkind=MatchKind.LeftmostLongest),
        events,
        frozenset(row.lang for row in events),
        gazetteer,
        homes,
        armed,
        armed | {id for id, home in homes.items() if home in states},
        {id: gazetteer.above(id) for id in entities},
    )


def _automaton(patterns: Sequence[str], signs: Iterable[str], closed: int, bare: int) -> Automaton:
    """Return the automaton of `patterns`, with a blank where a word must start or end: either side of the `closed`
    ones, in front of all that come before number `bare`."""
    written = [
        *(f" {pattern} " for pattern in patterns[:closed]),
        *(f" {pattern}" for pattern in patterns[closed:bare]),
        *patterns[bare:],
        *(f" {words} " for words in signs),
    ]
    return Automaton(AhoCorasick(written), closed)


def _openness(pattern: str) -> int:
    """How open a pattern is: 0 nothing may be written to it, 1 endings in languages that have such, 2 also a word run
    together with it, 3 prepositions in front."""
    if pattern >= "\u0590":
        return 3
    if " " in pattern and len(pattern) >= GLUED_AFTER_MIN:
        return 2
    return int(len(pattern) > _SHORT)


def spellings(gazetteer: Gazetteer) -> dict[str, list[Name]]:
    """Return every folded spelling that is looked for, with the names that it may be, a blocker first."""
    patterns: dict[str, list[Name]] = {}
    for alias in gazetteer.aliases:
        for pattern, name in _spell(alias, gazetteer.entities[alias.id]):
            names = patterns.get(pattern)
            if names is None:
                patterns[pattern] = [name]
                continue
            if IMPORTED in name.flags:  # what is known already is not told better by somebody's list
                continue
            place = next((at for at, known in enumerate(names) if _serves(known, name)), len(names))
            if place == len(names) or _only_in_capitals(names[place], name):
                names[place : place + 1] = [name]
    for blocker in gazetteer.blockers:
        for pattern in fold_name(blocker.phrase) if PLACE not in blocker.phrase else ():
            name = Name(BLOCKER, "", blocker.phrase, frozenset(), blocker.langs, "blocker")
            patterns.setdefault(pattern, []).insert(0, name)
    return patterns


def _serves(known: Name, name: Name) -> bool:
    return known.id == name.id and known.flags <= name.flags and hebrew_mark(known.alias) == hebrew_mark(name.alias)


def _only_in_capitals(known: Name, name: Name) -> bool:
    """Tell whether `name` is as `known`, but also counts without a capital: axis of resistance."""
    alike = (known.flags, known.type, known.method) == (name.flags, name.type, name.method)
    return alike and known.alias[0].isupper() and not name.alias[0].isupper()


def _spell(alias: AliasRow, entity: EntityRow) -> Iterable[tuple[str, Name]]:
    id, type = entity.id, entity.type  # one string for all names of the entity: `alias.id` is another
    if IMPORTED in alias.flags:
        for folded in fold_name(alias.alias):
            yield folded, Name(id, type, alias.alias, alias.flags, alias.langs, IMPORTED)
        return
    method = alias.kind if alias.kind in ("acronym", DEMONYM) else "alias"
    if alias.kind == DEMONYM:
        type = NATIONALITY
    others = not alias.flags & {"case", "no_variants"}
    flags = alias.flags & GUARDS  # what decides in a text
    own = fold_name(alias.alias)
    if alias.kind == NICKNAME:
        flags |= {NICKNAME}
    name, variant = (Name(id, type, alias.alias, flags, alias.langs, way) for way in (method, "variant"))
    for folded in own:
        for pattern in variants(folded, others=others):
            yield pattern, name if pattern in own else variant


def _beside_place(blockers: Iterable[BlockerRow], *, first: bool) -> frozenset[str]:
    """The folded words of the blockers that hold `{place}`: those after it, or those before it."""
    return frozenset(
        form
        for blocker in blockers
        if PLACE in blocker.phrase and blocker.phrase.startswith(PLACE) == first
        for form in fold_name(blocker.phrase.replace(PLACE, ""))
    )
