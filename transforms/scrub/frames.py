"""Frames: short lines made of the few words of one kind and, for the rest, of a name or a date.

"Mit Material von dpa", "Compiled from AP and Reuters reports", "Cover image: Basra Monitor", "Posted by Mara Keller on
3 May": whatever the order, what is no word of the frame is one name, and that is what the line tells.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, NamedTuple, Optional

from transforms.scrub.rule_files import Kind
from transforms.scrub.shapes import ends_sentence, has_case, is_name, words_of
from transforms.scrub.words import DATE, TIME, fold, spans_of

MAX_FRAMED: Final = 24  # words and signs of a frame with what it holds
MAX_NAME_WORDS: Final = 6  # … of each name in it
MAX_UNICASE: Final = 4  # where no capital tells a name, behind a colon …
MAX_UNSIGNED: Final = 3  # … and without one
SURE: Final = 2  # telling words that need no sign before the name
_SIGNS: Final = frozenset(":|»›>→©=")
_PARTED = re.compile(r"\s*[,،;/|+&]\s*|\s+(?:and|und|et|y|e|ve|û|и)\s+|\s+-\s+")
_NO_BYLINE: Final = frozenset("()@:")  # "— The Senate (@Senate) October 9, 2018" signs a quotation
MAX_PEOPLE: Final = 4
_ADDRESS = re.compile(r"[\w.+-]*@[\w.-]+|https?://\S+")
_DOMAIN = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+/?\S*")
ARTICLES: Final = frozenset("the der die das le la les l el los al il".split())  # names begin with them
CLITIC = re.compile(r"[במל](?=[-‑]?[A-Za-z])[-‑]?")  # Hebrew sets its prepositions before a name without a space


_ENDING = re.compile(r"['’][a-zçğıöşü]{1,4}$")  # … and Turkish its endings behind one


@dataclass(frozen=True)
class Frame:
    """The folded words of a vocabulary of a framing kind."""

    rule: str
    kind: Kind
    anchors: Set[str]
    words: Set[str]  # the anchors among them
    leads: Set[str]  # words beside which a name needs no sign


class Known(NamedTuple):
    """Names that tell: agencies and their words, words of offices, places, months, days, all folded."""

    agencies: Set[str]
    agency_words: Set[str]
    offices: Set[str]
    places: Set[str]
    months: Mapping[str, int]
    weekdays: Set[str]


class Framed(NamedTuple):
    """What a frame holds, as written in the line, and its telling words."""

    frame: Frame
    held: str
    telling: Sequence[str]


def read_frame(line: str, found: Sequence[str], frames: Sequence[Frame], known: Known) -> Optional[Framed]:
    """Return the frame that a line of the folded tokens `found` is made of, with the name in it; else None."""
    held = frozenset(found)
    written: Sequence[str] = ()
    for frame in frames:
        if frame.anchors.isdisjoint(held) and not (frame.kind == "prefix" and held & {DATE, TIME}):
            continue
        if frame.kind == "prefix" and "_" in held:  # a field's name in code
            continue
        written = written or [line[first:last] for first, last in spans_of(line, known.months)]
        if len(written) != len(found):
            return None
        if (framed := _read(line, found, written, frame, known)) is not None:
            return framed
    return None


def _read(line: str, found: Sequence[str], written: Sequence[str], frame: Frame, known: Known) -> Optional[Framed]:
    strange = [at for at, word in enumerate(found) if _is_strange(word, frame)]
    telling = [word for word in found if word in frame.anchors]
    if not strange:
        timed = frame.kind == "prefix" and _tells_time(found, telling)
        return Framed(frame, "", telling) if timed else None
    if frame.kind == "bio" and "@" in found:
        strange = sorted({*strange, found.index("@")})
    first, last = _name_span(found, written, strange, known.agencies)
    if any(word in frame.anchors and written[at][0].islower() for at, word in enumerate(found[first:last], first)):
        return None
    spans = spans_of(line, known.months)
    name = line[spans[first][0] : spans[last - 1][1]].strip(" .")
    signed = first > 0 and found[first - 1] in _SIGNS
    telling = [word for word in (*found[:first], *found[last:]) if word in frame.anchors]
    if frame.kind == "prefix":
        byline = (
            is_name(name, most=5)
            and _NO_BYLINE.isdisjoint(name)
            and (has_case(name) or len(name.split()) <= MAX_UNSIGNED)
        )
        timed = (DATE in found if telling else found.count(DATE) == 1) or (bool(telling) and TIME in found)
        return Framed(frame, name, telling) if timed and byline and not ends_sentence(line) else None
    if not telling:
        return None
    led = not frame.leads.isdisjoint((*found[:first], *found[last:]))
    if frame.kind == "bio":
        return Framed(frame, name, telling) if _names_people(name, line) and (signed or led) else None
    if line[: spans[first][0]].endswith("."):  # "pic.example.com"
        return None
    bare = name if signed else _ENDING.sub("", CLITIC.sub("", name, count=1))
    beside = first > 0 and found[first - 1] in frame.anchors
    stands = _may_stand(line, bare, telling, known, signed=signed, led=led or bare != name, beside=beside)
    return Framed(frame, bare, telling) if stands and _names(bare, known) else None


def _is_strange(word: str, frame: Frame) -> bool:
    """Whether a token is no sign, number or word of the frame: a part of the name."""
    return word[0].isalpha() and word not in frame.words and not all(p in frame.words for p in word.split("-"))


def _tells_time(found: Sequence[str], telling: Sequence[str]) -> bool:
    """Whether a stamp's words tell a date, a time, or a number that is no year: "Reading time: 6 minutes"."""
    if not telling:
        return DATE in found or (TIME in found and sum(word[0].isdigit() for word in found) >= 3)
    return any(word in (DATE, TIME) or (word[0].isdigit() and len(word) < 4) for word in found)


def _name_span(
    found: Sequence[str], written: Sequence[str], strange: Sequence[int], agencies: Set[str]
) -> tuple[int, int]:
    """Where the name stands: from the first to the last strange word, with the capitals and numbers beside them."""
    first, last = strange[0], strange[-1] + 1
    if first and " ".join(found[first - 1 : first + 1]) in agencies:  # "picture alliance"
        first -= 1
    if first > 1 and found[first - 1] in ARTICLES and written[first - 1][0].isupper():
        first -= 1
    while last < len(found) and (written[last][0].isupper() or (found[last].isdigit() and len(found[last]) < 3)):
        last += 1
    if last + 1 < len(found) and found[last] == "." and written[last + 1][0].isalpha() and "." in found[first:last]:
        last += 2
    return first, last


def _names(text: str, known: Known) -> bool:
    """Whether a text is one name or several: outlets, agencies, persons, addresses."""
    parts = [part for part in _PARTED.split(text) if part]
    return bool(parts) and len(parts) <= MAX_NAME_WORDS and all(_is_one_name(part, known) for part in parts)


def _names_agency(words: Sequence[str], agencies: Set[str]) -> bool:
    """Whether an agency is among the words."""
    reach = range(1, MAX_UNICASE + 1)
    return any(" ".join(words[at : at + length]) in agencies for at in range(len(words)) for length in reach)


def _names_people(text: str, line: str) -> bool:
    """Whether a text is one or a few persons' names, or an address of one, or both."""
    parts = [part for part in _PARTED.split(_ADDRESS.sub("", text)) if part.strip(" .:()")]
    if len(parts) > MAX_PEOPLE or (not has_case(text) and ends_sentence(line)):
        return False
    return all(is_name(part, most=MAX_UNICASE) and len(words_of(part)) > 1 for part in parts)


def _is_one_name(text: str, known: Known) -> bool:
    if _DOMAIN.fullmatch(text) or text[0] == "@":
        return True
    words = words_of(text)
    if not words or fold(text) in known.months or fold(text) in known.places or fold(text) in known.weekdays:
        return False
    rest = " ".join(word for word in words if fold(word) not in known.agency_words)
    if words[0][0].islower() and fold(words[0]) not in known.agency_words:
        return len(words) == 1 and words[0].isascii()
    if not rest or is_name(text if rest[0].isupper() else rest, most=MAX_NAME_WORDS):
        return True
    small = [word for word in words if word[0].islower()]  # the last of "Le Monde diplomatique"
    return small == words[-1:] and len(words) <= MAX_UNSIGNED and text.replace(" ", "").isalpha()


def _may_stand(
    line: str, name: str, telling: Sequence[str], known: Known, *, signed: bool, led: bool, beside: bool
) -> bool:
    """Whether a name may stand in a frame as it does: behind a sign, a word that leads to names, or known by itself.

    Where no capital tells a name it is short, and a full stop behind it asks for more telling words. An office is none
    directly `beside` a telling word: "Copyright Office", "photo studio".
    """
    words = [fold(word) for word in words_of(name)]
    small = has_case(name) and name[0].islower()  # "compiled by the army"
    official = _names_agency(words, known.agencies) or not (beside or small or known.offices.isdisjoint(words))
    if not has_case(name):
        if len(words) > (MAX_UNICASE if signed or official else MAX_UNSIGNED):
            return False
        return (
            signed or official or ((led or len(telling) >= SURE) and not (ends_sentence(line) and len(telling) < SURE))
        )
    if not is_name(name, most=9) and ends_sentence(line) and len(telling) < SURE and not official:
        return False
    if name[0].islower() and not _DOMAIN.fullmatch(name):
        return signed or official
    return signed or led or official or len(telling) >= SURE or bool(_DOMAIN.fullmatch(name))


def is_all_frame(text: Sequence[str], frames: Sequence[Frame], kind: Kind) -> bool:
    """Whether tokens are words of a frame and nothing else, as those of the caption "File photo" are."""
    return any(
        frame.kind == kind and not frame.anchors.isdisjoint(text) and not any(_is_strange(word, frame) for word in text)
        for frame in frames
    )
