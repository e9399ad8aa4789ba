"""Decide which of the names found are meant, by what else the article names.

Strong names, which have one meaning only, come first. They are the context for the rest: an ambiguous name counts where
its entity is also named without doubt, or something close to it in the graph is, or the article is plainly about
armed conflict. Later surnames and abbreviations follow from the full name.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple, Optional

from schemas.gazetteer import IMPORTED
from schemas.records import Entity
from transforms.tag.compile import Compiled
from transforms.tag.match import Hit, Kept, Reading, covers, is_fathers_name, longest, standing
from transforms.tag.names import BESIDE, BLOCKER, PLACES, SCORES, WEAK, Fit, Name

_SPORT_WORDS: Final = 4  # different ones, from which on an article without armed groups is a sports page

_TITLES: Final = frozenset(
    """President Minister Premier Prime Ayatollah General Gen Leader Secretary King Mr Mrs Ms Dr Commander Chief Sheikh
    Spokesman Spokeswoman Former Ambassador Senator Chancellor Foreign Defense Defence Presidente Präsident Président
    Premierminister Ministerpräsident Aussenminister Außenminister Ex Sultan Emir Colonel Col Lt Maj Major Brig Captain
    Crown Prince Vice Deputy Speaker Governor Judge Justice And The In From Of On By With For As At To Against But When
    While After Before Since That If Because Where Meanwhile However Also Is Was Has Had Will Says Said Both Like Under
    Over Between North South East West Northern Southern Eastern Western Central Greater Near Und Der Die Das In Im Aus
    Von Mit Nach El La Le Les En De Du Des Que Y Et Cumhurbaşkanı Cumhurbaşkanlığı Başkan Başkanı Bakan Bakanı Başbakan
    Başbakanı Lideri Ve Devlet Dışişleri İçişleri Savunma Milli Ulusal Adalet Sağlık Genelkurmay Hükümeti Ordusu Meclisi
    Parlamentosu Büyükelçi Büyükelçisi Sözcüsü Komutanı Sekreteri Temsilcisi Elçisi Kralı Orgeneral Terör Merkez
    Bundeskanzler Kanzler Bundesaußenminister Bundespräsident Verteidigungsminister Innenminister
    Außenministerin Verteidigungsministerin Minister Premierministerin Präsidentin Regierungschef Generalsekretär
    Papst US-Präsident Botschafter Armeesprecher Sprecher Generalstabschef Oppositionsführer Papa Pape Pope Serok Serokê
    Serokwezîr Serokwezîrê Serokkomar Serokkomarê Wezîrê Fermandarê Berdevkê Sekreterê""".split()
)
_entity: Final = partial(tuple.__new__, Entity)  # as `Entity._make`, at two thirds of its time
_START: Final = attrgetter("start")
_BEGIN: Final = itemgetter(0)  # of a hit that counts: no two of them start together
_STOP: Final = itemgetter(1)
_LOOK_BACK: Final = 30  # characters of a word before, and what stands before it
_LOOK_AHEAD: Final = 30  # of a blank and the word after
_WORD_AFTER: Final = re.compile(r" ([^\W\d_][\w'’-]*)")
_WORD_BEFORE: Final = re.compile(r"([.!?:\"“]?) ?\b([^\W\d_][\w'’-]*) \Z")


class _Context(NamedTuple):
    """What an article says without doubt."""

    strong: Set[str]
    homes: Sequence[str]  # of each strong entity the state it belongs to
    conflict: bool
    sport: bool  # it is a sports page: a city in it is a club or a venue


def resolve(readings: Sequence[Reading], compiled: Compiled, surname_min_chars: int) -> list[Entity]:
    """Return the mentions of all fields of one article, in order of field and place."""
    context = _context(readings, compiled)
    choices: dict[Fit, Sequence[Name]] = {}
    kept = [_kept(reading, choices, context, compiled) for reading in readings]
    surnames = _surnames(kept, surname_min_chars)
    return [
        mention for reading, hits in zip(readings, kept, strict=True) for mention in _mentions(reading, hits, surnames)
    ]


def _context(readings: Iterable[Reading], compiled: Compiled) -> _Context:
    strong = {fit.strong for reading in readings for _, _, _, fit in reading.alone}
    strong |= {id for reading in readings for group in reading.groups for id in _strong_as_read(group)}
    strong.discard("")
    armed, troubled = len(strong & compiled.armed), len(strong & compiled.troubled)
    conflict = armed >= 2 or (armed >= 1 and troubled >= 2) or troubled >= 3
    sport = not armed and len(frozenset().union(*(reading.sport for reading in readings))) >= _SPORT_WORDS
    return _Context(strong, [compiled.homes[id] for id in strong], conflict, sport)


def _strong_as_read(group: Sequence[Hit]) -> Iterable[str]:
    """What the hits of a group tell that count before anything is known of the article."""
    first = group[0]
    if covers(first, first[3].names[0], group):
        return (first[3].strong,)
    return [fit.strong for _, _, _, fit, _ in longest([(*hit, hit[3].names[0]) for hit in group])]


def _kept(reading: Reading, choices: dict[Fit, Sequence[Name]], context: _Context, compiled: Compiled) -> list[Kept]:
    """Return the hits of `reading` that count, each with the name that is meant, in order; blockers are among them."""
    kept: list[Kept] = []
    at_war = context.conflict and not context.sport  # there the words beside say nothing of a name
    for hit in reading.alone:
        start, end, surface, fit = hit
        name = fit.sure if fit.ruling or at_war else None
        if name is None:
            name = _meant(hit, reading, choices, context, compiled)
            if name is None:
                continue
        kept.append((start, end, surface, fit, name))
    for group in reading.groups:
        meant: list[Kept] = []
        for hit in group:
            name = _meant(hit, reading, choices, context, compiled)
            if name is not None:
                meant.append((*hit, name))
                if covers(hit, name, group):
                    break
        kept += meant if len(meant) < 2 else longest(meant)
    if reading.groups:
        kept.sort(key=_BEGIN)
    return kept


def _meant(
    hit: Hit, reading: Reading, choices: dict[Fit, Sequence[Name]], context: _Context, compiled: Compiled
) -> Optional[Name]:
    """Return the name that is meant, if any; `choices` are those that the article has led to so far."""
    fit = hit[3]
    fitting = choices.get(fit) if fit.sure is None else (fit.sure,)
    if fitting is None:
        fitting = choices[fit] = _choose(fit, context, compiled)
    for name in fitting:
        if name.type not in BESIDE or _stands_alone(name, hit, reading.text, context):
            return name
    return None


def _choose(fit: Fit, context: _Context, compiled: Compiled) -> Sequence[Name]:
    """Return the names that the article as a whole allows, the likeliest first."""
    meant = [name for name in fit.names if name.id != BLOCKER and _possible(name, context, compiled)]
    if len(meant) < 2:
        return meant
    return sorted(
        meant,
        key=lambda name: (not name.flags & WEAK, name.id in context.strong, _support(name.id, context, compiled)),
        reverse=True,
    )


def _possible(name: Name, context: _Context, compiled: Compiled) -> bool:
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


def _stands_alone(name: Name, hit: Hit, text: str, context: _Context) -> bool:
    """Tell whether article and words beside leave a place's or person's name what it is."""
    if name.type == "person":
        return context.conflict or not _after_first_name(hit, text)
    if context.sport and name.type == "place":
        return False
    if "ambiguous" in name.flags:
        return not _part_of_longer(hit, text, before=True)
    return context.conflict or "expand" in name.flags or not _part_of_longer(hit, text, before=False)


def _after_first_name(hit: Hit, text: str) -> bool:
    """Tell whether a last name follows a first name, which makes it another person's: Ellen Kushner."""
    start, _, surface, _ = hit
    return " " not in surface and surface[0].isascii() and _capital_before(text, start)


def _capital_before(text: str, start: int) -> bool:
    """Tell whether a capitalised word stands before `start` in the sentence that is neither a title nor small."""
    if text[start - 1 : start] != " ":
        return False
    since = max(0, start - _LOOK_BACK)
    blank = text.rfind(" ", since, start - 1)  # what stands before the word tells whether a sentence starts with it
    if text[max(since, blank) : start].islower():
        return False  # as nearly all are
    word = _WORD_BEFORE.search(text, max(since, blank - 1), start)
    return bool(word and word[2][0].isupper() and word[2] not in _TITLES and not word[1])


def _support(id: str, context: _Context, compiled: Compiled) -> int:
    """How many strong entities stand close to this one: in the same state, above or below it."""
    home = compiled.homes[id]
    near = context.homes.count(home) if home else 0
    return near + sum(over in context.strong for over in compiled.above[id])


def _part_of_longer(hit: Hit, text: str, *, before: bool) -> bool:
    """Tell whether a single capitalised word has another beside it, so that it may be part of a person's name."""
    start, end, surface, _ = hit
    if " " in surface or "-" in surface or "." in surface or not surface[0].isascii():
        return False
    if text[end + 1 : end + 2].isupper():
        after = _WORD_AFTER.match(text, end, end + _LOOK_AHEAD)
        if after and after[1] not in _TITLES:
            return True
    return before and _capital_before(text, start)


def _mentions(reading: Reading, kept: Sequence[Kept], surnames: Mapping[str, str]) -> list[Entity]:
    """Return the mentions in a field, in order of place: what is kept but for the blockers, and later surnames."""
    field = reading.field
    mentions = [
        _entity((name.id, name.type, surface, field, start, end, name.score, name.method))
        for start, end, surface, _, name in kept
        if name.id != BLOCKER
    ]
    further = list(_later_surnames(reading, kept, surnames)) if surnames else []
    return sorted(mentions + further, key=_START) if further else mentions


def _surnames(kept: Iterable[Iterable[Kept]], min_chars: int) -> Mapping[str, str]:
    """Return the folded last names of the people named in full, with the id of each."""
    surnames: dict[str, str] = {}
    for hits in kept:
        for _, _, _, fit, name in hits:
            if fit.surnames and name.type == "person" and IMPORTED not in name.flags:
                for surname in fit.surnames:
                    if len(surname) >= min_chars:
                        surnames.setdefault(surname, name.id)
    return surnames


def _later_surnames(reading: Reading, kept: Sequence[Kept], surnames: Mapping[str, str]) -> Iterator[Entity]:
    letters, places, text = reading.folded.text, reading.folded.places, reading.text
    for surname, id in surnames.items():
        at = letters.find(surname)
        while at >= 0:
            stop = at + len(surname)
            first, end = places[at], places[stop - 1] + 1
            after = bisect_right(kept, first, key=_STOP)  # the first name that ends behind the surname's start
            free = after == len(kept) or kept[after][0] >= end
            free = free and not is_fathers_name(reading.folded, at, text, reading.language)
            if free and standing(reading.folded, at, stop, text, reading.language):
                start = places[at - 3] if letters[at - 4 : at] in (" al ", " el ") else first
                if _is_surname(text, start, end):
                    yield Entity(id, "person", text[start:end], reading.field, start, end, SCORES["surname"], "surname")
            at = letters.find(surname, stop)


def _is_surname(text: str, start: int, end: int) -> bool:
    """Tell whether a last name stands alone: capitalised where its script can be, no other first name before it."""
    name = text[start:end]
    if name[0].upper() == name[0].lower():
        return True
    if not any(character.isupper() for character in name):
        return False
    return not _capital_before(text, start)
