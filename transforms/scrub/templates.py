"""Templates: the small language in which rules describe a line.

`{a|b}` is a choice, `[a|b]` may be absent, `word*` is any word that begins so, `<slot>` stands for what varies. A
template becomes a pattern over a line's folded tokens, each followed by one space; every repetition in it is bounded.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from transforms.scrub.words import DATE, TIME, tokens

SLOTS: Final = {
    "n": r"\d+ (?:[.,:/ ]{0,2}\d+ ){0,3}(?:[kmк] )?",
    "date": rf"(?:{DATE}) ",
    "time": rf"(?:{TIME}) ",
    "sep": r"(?:[:|»›>/•·|←→▶►*…©-] ){1,4}",
    "headline": r"(?P<headline>\S.*)",
    "name": r"(?P<name>(?:\S+ ){1,7}?)",
    "person": r"(?P<person>(?:\S+ ){2,4}?)",
    "source": r"(?P<source>(?:\S+ ){1,8}?)",
    "agency": r"(?P<agency>(?:\S+ ){1,6}?)",
    "credit": r"(?P<credit>(?:\S+ ){1,14}?)",
    "caption": r"(?P<caption>(?:\S+ ){2,60}?)",
    "scene": r"(?P<caption>(?:\S+ ){5,60}?)",
    "section": r"(?P<section>(?:\S+ ){1,5}?)",
    "any": r"(?:\S+ ){1,14}",
    "text": r"(?:\S+ ){1,60}",
    "words": r"(?:['\w-]+ ){1,7}",
    "few": r"(?:\S+ ){1,5}",
    "list": r"(?P<list>\S.*)",
}
_TOKENS: Final = {"<date>": DATE, "<time>": TIME}  # slots that stand for one token
OPEN: Final = "any"  # how the names of the groups begin that tell what `<any>` and `<few>` caught
_PIECE = re.compile(r"<\w+>|[{}|\[\]]|[^\s{}|\[\]]+")
_PAIRS: Final = {"{": "}", "[": "]"}
_LEAD: Final = r"(?:[^\w\s(] ){0,4}"
_TRAIL: Final = r"(?:[^\w\s)]{1,3} ){0,4}$"


def compile_template(template: str) -> re.Pattern[str]:
    """Return the pattern of a template for a whole line; bullets before it and signs behind it are let pass."""
    return re.compile(_LEAD + pattern_of(template) + _TRAIL)


def pattern_of(template: str) -> str:
    """A template as the pattern of a line's folded tokens, each followed by a space.

    Of alternatives the longest is tried first, "photo credit" before "photo", and those with slots last.

    Raises:
        ValueError: its brackets do not pair.
    """
    groups: list[tuple[str, list[str]]] = [("", [""])]  # (opening bracket, alternatives so far)
    number = count()
    for piece in _PIECE.findall(template):
        if piece in "{[":
            groups.append((piece, [""]))
        elif piece == "|":
            groups[-1][1].append("")
        elif piece in "}]":
            bracket, ways = groups.pop()
            if _PAIRS.get(bracket) != piece:
                raise ValueError("brackets do not pair")
            group = "(?:" + "|".join(sorted(ways, key=_openness)) + ")"
            groups[-1][1][-1] += group + ("?" if piece == "]" else "")
        else:
            groups[-1][1][-1] += _slot(piece[1:-1], number) if piece[0] == "<" and piece[-1] == ">" else _word(piece)
    if len(groups) != 1 or len(groups[0][1]) != 1:
        raise ValueError("brackets do not pair")
    return groups[0][1][0]


def _slot(name: str, number: Iterator[int]) -> str:
    """The pattern of a slot; what each open one catches is told by a group of its own."""
    return f"(?P<{OPEN}{next(number)}>{SLOTS[name]})" if name in ("any", "few") else SLOTS[name]


def words_of_template(template: str) -> Iterator[str]:
    """The words that a template names, without those that are the beginning of words."""
    for piece in _PIECE.findall(template):
        if piece[0] not in "<{}[]|" and not piece.endswith("*"):
            yield from tokens(piece, {})


def _openness(pattern: str) -> tuple[bool, int]:
    return ("(?P<" in pattern or r"\S+" in pattern, -len(pattern))


def _word(word: str) -> str:
    texts = tokens(word.rstrip("*") if word.endswith("*") and word != "*" else word, {})
    if word.endswith("*") and word != "*":
        *first, last = texts
        return "".join(re.escape(t) + " " for t in first) + re.escape(last) + r"\w* "
    return "".join(re.escape(t) + " " for t in texts)


def literal_sets(template: str) -> list[frozenset[str]]:
    """For each part of a template the words one of which a match must hold there; empty where it may hold any."""
    sets: list[frozenset[str]] = []
    depth = 0
    starts: list[str] = []  # of the group that is open: the first piece of each alternative
    before = "{"
    for piece in _PIECE.findall(template):
        if piece in "{[":
            depth += 1
            starts = [] if depth == 1 else [*starts, *([piece] if before in "{|" else [])]
        elif piece in "}]":
            depth -= 1
            if depth == 0:
                sets.append(_first_words(starts) if piece == "}" else frozenset())
        elif depth == 0:
            sets.append(_first_words([piece]))
        elif depth == 1 and before in "{[|" and piece != "|":
            starts.append(piece)
        before = piece
    return sets


def _first_words(pieces: Sequence[str]) -> frozenset[str]:
    if any((piece[0] in "<{[" and piece not in _TOKENS) or piece.endswith("*") for piece in pieces):
        return frozenset()
    return frozenset(_TOKENS.get(piece) or tokens(piece, {})[0] for piece in pieces)
