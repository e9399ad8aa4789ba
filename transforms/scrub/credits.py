"""Picture credits by their shape: an agency or a photographer beside one, alone or behind a caption."""

import re
from typing import Final, Optional

from transforms.scrub.agencies import Agencies
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import (
    FULL_STOP,
    MIN_PROSE_CHARS,
    NEXT_SENTENCE,
    abbreviates,
    ends_sentence,
    has_case,
    is_name,
    is_person,
    words_of,
)
from transforms.scrub.words import fold

PHOTOGRAPHER: Final = "any.photographer"  # the rule of a name beside an agency, who is shown if the text tells of them
MAX_CREDIT: Final = 110  # characters
MAX_CREDIT_LINE: Final = 90
MIN_NAMED_CAPTION: Final = 20
MAX_SIGNER_WORDS: Final = 7  # of an office's name behind a caption
MIN_SCENE_WORDS: Final = 3  # longer ones without a capital
_NAME_SIGNS: Final = frozenset("|•©[")  # between a caption and a name without an agency
_CREDIT_WORDS: Final = frozenset(("via", "images", "photo", "handout", "picture"))
PICTURE_WORDS: Final = frozenset(  # that may stand before a credit without a colon
    fold(word)
    for word in "photo photos picture foto fotos bild image imagen fotoğraf фото صورة تصوير عکس צילום wêne وێنە".split()
)
_JOINING: Final = frozenset("and & et y e und ve û و ו и the la l news agency".split())  # beside the names of agencies
MAX_CAPTIONED: Final = 260  # characters of a caption with its credit
_SET_OFF = re.compile(
    r"(?P<caption>[^()\[\]|—–©•]{8,200}?)\s*(?P<sign>[(\[|—–©•]|\.\s|\s[/-]\s)\s*(?P<credit>[^()\[\]|—–©•][^()\[\]—–©•]{1,79}?)"
    r"\s*[)\]]?\.?"
)
_NAMED = re.compile(r"(?P<caption>[^()\[\]]{8,200}[^.:()\[\]]) ?(?P<open>[(\[])(?P<credit>[^()\[\]\d]{4,40})[)\]]")
_SEPARATOR = re.compile(r"[(\[|—–©•]|\.\s|\s[/-]\s")
_ARCHIVED = re.compile(r"\W*(?:FILE|File|ARCHIVE?|Archiv)\b")
_PLACED = re.compile(r"[^()a-z]{3,30} \([^()]+\)|[^/]+\w/ [^/]+")  # "BEIRUT (AFP)"; the other form opens Arabic stories
_SIDES = re.compile(r"\s*[/|]\s*")
_ACCOUNT = re.compile(
    r"(?:[^\W\d_]{1,12}\s?/\s?)?@[\w.]{2,40}(?:\s?/\s?[^\W\d_]{1,12})?"
)  # a picture's: "X/@harbour", "@harbour/Instagram"
_ORGAN = re.compile(r"[A-Z]{2,6}")  # "WFP/Mara Keller"


def names_agencies(text: str, agencies: Agencies) -> bool:
    """Whether a text names known agencies and nothing else."""
    words, rows = agencies.signing(text)
    return bool(rows) and {word for row in rows for word in row} >= set(words) - _JOINING


def is_credit(text: str, agency_words: frozenset[str]) -> bool:
    """Whether a text behind the label of a credit may be one: an account, or names beside agencies."""
    if _ACCOUNT.fullmatch(text):
        return True
    told = words_of(text)
    known = [fold(word) in agency_words for word in told]
    # A small word may stand between a name and an agency: "Mara Keller on Flickr".
    joins = [at > 0 and word.islower() and known[at + 1 : at + 2] == [True] for at, word in enumerate(told)]
    words = [told[at] for at in range(len(told)) if not known[at] and not joins[at]]
    if words and words[0][0].islower() and words[0] != "the" and told[0] == words[0]:
        return False
    if text[0].isdigit() or len(text) > MAX_CREDIT or re.search(r"[!?;“”(]", text) or FULL_STOP.search(text):
        return False
    return not words or is_name(" ".join(words), most=12)


def split_credit(line: str, rules: Rules) -> Optional[tuple[str, str]]:
    """Return (caption, credit) of a line that ends with a credit set off by a bracket, bar, dash or full stop.

    The caption is one sentence: a paragraph that ends "… he said. (Reuters)" is told by its length and its sentences.
    """
    if len(line) > MAX_CAPTIONED or not _SEPARATOR.search(line, max(0, len(line) - MAX_CREDIT_LINE)):
        return None
    named = _NAMED.fullmatch(line) if line[-1] in ")]" else None
    if named is not None and 2 <= len(words_of(named["credit"])) <= 4 and is_name(named["credit"]):
        caption = named["caption"].strip()  # a name in square brackets, or in letters of another script
        office = not rules.offices.isdisjoint(fold(named["credit"]).split())
        if (named["open"] == "[" and not office and len(caption) >= MIN_NAMED_CAPTION) or has_case(
            named["credit"]
        ) > has_case(caption):
            return caption, named["credit"]
    found = _SET_OFF.fullmatch(line)
    if found is None:
        return None
    caption, credit = found["caption"].strip(), found["credit"].strip()
    if NEXT_SENTENCE.search(caption) or caption.count('"'):
        return None
    if (found["sign"][0] == "." or ends_sentence(caption)) and _may_sign_sentence(caption, credit, rules):
        return None
    signed = credit_line(credit, rules) and not (found["sign"] == "(" and abbreviates(credit, caption))
    if signed or (line[-1] not in ".:" and _signs_scene(caption, credit, found["sign"].strip(), rules)):
        return caption, credit
    return None


def _may_sign_sentence(sentence: str, credit: str, rules: Rules) -> bool:
    """Whether an agency without a photographer stands behind a full sentence: it may have told what that says."""
    pictured = _ARCHIVED.match(sentence) is not None or "/" in credit
    return len(sentence) >= MIN_PROSE_CHARS and not pictured and names_agencies(credit, rules.agencies)


def _signs_scene(caption: str, credit: str, sign: str, rules: Rules) -> bool:
    """Whether a name without an agency may sign a caption: an office's, or behind some signs a person's.

    The caption tells of a scene: what has no small words may be an item of a list, or a row of a table. Where no
    capital tells a name, it is one in letters of another script. In round brackets stands also what a sentence is about
    or who told it; there only a name of those who give pictures away will do, or a caption that speaks of its picture.
    """
    if sign == ".":
        return False
    told, words = words_of(caption), words_of(credit)
    small = sum(word.islower() and len(word) > 2 for word in told)
    if not caption[0].isalpha() or (has_case(caption) and not small):
        return False
    if len(words) > 1 and not rules.offices.isdisjoint(map(fold, words)):
        if sign in ("(", "[") and rules.picture_offices.isdisjoint(map(fold, words)):
            return False
        return is_name(credit, most=MAX_SIGNER_WORDS) and not any(c.isdigit() for c in credit)
    if not has_case(caption):
        return has_case(credit) and is_name(credit) and len(words) > 1
    signs = sign in _NAME_SIGNS or (sign == "(" and not PICTURE_WORDS.isdisjoint(map(fold, told)))
    ended = told[-1].islower() and len(told[-1]) > 2  # by a word, not by an abbreviation
    return signs and small >= MIN_SCENE_WORDS and ended and is_person(credit)


def credit_line(line: str, rules: Rules) -> bool:
    """Whether a whole line is a picture credit by its shape: agencies, a name beside one, or two names and a slash.

    `AP Photo/Jonas Reed`, `Mara Keller via Getty Images`, `dpa / Holger Brandt`, `X/@harbour`; and of an office that no
    list knows `TRA via Meridian Pictures`.

    A doubtful agency needs a name.
    """
    if len(line) > MAX_CREDIT_LINE or line[-1] in ".!?:;," or FULL_STOP.search(line):
        return False
    if "/" in line and _ACCOUNT.fullmatch(line):
        return True
    if _PLACED.fullmatch(line) and (line[-1] == ")" or not has_case(line)):
        return False
    parts = [part for part in _SIDES.split(line) if part] if "/" in line or "|" in line else [line]
    slashed = len(parts) in (2, 3)
    _, via, giver = line.rpartition(" via ")
    if via and fold(giver.split()[-1]) in rules.offices and " " in giver and is_name(line, most=9):
        return True
    if len(parts) == 2 and _ORGAN.fullmatch(parts[0]) and len(parts[1].split()) == 2 and is_person(parts[1]):
        return True
    words, rows = rules.agencies.signing(line)
    if not (rows or (slashed and line.isupper())):
        return False
    first, dash, person = line.partition(" - ")
    if dash and is_person(person) and names_agencies(first, rules.agencies):
        return True
    signs = {word for row in rows for word in row}
    names = [word for word in re.split(r"[\s/|&+]+", line) if fold(word) not in signs]
    if not is_name(" ".join(names) or "A", most=9):
        return False
    sure = any(row not in rules.agencies.doubtful for row in rows)
    if slashed:
        return sure or (all(map(_signs, parts)) and any(len(words_of(part)) > 1 for part in parts))
    if not _CREDIT_WORDS.isdisjoint(words):
        return True
    return signs.issuperset(set(words) - _JOINING) and (sure or line[0] == "(")


def _signs(part: str) -> bool:
    """Whether one side of a slash may be a photographer or an agency."""
    return 1 <= len(words_of(part)) <= 4 and not any(c.isdigit() for c in part)


def is_photographer(name: str, line: str) -> bool:
    """Whether a slash sets a name apart at the head of a line: of one who took the picture, and is not shown."""
    return names_one(name) and line[len(name) :].lstrip()[:1] == "/"


def names_one(text: str) -> bool:
    """Whether a text is a person's name; where no capital tells one, two or three words."""
    return is_person(text) if has_case(text) else 2 <= len(text.split()) <= 3 and text.replace(" ", "").isalpha()
