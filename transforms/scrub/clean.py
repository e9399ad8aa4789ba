"""Scrub: text as a careless scraper left it in, paragraphs and structured leftovers out."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, Optional

from schemas.records import Caption, Removal
from transforms.scrub.characters import clean_characters, is_damaged
from transforms.scrub.datelines import is_label, split_dateline
from transforms.scrub.draft import Draft
from transforms.scrub.frequencies import frequencies
from transforms.scrub.furniture import leave_notes, take_furniture
from transforms.scrub.glue import unglue
from transforms.scrub.languages import Active, Match
from transforms.scrub.leaked_code import code_lines, is_doubtful
from transforms.scrub.places import (
    take_captions,
    take_dateline,
    take_doubles,
    take_head,
    take_scraps,
)
from transforms.scrub.repair import COMPOUNDING, join_broken, join_divided
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import is_prose, is_source
from transforms.scrub.tail import take_signature, take_tail
from transforms.scrub.words import find_date

MAX_ROUNDS: Final = 3  # until a text stays as it is: nearly always after the second
MUCH: Final = 0.2  # a larger share of the text removed is worth a warning: a wrong rule shows here first
DEK_LINES: Final = 2  # lines that may stand above the paragraph with the dateline
REPEAT_REACH: Final = 2  # paragraphs from the start that may stand twice, as summary and as text
SAMPLE_CHARS: Final = 2_000  # of a text, to tell its language by
MIN_ENGLISH: Final = 0.12  # share of these words; English news has .20 to .30, other languages below .05
_ENGLISH: Final = frozenset(("the", "of", "and", "to", "a", "that", "was", "for", "is", "with", "on", "by", "from"))
_MOVED: Final = frozenset(("any.title", "any.subtitle", "any.dateline"))  # told by a field of their own, and not lost
_ARCHIVED = re.compile(  # behind a credit
    r"\s?[,،]\s?(?:file|archive?s?|archiv|archivo|archivio|arquivo|arşiv|arşîv|архив|архів|أرشيف|ارشيف|آرشیو|ארכיון)\.?$",
    re.IGNORECASE,
)
_FILE_PHOTO = re.compile(r"^\s*(?:FILE|File|ARCHIVE?|Archiv)\s*(?:PHOTO|Photo|photo)?\s*[-–—:]+\s*")


_Judged = dict[Active, dict[str, Optional[Match]]]  # by the rules that were asked, what lines are by their own wording


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


def scrub(text: str, language: Optional[str], rules: Rules, title: str = "") -> Scrubbed:
    """Return `text` without what is no part of the article; paragraphs that need no repair come back unchanged.

    `language` is what is known of it, None where nothing is; `title` the article's where the page tells it.
    Scrubbing twice gives the same text as scrubbing once.
    """
    mended = clean_characters(text)
    dirty = is_damaged(text, mended)
    judged: _Judged = {}
    clean = _scrub_once(mended, language, rules, title, judged, dirty=dirty)
    dirty = dirty or len(clean.removals) > 1
    for _ in range(MAX_ROUNDS):
        whole = all(removal.rule == "any.dateline" for removal in clean.removals)
        if whole and len(clean.text.split("\n\n")) == len(_lines(mended)):  # and so nothing has a new place
            break
        mended = clean_characters(clean.text)
        again = _scrub_once(mended, language, rules, title or clean.title, judged, dirty=dirty)
        if again.text == clean.text:
            break
        clean = _merged(clean, again)  # what went had hidden something: seldom
    return clean


def _merged(first: Scrubbed, again: Scrubbed) -> Scrubbed:
    """The text of a later round, with what both told; what the first told goes before."""
    return Scrubbed(
        title=first.title or again.title,
        text=again.text,
        dateline=first.dateline or again.dateline,
        source=first.source or again.source,
        captions=list(dict.fromkeys([*first.captions, *again.captions])),
        credits=list(dict.fromkeys([*first.credits, *again.credits])),
        published_at=first.published_at or again.published_at,
        outlet=first.outlet or again.outlet,
        removals=[*first.removals, *again.removals],
        warnings=list(dict.fromkeys([*first.warnings, *again.warnings])),
        subtitle=first.subtitle or again.subtitle,
        pictures=_told_once([*first.pictures, *again.pictures]),
    )


def _lines(text: str) -> list[str]:
    return [line for line in (row.strip() for row in text.split("\n")) if line]


def _scrub_once(
    text: str, language: Optional[str], rules: Rules, title: str, judged: _Judged, *, dirty: bool
) -> Scrubbed:
    draft = Draft(_lines(text))
    _take_code(draft)
    active = rules.of(language, text[:SAMPLE_CHARS])
    take_dateline(draft, rules, active)
    take_furniture(draft, rules, active, judged.setdefault(active, {}))
    take_signature(draft, rules, active)
    take_scraps(draft)
    take_captions(draft)
    take_doubles(draft)
    stopped = rules.stops_datelines(language, text[:SAMPLE_CHARS])
    take_head(draft, title, rules, dirty=dirty, stopped=stopped)
    take_tail(draft, rules, active)
    _read_fields(draft, rules)
    if not dirty:
        leave_notes(draft)
    joined = join_broken([draft.lines[at] for at in draft.open()])
    repaired = _repair_words(_without_dateline(draft, joined, rules, stopped), language, rules)
    paragraphs = _drop_repeats(draft, repaired)
    removals = draft.removals()
    return Scrubbed(
        title=draft.title,
        text="\n\n".join(paragraphs),
        dateline=draft.dateline,
        source=draft.source,
        captions=list(dict.fromkeys(picture.text for picture in draft.pictures if picture.text)),
        credits=list(dict.fromkeys(picture.credit for picture in draft.pictures if picture.credit)),
        published_at=draft.published_at,
        outlet=draft.outlet,
        removals=removals,
        warnings=[*draft.warnings, *_warnings(text, removals)],
        subtitle=draft.subtitle,
        pictures=_told_once(draft.pictures),
    )


def _told_once(pictures: Sequence[Caption]) -> list[Caption]:
    """The pictures without credits that stand alone a second time: below the caption they also stand behind."""
    captioned = {picture.credit for picture in pictures if picture.text}
    return [picture for picture in dict.fromkeys(pictures) if picture.text or picture.credit not in captioned]


def _warnings(text: str, removals: Sequence[Removal]) -> list[str]:
    gone = sum(len(removal.text) for removal in removals if removal.rule not in _MOVED)
    return [f"scrub removed {gone / len(text):.0%} of the text"] if gone > MUCH * len(text) else []


def _take_code(draft: Draft) -> None:
    parts = code_lines(draft.lines)
    if is_doubtful(parts):
        draft.warnings.append("scrub kept a text that looks like code")
        return
    for at, (prose, code) in enumerate(parts):
        if code and prose:
            draft.lines[at] = prose
            draft.cut += [Removal("any.code-in-prose", run) for run in code]
        elif code:
            draft.take(at, "any.code", "code")


def _read_fields(draft: Draft, rules: Rules) -> None:
    """What the removed lines tell: captions, credits, source, date, outlet."""
    for line, match in zip(draft.lines, draft.found, strict=True):
        if match is None:
            continue
        slots = match.slots
        if match.kind == "credit" and slots:
            caption = _FILE_PHOTO.sub("", slots.get("caption", "")).strip(" ,").rstrip(" .|/-–—([")
            draft.pictures.append(Caption(caption, _ARCHIVED.sub("", slots.get("credit", "").strip(" .,()[]"))))
        elif match.kind == "source":
            draft.source = draft.source or slots.get("source", "").strip(" .()[]")
        elif match.kind == "prefix":
            draft.published_at = draft.published_at or find_date(line, rules.months)
            draft.outlet = draft.outlet or slots.get("source", "")
    captions = {picture.text for picture in draft.pictures if picture.text}
    for at in draft.open():
        if draft.lines[at] in captions:
            draft.take(at, "any.caption-again", "credit")


def _without_dateline(draft: Draft, paragraphs: list[str], rules: Rules, stopped: bool) -> list[str]:
    """The paragraphs without the dateline that opens the first; `stopped`: it may end with a full stop.

    Below a subtitle or two it may open the next, if it names a known agency. A place behind an outlet's name is one
    dateline with it: "Levant Wire – BASRA:". A second whole one behind the first is a scraper's, and only goes.
    Capitals and a colon are no dateline where a later paragraph opens so, too, or the text writes them small.
    """
    out = list(paragraphs)
    for at, opening in enumerate(paragraphs[: DEK_LINES + 1]):
        if at and is_prose(out[at - 1]):
            break
        rest = opening if is_label(opening) and _is_speaker(opening, paragraphs) else None
        if rest is None:
            rest = _behind_dateline(draft, opening, rules, stopped, signed=at > 0)
        if rest != opening:
            draft.cut.append(Removal("any.dateline", opening.removesuffix(rest)))
            out[at] = rest
    return out


def _is_speaker(opening: str, paragraphs: Sequence[str]) -> bool:
    """Whether what stands before a colon opens another paragraph, too, or the text writes it small."""
    name, _, rest = opening.partition(":")
    label = re.compile(rf"\b{re.escape(name.lower())}\b")
    others = [paragraph for paragraph in paragraphs if paragraph != opening]
    return bool(label.search(rest)) or any(is_label(other) or label.search(other) for other in others)


def _behind_dateline(draft: Draft, opening: str, rules: Rules, stopped: bool, *, signed: bool) -> str:
    """A paragraph without its datelines, the first of which must name a known agency if it is to be `signed`."""
    rest = opening
    while (found := split_dateline(rest, *rules.dateline_names, stopped=stopped)) is not None:
        if signed and rest == opening and not rules.agencies.signing(found.dateline)[1]:
            break
        if not draft.dateline or is_source(draft.dateline) > draft.dateline.isupper():
            draft.dateline = opening.removesuffix(rest) + found.dateline
        rest = found.rest
    return rest


def _repair_words(paragraphs: Sequence[str], language: Optional[str], rules: Rules) -> Sequence[str]:
    """The paragraphs with divided words joined and glued ones parted, by the words of the text's language.

    A text of a language that neither is known nor shows stays as it is.
    """
    code = (language or rules.likeliest(" ".join(paragraphs)[:SAMPLE_CHARS]) or "").split("-")[0]
    if not code or (code == "en" and not _is_english(paragraphs)):
        return paragraphs
    if any("- " in paragraph for paragraph in paragraphs):
        known, hanging = frequencies(code), rules.hanging
        paragraphs = [join_divided(p, known, hanging, compounds=code in COMPOUNDING) for p in paragraphs]
    return unglue(paragraphs, code, rules.letters(code))


def _is_english(paragraphs: Sequence[str]) -> bool:
    """Whether English function words are frequent: a wrong language's words would tear the text apart."""
    words = " ".join(paragraphs)[:SAMPLE_CHARS].lower().split()
    return sum(map(_ENGLISH.__contains__, words)) >= MIN_ENGLISH * len(words)


def _drop_repeats(draft: Draft, paragraphs: Sequence[str]) -> list[str]:
    """The paragraphs without the second copy of one that stands twice: looked at last, when damage hides none.

    What stands more often is a refrain, such as an interviewer's question.
    """
    counts = Counter(paragraphs)
    out: list[str] = []
    for paragraph in paragraphs:
        if counts[paragraph] == 2 and is_prose(paragraph) and paragraph in out[:REPEAT_REACH] + out[-1:]:
            draft.cut.append(Removal("any.duplicate", paragraph))
        else:
            out.append(paragraph)
    return out
