"""What a stretch of text may be: the names that case and language allow it, settled once for each way of writing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Optional

from schemas.gazetteer import IMPORTED

NATIONALITY: Final = "nationality"  # type of a mention by demonym; its entity is the state
BLOCKER: Final = ""  # entity id of a phrase in which names are not themselves
PLACES: Final = frozenset({"place", "state"})
_UNSURE: Final = frozenset({"ambiguous", "expand"})  # flags of names that need context
WEAK: Final = _UNSURE | {IMPORTED}  # and of those that are none for others

_MARKS: Final = re.compile(r"[,;:!?()\[\]«»…،؛؟]|\n\s*\n")  # what no name runs across


@dataclass(slots=True)  # quicker to read than a tuple's fields are; the same goes for `Hit`
class Name:
    """A way to write an entity, as the matcher meets it."""

    id: str
    type: str
    alias: str
    flags: frozenset[str]
    langs: tuple[str, ...]
    method: str  # "alias", "variant", "acronym", "demonym" or "imported"


@dataclass(frozen=True, slots=True, eq=False)  # one object a way of writing, so that it can be a key at no cost
class Fit:
    """The names that a surface may be in a language, with what can be said of them whatever the article."""

    names: Sequence[Name]
    sure: Sequence[Name]  # the one that is meant, whatever else the article says; empty where that decides
    place: bool  # some name is of a place
    strong: str  # id of what is context for other names, else ""
    strong_place: bool
    abbreviated: bool  # some name is an abbreviation, which amid capitals cannot be told from a word
    amid_capitals: Optional["Fit"]  # what is left there


def fit(names: Sequence[Name], surface: str, language: Optional[str]) -> Optional[Fit]:
    """Return what `surface` may be of the `names` that are spelled so when folded, or None."""
    if _MARKS.search(surface):
        return None
    return _known([name for name in names if _allowed(name, surface, language)])


def _known(names: Sequence[Name]) -> Optional[Fit]:
    if not names:
        return None
    first = names[0]
    weak = first.id == BLOCKER or first.type == NATIONALITY or bool(first.flags & WEAK)
    steady = [name for name in names if not ("case" in name.flags and name.alias.isupper())]
    abbreviated = len(steady) < len(names)
    return Fit(
        names,
        names[:1] if first.id == BLOCKER or (len(names) == 1 and not first.flags & _UNSURE) else (),
        any(name.type in PLACES for name in names),
        "" if weak else first.id,
        first.type in PLACES,
        abbreviated,
        _known(steady) if abbreviated else None,
    )


def _allowed(name: Name, surface: str, language: Optional[str]) -> bool:
    """Tell whether case and language allow `surface` to be this name."""
    if "lang_only" in name.flags and (language or _guess(name)) not in name.langs:
        return False
    if "case" in name.flags:
        return _bare(surface) == _bare(name.alias)
    if not name.alias[0].isupper():
        return True
    if " " not in surface and "-" not in surface:
        return surface[0].isupper()
    return any(character.isupper() for character in surface)


def _guess(name: Name) -> str:
    """The language taken for an unknown one: English, but for a script that no English text is in."""
    return "en" if name.alias[0] < "\u0400" else name.langs[0]


def _bare(name: str) -> str:
    return "".join(character for character in name if character.isalnum())
