"""Datelines: the place and agency that open a story, told by their form.

`BAGHDAD (Reuters) -`, `(CNN) —`, `GENEVA, Switzerland —`, `Levant Wire/`, `AFP - Ankara:`. A dateline is short, stands
at the head of the first paragraph, and ends with a dash, slash or colon before a sentence begins.
"""

import re
from collections.abc import Set
from functools import partial
from typing import Final, NamedTuple, Optional

from transforms.scrub.shapes import has_case, is_name, words_of
from transforms.scrub.words import fold, tokens

MAX_CHARS: Final = 70
MAX_PAIRED_WORDS: Final = 7
MAX_PARTS: Final = 5
MAX_PLACE_WORDS: Final = 4
MAX_UNICASE_WORDS: Final = 2  # where no capital tells a name
MIN_WORDS: Final = 4  # of the sentence behind a dateline
_BRACKETED = re.compile(
    r"(?P<dateline>(?P<place>[^()]{0,48}?(?:\s\([^()\d]{3,20}\))?)\s*"
    r"\((?P<agency>[^()]{2,40})\)(?:,? \w{3,10}\.? \d{1,2}(?:, \d{4})?)?)"
    r"(?:\.?\s*(?:[–—−:|/•،]|--|-(?=\s))+\s*|(?P<stop>\.?)\s+)"
)
_PLAIN = re.compile(r"(?P<dateline>[^\s()][^()—–|:\"“”?!;]{1,58}?)(?P<dash>\s+[-–—−|]+\s+|—\s*|–\s+|--\s*|:\s+)")
_SLASHED = re.compile(
    r"(?P<dateline>[^\s()/][^()—–:;\"“”?!/]{1,38}?(?:/\s?[^()—–:;\"“”?!/]{2,30}?)?)\s?/(?:\s|$|(?=[^\s\d/]))\s*"
)
# Two names where one of them is an agency that is known, or a slash between them: "Berlin/dpa –", "(AFP) BEIRUT -".
_PAIRED = re.compile(
    r"(?P<dateline>(?:\((?P<led>[^()]{2,40})\)\s*|(?P<one>[^\s()/][^()—–|:\"“”?!;/]{1,40}?)(?P<by>\s?/\s?|,\s|\s[-–—|]\s))"
    r"(?P<other>[^\s()/—–|:-][^()—–|:\"“”?!;/]{1,40}?))(?:\s*[–—−:|،]\s*|\s+-+\s+)"
)
_CITY = re.compile(r"(?P<dateline>[^\W\d_][^:.|()\"“”?!;]{2,40}?)(?P<end>[:.]|\s?\|)\s+")
_REPORTED = re.compile(r"(?P<dateline>به گزارش (?P<named>[^،.:]{2,30}))[،:]\s+")  # Persian: "as IRNA reports,"
_REPORTERS: Final = frozenset(map(fold, "خبرگزاری خبرنگار پایگاه سایت گروه سرویس روابط شبکه".split()))
_END = re.compile(r"\.\s?[-–—]+\s*|\s[-–—]+\s+|[–—]\s*|:\s+|\.\s+")
_BETWEEN = re.compile(r"[,،/|•—]|\s[-–—]\s|\.\s")
_HANGING = re.compile(r"(?<=[^\W\d_])[-ـ](?=\s)|(?<=\s)ـ(?=\s)")  # what Arabic and Persian agencies set for a dash
_SITE = re.compile(r"[\w-]{2,20}\.[A-Za-z]{2,4}")
_DAY = re.compile(
    r"\d{1,2}\.?\s?(?:de )?\w{3,10}\.?(?:\s(?:de )?\d{4})?|\w{3,10}\.?\s\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}"
)
_LABELS: Final = frozenset(  # in capitals before a colon, or before a dash, and no place
    "ADVISORY ALERT ANALYSIS ANSWER BREAKING CLAIM COLUMN COMMENT CORRECTION EDITORIAL ESSAY EXCLUSIVE EXPLAINER "
    "FACT FACTS FEATURE FILE INTERVIEW KOMMENTAR LIVE MEINUNG NOTE OPINION OPINIÓN PHOTOS POLL PREVIEW PROFILE "
    "QUESTION QUIZ RECAP REPORT REVIEW SPOILER SPOILERS SUMMARY TIP UPDATE UPDATED VERDICT VIDEO WARNING WATCH".split()
)
_DASHED = re.compile(r"\s[-–—]\s")
_SMALL_AGENCY = re.compile(r"[a-z]{2,5}(?:/[a-z]{2,5})*")  # dpa, sda/afp
_DOMAIN = re.compile(r"\w\.[A-Za-z]{2,4}\b(?!\.)")  # a site's name before a dash is part of its sentence
_MONTH_DAY = re.compile(
    r"[,.]?\s+\w+\.?\s+\d{1,2}(?:\s*,\s*\d{4})?$|"
    r"[,.]?\s+(?:le |den )?\d{1,2}(?:er)?\.?\s+(?:de\s+)?\w+\.?(?:\s+(?:de\s+)?\d{4})?$|"
    r"[,.]?\s+\d{1,2}[./]\d{1,2}[./]\d{2,4}$"
)


class Dateline(NamedTuple):
    """A dateline and the paragraph without it."""

    dateline: str
    rest: str


_AGED: Final = re.compile(r".* \(\d{1,3}\)")  # somebody's age


def split_dateline(
    paragraph: str,
    agencies: Set[str] = frozenset(),
    places: Set[str] = frozenset(),
    pointing: Set[str] = frozenset(),
    weekdays: Set[str] = frozenset(),
    *,
    stopped: bool = False,
) -> Optional[Dateline]:
    """Return the dateline that opens a paragraph, and the rest; None where there is none.

    `agencies` and `places` are names as folded tokens with a space between, and "new *" or "* city" the form of places
    that begin or end so. Only a place that is known by its whole name is taken before a mere colon, and in small
    letters before a mere dash none of several words that looks like no place: a person's name stands there, too.
    Before a mere full stop a known place is taken only in languages whose news writes so (`stopped`). Where the
    sentence behind a mere colon or full stop opens with a word of `pointing` ("Paris. That is what they called her."),
    it speaks of the name. A day (`weekdays`, folded) alone is none.

    >>> split_dateline("BAGHDAD (Reuters) - Talks resumed on Monday.")
    Dateline(dateline='BAGHDAD (Reuters)', rest='Talks resumed on Monday.')
    >>> split_dateline("Bagdad. Die Gespräche gingen am Montag weiter.", places={"bagdad"}, stopped=True).dateline
    'Bagdad'
    """
    head = paragraph[: MAX_CHARS + 10]
    head = head if has_case(head) else _HANGING.sub("—", head)
    if (found := _of_parts(agencies, places, head)) is not None and _goes_on(rest := paragraph[found.end() :]):
        return Dateline(paragraph[: found.start()].strip(), rest)
    for form, good in (
        (_PAIRED, partial(_paired, agencies)),
        (_BRACKETED, partial(_bracketed, agencies, places)),
        (_SLASHED, partial(_slashed, agencies | places)),
        (_PLAIN, partial(_plain, agencies, places)),
        (_CITY, partial(_city, places, pointing, stopped)),
        (_REPORTED, partial(_reported, agencies)),
    ):
        found = form.match(head)
        if found is None or len(named := found["dateline"]) > MAX_CHARS or _AGED.fullmatch(named):
            continue
        if fold(named) not in weekdays and good(found):
            rest = paragraph[found.end() :]
            if _goes_on(rest):
                return Dateline(paragraph[: found.end("dateline")].strip(), rest)
    return None


def is_dateline(line: str, agencies: Set[str], places: Set[str]) -> bool:
    """Whether a line of its own above the text is a dateline: a known agency, and a place beside it.

    Two names together are a byline's, so a place has one word, or is known by its name or form (`split_dateline`), or
    stands in capitals, or a day stands beside it.

    >>> is_dateline("BEIRUT (AFP)", {"afp"}, set()), is_dateline("Middle East / Iraq", {"afp"}, set())
    (True, False)
    >>> is_dateline("New York, AFP", {"afp"}, {"new *"}), is_dateline("Kerry Adams, AFP", {"afp"}, {"new *"})
    (True, False)
    """
    parts = [part for part in (text.strip() for text in re.split(r"[,/|•()]|\s[-–—]\s", line[:MAX_CHARS])) if part]
    signed = [part for part in parts if " ".join(tokens(part, {})) in agencies]
    days = [part for part in parts if _DAY.fullmatch(part)]
    named = [part for part in parts if part not in (*signed, *days)]
    if not signed or not 1 <= len(named) <= 2 or not all(is_name(part, most=3) for part in named):
        return False
    return bool(days) or all(part.isupper() or names_place(places, part) for part in named)


def names_place(places: Set[str], name: str) -> bool:
    """Whether a name may be a place's rather than a person's: one word, or a known name, or the form of one."""
    words = [token for token in tokens(name, {}) if token[0].isalnum()]
    if len(words) < 2:
        return bool(words)
    return not places.isdisjoint((" ".join(words), f"{words[0]} *", f"* {words[-1]}"))


def is_label(paragraph: str) -> bool:
    """Whether a paragraph opens with capitals and a colon: a speaker's name, a heading; or a place.

    >>> is_label("JANE DOE: Why did you start?"), is_label("The mayor: a former fisherman.")
    (True, False)
    """
    head, colon, _ = paragraph[:MAX_CHARS].partition(":")
    return bool(colon) and head.isupper()


def _goes_on(rest: str) -> bool:
    """Whether a sentence may begin here."""
    if len(words_of(rest[:200])) < MIN_WORDS:
        return False
    first = rest.lstrip("\"'“‘«„(")[:1]
    return first.isupper() or first.isdigit() or (first.isalpha() and not has_case(first)) or rest[:2] in ("al", "el")


def _of_parts(agencies: Set[str], known: Set[str], head: str) -> Optional[re.Match[str]]:
    """The sign that ends a dateline of names, days and known agencies: "BEIRUT, May 3, AFP -", "Basra. 3 May. TASS -".

    Without an agency only the ".-" of Spanish agencies will do, or ". -" behind a `known` place or one in capitals; a
    colon or full stop may end other things, and asks for both agency and day.
    """
    for end in _END.finditer(head, 3, MAX_CHARS):
        parts = [part for part in (text.strip(" ./") for text in _BETWEEN.split(head[: end.start()])) if part]
        days = [part for part in parts if _DAY.fullmatch(part)]
        signed = [part for part in parts if " ".join(tokens(part, {})) in agencies or _SITE.fullmatch(part)]
        if len(days) == 1 and not signed and parts.index(days[0]) == len(parts) - 2 and parts[-1].isupper():
            signed = parts[-1:]  # "KYIV. 4 June. UNN.": between a place's day and the text stands an agency
        places = [part for part in parts if part not in (*days, *signed)]
        if len(parts) > MAX_PARTS or not all(map(_is_place, places)):
            return None
        vague = end[0].strip() in (".", ":")
        stopped = end[0].startswith(".-") or (
            end[0][0] == "."
            and len(end[0].strip()) > 1
            and places[:1]
            and (places[0].isupper() or fold(places[0]) in known)
        )
        if places and (stopped or (signed and (days or not vague))):
            return end
    return None


def _is_place(part: str) -> bool:
    most = MAX_PLACE_WORDS if has_case(part) else MAX_UNICASE_WORDS
    return is_name(part, most=most) and not any(map(str.isdigit, part))


def _bracketed(agencies: Set[str], places: Set[str], found: re.Match[str]) -> bool:
    """A name in brackets behind a place; behind what may be a person ("Mara Lind (MEP) –") only a known agency's."""
    known = all(" ".join(tokens(name, {})) in agencies for name in found["agency"].split("/"))
    named = known or is_name(found["agency"], most=5) or _SMALL_AGENCY.fullmatch(found["agency"]) is not None
    if found["stop"] is not None and not (known and found["place"].strip()):
        return False
    place = _MONTH_DAY.sub("", found["place"].strip(" ."))
    parts = re.split(r"[,،/(]", place)
    sure = known and found["stop"] is None
    if not (sure or has_case(place)) and any(len(part.split()) > MAX_UNICASE_WORDS for part in parts):
        return False
    if not named or (place and not is_name(place, most=6)):
        return False
    return known or not place or place.isupper() or any(names_place(places, part) for part in parts)


def _paired(agencies: Set[str], found: re.Match[str]) -> bool:
    names = [_MONTH_DAY.sub("", name.strip()) for name in (found["led"] or found["one"], found["other"])]
    known = [" ".join(tokens(name, {})) in agencies for name in names]
    others = [name for name, is_agency in zip(names, known, strict=True) if not is_agency]
    slashed = (found["by"] or "").strip() == "/" or has_case(names[1]) > has_case(
        names[0]
    )  # an outlet in other letters
    if not (any(known) or slashed) or len(found["dateline"].split()) > MAX_PAIRED_WORDS:
        return False
    return all(is_name(name, most=4) and not any(c.isdigit() for c in name) for name in others)


def _plain(agencies: Set[str], places: Set[str], found: re.Match[str]) -> bool:
    """Without brackets: a place in capitals, else one or several words that name a place before a dash between spaces.

    An agency that writes itself small may stand beside it: "BERLIN taz |", "dpa Kirkuk -".
    """
    place = _MONTH_DAY.sub("", found["dateline"])
    if len(named := place.split()) > 1 and named[-1] in agencies:
        place = " ".join(named[:-1])
    elif len(named) > 1 and _SMALL_AGENCY.fullmatch(named[0]) and named[0] in agencies:
        place = " ".join(named[1:])
    words = words_of(place)
    if not words or not is_name(place, most=7) or re.search(r"\.$|\d", place) or _DOMAIN.search(place):
        return False
    likely = any(names_place(places, part) for part in place.split(",")) or " ".join(tokens(place, {})) in agencies
    if not has_case(place):
        inserted = _DASHED.search(found.string, found.end())  # "Kirkuk – the city of oil – has not answered"
        return likely and len(words) <= 3 and found["dash"].strip() not in (":", "|") and inserted is None
    known = " ".join(tokens(place, {})) in places | agencies
    letters = [c for c in place.split(",")[0] if c.isalpha()]
    if place.upper() in _LABELS:
        return False
    if len(letters) >= 3 and all(c.isupper() for c in letters):
        return found["dash"].strip() != ":" or known or "," in place
    set_off = found["dash"].strip() in ("-", "–", "—") and found["dash"][0] == " "
    return likely and set_off and len(words) <= 4 and place[0].isupper()


def _city(places: Set[str], pointing: Set[str], stopped: bool, found: re.Match[str]) -> bool:
    """A known place, or two with a slash, before a colon, or a full stop; behind it a sentence that is not about it."""
    behind = found.string[found.end() :].split(maxsplit=MIN_WORDS)[: MIN_WORDS - 1]
    if (found["end"] == "." and not stopped) or not pointing.isdisjoint(map(fold, behind[:1])):
        return False
    if any(word[-1] in ".!?" and word[:-1].isalpha() for word in behind):  # "London. Paris. Moscow."
        return False
    return all(" ".join(tokens(part, {})) in places for part in found["dateline"].split("/"))


def _reported(agencies: Set[str], found: re.Match[str]) -> bool:
    """Agencies and sites report for the text; the police of which a sentence tells does not."""
    words = tokens(found["named"], {})
    named = not _REPORTERS.isdisjoint(words) or any(" ".join(words[at:]) in agencies for at in range(len(words)))
    return len(words) <= MAX_PARTS and named


def _slashed(known: Set[str], found: re.Match[str]) -> bool:
    """A slash that is grown to the next word stands between two names, too ("AC/DC"): there all must be known.

    Where no capital tells a name, a month may have two of them: "on 6 Tishrin/October".
    """
    words, parts = words_of(found["dateline"]), found["dateline"].split("/")
    if found[0].endswith("/") and has_case(found["dateline"]):
        return all(" ".join(tokens(part, {})) in known for part in parts)
    if not has_case(found["dateline"]) and (
        any(len(part.split()) > MAX_UNICASE_WORDS + 1 for part in parts)
        or (found[0].endswith("/") and any(word.isdigit() for word in words))
    ):
        return False
    return (
        1 <= len(words) <= 5
        and is_name(found["dateline"], most=5)
        and not any(w.isdigit() and (at == 0 or len(w) > 2) for at, w in enumerate(words))
    )
