"""Event mentions: words that tell of an attack, an arrest, a ceasefire, with their sentence and who is named in it.

A trigger is a phrase of `triggers.csv`. It says what kind of thing a sentence is about, not who did it to
whom, nor whether it happened: "denied the attack" holds an attack.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from schemas.gazetteer import NO_EVENT
from schemas.records import Entity, EventMention
from transforms.tag.compile import Compiled
from transforms.tag.match import Reading

_STOP: Final = re.compile(r"[.!?…][\"'”’»)\]]*\s+|\n\s*\n")
_ABBREVIATIONS: Final = frozenset(
    "Gen Lt Col Maj Brig Sgt Capt Cpl Adm Cmdr Mr Mrs Ms Dr Prof St Sen Rep Gov Pres Rev Sr Jr No vs approx".split()
)
_WORD_BEFORE: Final = re.compile(r"[^\W\d_]+$")
_LONGEST_ABBREVIATION: Final = 8


def find_events(readings: Sequence[Reading], mentions: Sequence[Entity], compiled: Compiled) -> list[EventMention]:
    """Return the event mentions of all fields of one article, in order of field and place.

    Only languages that the gazetteer has triggers of are read; an unknown language is read as English is.
    """
    return [
        event
        for reading in readings
        if (reading.language or "en") in compiled.trigger_languages
        for event in _events(reading, [m for m in mentions if m.field == reading.field], compiled)
    ]


def sentences(text: str) -> list[int]:
    """Return where the sentences of `text` start, the first at 0.

    >>> sentences("Gen. Smith spoke. He left.")
    [0, 18]
    """
    return [0, *(stop.end() for stop in _STOP.finditer(text) if _ends_sentence(text, stop))]


def _ends_sentence(text: str, stop: re.Match[str]) -> bool:
    if "\n" in stop[0] or stop[0][0] != ".":
        return True
    if text[stop.end() : stop.end() + 1].islower():
        return False
    word = _WORD_BEFORE.search(text[max(0, stop.start() - _LONGEST_ABBREVIATION) : stop.start()])
    return word is None or not (len(word[0]) == 1 or word[0] in _ABBREVIATIONS)


def _events(reading: Reading, mentions: Iterable[Entity], compiled: Compiled) -> Iterator[EventMention]:
    letters, places = reading.folded.text, reading.folded.places
    starts = sentences(reading.text)
    named = [(mention.start, mention.end, mention.id) for mention in mentions]
    for number, begin, stop in compiled.triggers.find_matches_as_indexes(letters):
        trigger = compiled.events[number]
        whole = letters[begin - 1] == letters[stop] == " "
        if not whole or trigger.type == NO_EVENT or trigger.lang != (reading.language or "en"):
            continue
        start, end = places[begin], places[stop - 1] + 1
        if any(first <= start and end <= last for first, last, _ in named):
            continue  # part of a name: Abbas Combat Division
        place = bisect_right(starts, start)
        since = starts[place - 1]
        till = since + len(reading.text[since : (starts[place : place + 1] or [len(reading.text)])[0]].rstrip())
        inside = dict.fromkeys(id for first, last, id in named if since <= first and last <= till)
        surface = reading.text[start:end]
        yield EventMention(trigger.type, surface, reading.field, start, end, since, till, list(inside))
