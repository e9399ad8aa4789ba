"""Scrub: text as a careless scraper left it in, paragraphs and structured leftovers out."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Optional

from schemas.records import Caption, Removal
from transforms.scrub.characters import clean_characters
from transforms.scrub.datelines import split_dateline
from transforms.scrub.glue import frequencies, unglue
from transforms.scrub.leaked_code import code_lines
from transforms.scrub.lines import classify, credit_line
from transforms.scrub.repair import join_broken, join_divided
from transforms.scrub.rules import Match, Rules
from transforms.scrub.shapes import is_headline, is_prose, words_of
from transforms.scrub.words import find_date, fold

MUCH: Final = 0.2  # a larger share of the text removed is worth a warning: a wrong rule shows here first
MAX_HEAD_LINES: Final = 4  # unexplained short lines before the first paragraph that may be title and subtitle
DEK_OVERLAP: Final = 0.8  # share of a subtitle's words that the paragraphs below it use again
DEK_REACH: Final = 3  # of these paragraphs
_SAME_TITLE: Final = 0.8


class Scrubbed(NamedTuple):
    """A clean text, and what its removed lines told."""

    title: str
    text: str  # paragraphs separated by a blank line
    dateline: str  # without its closing dash
    source: str  # who the text is credited to: "Source: …", "via …"
    captions: Sequence[str]
    credits: Sequence[str]
    published_at: Optional[str]  # ISO 8601 as far as the text tells: a day, or a second; no zone
    outlet: str  # of a scraper's prefix, "… - From: Levant Wire"
    removals: Sequence[Removal]
    warnings: Sequence[str]
    subtitle: str
    pictures: Sequence[Caption]  # captions with their credits


class _Work:
    """A text on its way through the steps: its lines, what each is, and the fields found so far."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self.found: list[Optional[Match]] = [None] * len(lines)
        self.removals: list[Removal] = []
        self.title = self.subtitle = self.source = self.outlet = self.dateline = ""
        self.published_at: Optional[str] = None
        self.pictures: list[Caption] = []

    def open(self) -> list[int]:
        """Numbers of the lines still taken for the article's."""
        return [i for i, match in enumerate(self.found) if match is None]

    def take(self, at: int, rule: str, kind: str = "stray") -> None:
        """Take a line out of the article."""
        self.found[at] = Match(rule, kind)  # type: ignore[arg-type]

    def picture(self, caption: str, credit: str) -> None:
        """Note a caption or credit once."""
        if any(caption == p.text and credit == p.credit for p in self.pictures):
            return
        self.pictures.append(Caption(caption, credit))


def scrub(text: str, language: Optional[str], rules: Rules, title: str = "") -> Scrubbed:
    """Return `text` without what is no part of the article; paragraphs that need no repair come back unchanged.

    `language` is what is known of it, None where nothing is; `title` the article's where the page tells it.
    Scrubbing twice gives the same text as scrubbing once.
    """
    mended = clean_characters(text)
    lines = [line for line in (row.strip() for row in mended.split("\n")) if line]
    work = _Work(lines)
    _take_code(work)
    _take_furniture(work, rules, language)
    _take_doubles(work)
    _take_head(work, title)
    _take_tail(work)
    _read_fields(work, rules)
    paragraphs = [work.lines[i] for i in work.open()]
    paragraphs = _read_dateline(work, paragraphs)
    paragraphs = join_broken(paragraphs)
    base = (language or "en").split("-")[0]
    paragraphs = _repair_words(paragraphs, base, rules)
    removals = [
        Removal(match.rule, line) for line, match in zip(work.lines, work.found, strict=True) if match is not None
    ] + work.removals
    return Scrubbed(
        work.title,
        "\n\n".join(paragraphs),
        work.dateline,
        work.source,
        [p.text for p in work.pictures if p.text],
        list(dict.fromkeys(p.credit for p in work.pictures if p.credit)),
        work.published_at,
        work.outlet,
        removals,
        _warnings(mended, removals),
        work.subtitle,
        work.pictures,
    )


def _warnings(text: str, removals: Sequence[Removal]) -> list[str]:
    total, gone = len(text), sum(len(r.text) for r in removals)
    return [f"scrub removed {gone / total:.0%} of the text"] if total and gone > MUCH * total else []


def _take_code(work: _Work) -> None:
    for at, (prose, code) in enumerate(code_lines(work.lines)):
        if code and prose:
            work.lines[at] = prose
            work.removals.append(Removal("code.inline", code))
        elif code:
            work.take(at, "code.line")


def _take_furniture(work: _Work, rules: Rules, language: Optional[str]) -> None:
    """Lines that a rule names, the headlines a list of teasers opens, and doubtful lines beside them."""
    active = rules.of(language)
    for at in work.open():
        line = work.lines[at]
        work.found[at] = classify(line, rules, active)
        if work.found[at] is None and credit_line(line, rules.agencies):
            work.found[at] = Match("any.credit-shape", "credit", {"credit": line})
    for at in work.open():
        beside = [work.found[k] for k in (at - 1, at + 1) if 0 <= k < len(work.lines)]
        if any(m is not None and m.kind not in ("credit", "prefix", "stray") for m in beside):
            work.found[at] = classify(work.lines[at], rules, active, slack=0.2)
    for at, match in enumerate(work.found):
        if match is not None and match.kind == "teasers":
            _take_headlines(work, at + 1)


def _take_headlines(work: _Work, at: int) -> None:
    """Headlines that follow a label such as "Related stories"."""
    while at < len(work.lines) and work.found[at] is None and is_headline(work.lines[at]):
        line = work.lines[at]
        if is_prose(line) or len(words_of(line)) < 3:
            return
        work.take(at, "any.teaser-headline", "teasers")
        at += 1


def _take_doubles(work: _Work) -> None:
    """A short line twice running is a caption and its alternative text; a paragraph twice is a paragraph too many."""
    places = work.open()
    for first, second in pairwise(places):
        line = work.lines[first]
        if line == work.lines[second] and not is_prose(line) and work.found[first] is None:
            work.take(first, "any.doubled-caption")
            work.take(second, "any.doubled-caption")
            work.picture(line, "")
    seen: set[str] = set()
    for at in work.open():
        line = work.lines[at]
        if is_prose(line) and line in seen:
            work.take(at, "any.duplicate")
        seen.add(line)


def _take_head(work: _Work, title: str) -> None:
    """Title and subtitle: short lines before the first paragraph, and lines that repeat the title."""
    places = work.open()
    body = next((n for n, i in enumerate(places) if is_prose(work.lines[i])), len(places))
    if body == len(places):
        return
    head = [i for i in places[:body] if len(words_of(work.lines[i])) >= 2 or len(work.lines[i]) > 12]
    wanted = title or (work.lines[head[0]] if head else "")
    if not 0 < len(head) <= MAX_HEAD_LINES or (title and not any(_same(work.lines[i], title) for i in head)):
        head = []
    for i in head:
        line = work.lines[i]
        if not work.title and (not title or _same(line, title)):
            work.title = line
            work.take(i, "any.title")
        elif _same(line, wanted):
            work.take(i, "any.title-again")
        else:
            work.subtitle = work.subtitle or line
            work.take(i, "any.subtitle")
    rest = [i for i in places[body:] if work.found[i] is None]
    if work.title and not work.subtitle and len(rest) > DEK_REACH and _is_dek(work, rest):
        work.subtitle = work.lines[rest[0]]
        work.take(rest[0], "any.subtitle")


def _same(line: str, title: str) -> bool:
    """Whether a line is the title, give or take a site's suffix."""
    one, other = (set(map(fold, words_of(t))) for t in (line, title))
    return bool(one and other) and len(one & other) >= _SAME_TITLE * max(len(one), len(other))


def _is_dek(work: _Work, rest: Sequence[int]) -> bool:
    """Whether the first paragraph only sums up those below it."""
    first = work.lines[rest[0]]
    stems = {fold(w)[:5] for w in words_of(first) if len(w) > 3}
    below = {fold(w)[:5] for i in rest[1 : 1 + DEK_REACH] for w in words_of(work.lines[i])}
    return len(first) <= 260 and len(stems) >= 8 and len(stems & below) >= DEK_OVERLAP * len(stems)


def _take_tail(work: _Work) -> None:
    """Headlines after the last paragraph go once any furniture has begun there."""
    last = max((i for i in work.open() if is_prose(work.lines[i])), default=None)
    if last is None:
        return
    begun = False
    for i in range(last + 1, len(work.lines)):
        if work.found[i] is not None:
            begun = True
        elif begun:
            work.take(i, "any.tail")


def _read_fields(work: _Work, rules: Rules) -> None:
    """What the removed lines tell: captions, credits, source, date, outlet."""
    for line, match in zip(work.lines, work.found, strict=True):
        if match is None:
            continue
        slots = match.slots
        if match.kind == "credit":
            work.picture(_caption(slots.get("caption", "")), slots.get("credit", ""))
        elif match.kind == "source":
            work.source = work.source or slots.get("source", "").strip(" .")
        elif match.kind == "prefix":
            work.published_at = work.published_at or find_date(line, rules.months)
            work.outlet = work.outlet or slots.get("source", "")
    captions = {p.text for p in work.pictures if p.text}
    for at in work.open():
        if work.lines[at] in captions:
            work.take(at, "any.caption-again")


_FILE = re.compile(r"^\s*(?:FILE|File|ARCHIVE?|Archiv)\s*(?:PHOTO|Photo|photo)?\s*[-–—:]+\s*")


def _caption(text: str) -> str:
    return _FILE.sub("", text).strip().rstrip(" .|/-–—([")


def _read_dateline(work: _Work, paragraphs: list[str]) -> list[str]:
    if not paragraphs:
        return paragraphs
    found = split_dateline(paragraphs[0])
    if found is None:
        return paragraphs
    work.dateline = found.dateline
    work.removals.append(Removal("any.dateline", paragraphs[0][: len(paragraphs[0]) - len(found.rest)]))
    return [found.rest, *paragraphs[1:]]


def _repair_words(paragraphs: list[str], language: str, rules: Rules) -> list[str]:
    if any("- " in p for p in paragraphs):
        known, hanging = frequencies(language), rules.hanging
        paragraphs = [join_divided(p, known, hanging) for p in paragraphs]
    return unglue(paragraphs, language, rules.names, rules.letters(language))
