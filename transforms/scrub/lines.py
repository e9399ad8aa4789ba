"""Lines: which of them are the article, and what the others are.

A line is judged by the rules of its languages, then by its shape, its place (before the first paragraph, after the
last) and its neighbours. A line between paragraphs that no rule knows is the article's own: subheadings, list items and
short quotations look like furniture and are none.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Optional

from transforms.scrub.rules import Match, Rules, _Compiled
from transforms.scrub.shapes import has_case, is_headline, is_name, is_prose, is_source, words_of
from transforms.scrub.words import DATE, MAX_LINE, TIME, Token, fold, tokens

NEAR_SLACK: Final = 0.2  # taken off a vocabulary's coverage where a neighbour is furniture already
MAX_RULE_WORDS: Final = 60

_STRAY = re.compile(
    r"[^\w\s]{1,12}|\d{1,3}(?:\s*/\s*\d{1,3})?|undefined|null|none|nan|true|false|\[?object \w+\]?|[^\W\d_]|"
    r"(?:lorem|test|n/a|tbd|todo|xx+|--+)",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"@\w{2,30}|#\w{2,40}")


class Line(NamedTuple):
    """A line of the text and what it was found to be; `match` is None for a line of the article."""

    text: str
    match: Optional[Match]


def classify(line: str, rules: Rules, active: Sequence[_Compiled], slack: float = 0.0) -> Optional[Match]:
    """Return the rule that a single line falls under by its own wording, else None."""
    if len(line) > MAX_LINE:
        return None
    if (stray := _stray(line)) is not None:
        return stray
    found = tokens(line, rules.months)
    if not found or len(found) > 2 * MAX_RULE_WORDS:
        return None
    joined = "".join(t.text + " " for t in found)
    heads = _leading(found)
    for compiled in active:
        for name, kind, starts, patterns in compiled.rules:
            if starts is not None and not starts & heads:
                continue
            for pattern in patterns:
                if (hit := pattern.match(joined)) is not None:
                    slots = {k: _original(line, found, joined, *hit.span(k)) for k in hit.groupdict() if hit[k]}
                    if _plausible(slots, rules.agency_words):
                        return Match(name, kind, slots)
    if slack or not is_prose(line) or len(line) < 200:
        words = [t.text for t in found if t.text[0].isalpha()]
        if len(words) <= MAX_RULE_WORDS:
            for compiled in active:
                for vocabulary in compiled.vocabularies:
                    if vocabulary.holds(words, slack):
                        return Match(vocabulary.name, vocabulary.kind)
    return None


def _leading(found: Sequence[Token]) -> set[str]:
    """The tokens a template may start at: the first, and those behind bullets and arrows."""
    heads = set()
    for token in found[:5]:
        heads.add(token.text)
        if token.text[0].isalnum():
            break
    return heads


def _original(line: str, found: Sequence[Token], joined: str, start: int, end: int) -> str:
    """What stands in the line for a stretch of its folded tokens."""
    first = joined.count(" ", 0, start)
    last = joined.count(" ", 0, end) - 1
    return line[found[first].start : found[last].end].strip() if last >= first else ""


def _plausible(slots: dict[str, str], agency_words: frozenset[str]) -> bool:
    """Whether what the slots caught has the shape they ask for."""
    if (headline := slots.get("headline")) is not None and not is_headline(headline):
        return False
    if (name := slots.get("name")) is not None and not is_name(name):
        return False
    if (source := slots.get("source")) is not None and not is_source(source):
        return False
    if (section := slots.get("section")) is not None and not is_name(section, most=5):
        return False
    if (items := slots.get("list")) is not None and not _is_list(items):
        return False
    return (credit := slots.get("credit")) is None or _is_credit(credit, agency_words)


def _is_credit(text: str, agency_words: frozenset[str]) -> bool:
    words = [w for w in words_of(text) if fold(w) not in agency_words]
    return len(text) <= 110 and (not words or is_name(" ".join(words), most=12)) and not re.search(r"[!?;“”]", text)


def _is_list(text: str) -> bool:
    """Tags: a few short items between commas or other separators."""
    items = [item for item in re.split(r"[,،;|•#/·]", text) if item.strip()]
    return len(text) <= 300 and text[-1] not in ".!?" and all(len(item.split()) <= 5 for item in items)


def _stray(line: str) -> Optional[Match]:
    if _STRAY.fullmatch(line) or _HANDLE.fullmatch(line):
        return Match("any.stray", "stray")
    if line.isalpha() and line.islower() and has_case(line) and len(line) <= 14:
        return Match("any.stray-word", "stray")
    return None


def credit_line(line: str, agencies: Sequence[tuple[str, ...]]) -> bool:
    """Whether a whole line is a picture credit by its shape: an agency with a name beside it, or two names and a slash.

    `AP Photo/Jonas Reed`, `Mara Keller via Getty Images`, `dpa / Holger Brandt`.
    """
    if len(line) > 90 or line[-1] in ".!?:;," or not is_name(re.sub(r"[/|&+]", " ", line), most=9):
        return False
    words = [t.text for t in tokens(line, {}) if t.text.isalnum()]
    signed = any(_holds(words, agency) for agency in agencies)
    parts = [part for part in re.split(r"\s*/\s*", line) if part]
    if len(parts) in (2, 3) and "/" in line:
        return signed or all(1 <= len(words_of(p)) <= 4 and not re.search(r"\d{3}", p) for p in parts)
    return signed and (bool({"via", "images", "photo", "handout", "pool", "picture"} & set(words)) or len(words) <= 2)


def _holds(words: Sequence[str], row: Sequence[str]) -> bool:
    size = len(row)
    return any(tuple(words[i : i + size]) == tuple(row) for i in range(len(words) - size + 1))


def is_stamp(found: Sequence[Token]) -> bool:
    """Whether a line holds a date or a time and hardly anything else."""
    words = [t.text for t in found if t.text[0].isalnum() or t.text[0] == "§"]
    marks = sum(w in (DATE, TIME) for w in words)
    return marks > 0 and len(words) - marks <= 3
