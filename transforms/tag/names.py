"""What a stretch of text may be: the names that case and language allow it, settled once for each way of writing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Optional

from schemas.gazetteer import IMPORTED, NICKNAME
from transforms.tag.declension import declined
from transforms.tag.normalize import fold

NATIONALITY: Final = "nationality"  # type of a mention by demonym; its entity is the state
BLOCKER: Final = ""  # entity id of a phrase in which names are not themselves
PLACES: Final = frozenset({"place", "state"})
BESIDE: Final = PLACES | {"person"}  # types of names to which the words beside may give another meaning
_UNSURE: Final = frozenset({"ambiguous", "expand"})  # flags of names that need context
WEAK: Final = _UNSURE | {IMPORTED}  # and of those that are none for others

SCORES: Final = {
    "alias": 1.0,
    "acronym": 0.95,
    "variant": 0.9,
    "demonym": 0.9,
    "surname": 0.85,
    "imported": 0.7,
    "blocker": 0.0,
}  # trust in each way of finding a name
_CONTEXT_SCORE: Final = 0.8  # and in a name that only its context tells
_COMMON_GIVEN: Final = frozenset(  # as last names these say nothing of whom is meant
    """حسين حسن علي محمد احمد عباس صالح ابراهيم سعيد محمود يوسف خالد عمر كريم جعفر مهدي رضا اسماعيل عبدالله عبد الله
    ali hasan hassan mohammed ahmed mehdi reza abdullah ibrahim john james david
    الاول الثاني الثالث الرابع الخامس السادس السابع الثامن عشر
    اول دوم سوم چهارم پنجم ششم شانزدهم چهاردهم دووهم سييهم""".split()
)
_NAMELESS: Final = frozenset({IMPORTED, NICKNAME})  # flags of names that tell no last name
_SON: Final = frozenset("بن ابن bin ben ibn בן".split())  # before the father's name, which is no last name
_DOTTED: Final = 6  # characters of the longest abbreviation with dots
_HEBREW_MARK: Final = re.compile(r"(?<=[\u0590-\u05ff])[\"'״׳“”„’‘`](?=[\u0590-\u05ff])")
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
    score: float = field(init=False)  # trust in what is found so

    def __post_init__(self) -> None:
        self.score = _CONTEXT_SCORE if "ambiguous" in self.flags else SCORES[self.method]


@dataclass(frozen=True, slots=True, eq=False)  # one object a way of writing, so that it can be a key at no cost
class Fit:
    """The names that a surface may be in a language, with what can be said of them whatever the article."""

    pattern: int  # that it was found by
    names: Sequence[Name] = ()
    sure: Optional[Name] = None  # the one that is meant whatever else the article says, where that does not decide
    ruling: bool = False  # nor do the words beside; and no name that lies within it counts
    strong: str = ""  # id of what is context for other names
    surnames: Sequence[str] = ()  # folded, where the surface may be a person's full name: the last, in all its cases
    wary: bool = True  # there are no names, or one of the next two holds
    dotted: bool = False  # such as "U.S", whose last dot belongs to it
    abbreviated: bool = False  # some name is an abbreviation, which amid capitals cannot be told from a word
    amid_capitals: Optional["Fit"] = None  # what is left there
    place: bool = False  # some name is of a place
    beside_noun: Optional["Fit"] = None  # what is left where it is part of another name: Beirut University, نادي بغداد


def fit(pattern: int, names: Sequence[Name], surface: str, language: Optional[str]) -> Fit:
    """Return what `surface`, found by `pattern`, may be of the `names` that are spelled so when folded."""
    if _MARKS.search(surface):
        return Fit(pattern)
    allowed = [name for name in names if _allowed(name, surface, language)]
    person = next((name for name in allowed if name.type == "person" and not name.flags & _NAMELESS), None)
    surnames = _surnames(surface, person.alias, language) if person else ()
    return _known(pattern, allowed, surnames, "." in surface and len(surface) <= _DOTTED) or Fit(pattern)


def _surnames(surface: str, alias: str, language: Optional[str]) -> Sequence[str]:
    cyrillic = "\u0400" <= alias[0] <= "\u04ff"
    words = fold(alias if cyrillic else surface, language).text.split()
    if len(words) < 2 or words[-1] in _COMMON_GIVEN or words[-2] in _SON:
        return ()
    return (words[-1], *sorted(declined(words[-1]))) if cyrillic else (words[-1],)


def _known(pattern: int, names: Sequence[Name], surnames: Sequence[str], dotted: bool) -> Optional[Fit]:
    if not names:
        return None
    first = names[0]
    weak = first.id == BLOCKER or first.type == NATIONALITY or bool(first.flags & WEAK)
    steady = [name for name in names if not ("case" in name.flags and name.alias.isupper())]
    elsewhere = [name for name in names if name.type not in PLACES]
    abbreviated, place = len(steady) < len(names), len(elsewhere) < len(names)
    sure = first if first.id == BLOCKER or (len(names) == 1 and not first.flags & _UNSURE) else None
    return Fit(
        pattern,
        names,
        sure,
        sure is not None and sure.type not in BESIDE and IMPORTED not in sure.flags,
        "" if weak else first.id,
        surnames,
        dotted or abbreviated,
        dotted,
        abbreviated,
        _known(pattern, steady, surnames, dotted) if abbreviated else None,
        place,
        _known(pattern, elsewhere, surnames, dotted) if place else None,
    )


def _allowed(name: Name, surface: str, language: Optional[str]) -> bool:
    """Tell whether case and language allow `surface` to be this name."""
    if "lang_only" in name.flags and (language or _guess(name)) not in name.langs:
        return False
    if "case" in name.flags:
        return _bare(surface) == _bare(name.alias)
    if "\u0590" <= name.alias[0] <= "\u05ff" and hebrew_mark(surface) != hebrew_mark(name.alias):
        return False
    if not name.alias[0].isupper():
        return True
    if " " not in surface and "-" not in surface:
        return surface[0].isupper()
    return any(character.isupper() for character in surface)


def hebrew_mark(name: str) -> bool:
    """Tell whether a mark stands inside a Hebrew word: ח'אן, or חד"ש, a party, which is not חדש, new."""
    return _HEBREW_MARK.search(name) is not None


def _guess(name: Name) -> str:
    """The language taken for an unknown one: English, but for a script that no English text is in."""
    return "en" if name.alias[0] < "\u0400" else name.langs[0]


def _bare(name: str) -> str:
    return "".join(character for character in name if character.isalnum())
