"""Lines: which of them are the article, and what the others are.

A line is judged by the rules of its languages, then by its shape, its place (before the first paragraph, after the
last) and its neighbours. A line between paragraphs that no rule knows is the article's own: subheadings, list items and
short quotations look like furniture and are none.
"""

import re
from collections.abc import Sequence
from typing import Final, Optional

from transforms.scrub.credits import MAX_CAPTIONED, MAX_CREDIT_LINE, credit_line, is_credit, names_agencies
from transforms.scrub.frames import ARTICLES, CLITIC, MAX_FRAMED, MAX_UNSIGNED, read_frame
from transforms.scrub.languages import MAX_RULE_WORDS, Active, Match
from transforms.scrub.lexicon import CALLS
from transforms.scrub.rules import Rules
from transforms.scrub.scraps import stray
from transforms.scrub.shapes import (
    FULL_STOP,
    INITIALS,
    NEXT_SENTENCE,
    ends_sentence,
    has_case,
    is_headline,
    is_name,
    is_person,
    is_prose,
    is_source,
    reports_speech,
    words_of,
)
from transforms.scrub.templates import OPEN
from transforms.scrub.words import DATE, MAX_LINE, TIME, fold, names_in, plain_tokens, stretch, tokens

MIN_SENTENCE_SPACES: Final = 7  # of a line that ends in a full stop: "Read more about this here." is shorter
MAX_TEMPLATE_LINE: Final = 200  # characters; of longer paragraphs only the vocabularies are asked

_NEVER_SENTENCES: Final = frozenset(("teaser", "teasers", "breadcrumb", "tags", "share", "languages", "prefix"))
"""Kinds whose lines end as no sentence does; headlines and names in their slots apart, but for a byline's."""

_OWNED: Final = frozenset(("©", "copyright"))  # signs of a footer that hold whatever else its line tells
MAX_UNICASE_SOURCE: Final = 3  # words of an outlet's name where no capital tells it from a sentence
_QUOTES: Final = '“„«"'
_QUOTATION = re.compile(r"\W*[“„«\"].*[”“»\"]\W*")
_NAMING = re.compile(r"[A-ZÀ-ÞЀ-Я]|[^\W\d_a-zß-ÿа-џ]")  # "la" and "1563" name nobody
_LABELLED = re.compile(r"\W{0,5}(?P<label>\w[^:|>›»]{3,45}?)\s*[:|>›»]\s*(?P<headline>\w\S*\s+\S+\s+\S.*)")
_LABEL_STARTS = re.compile(r"\s*[(\[|—–©•]\s*|[.,،]\s+|\s[/-]\s|\s")
MIN_LABELLED_CAPTION: Final = 10  # characters
_HOURS = re.compile(r"\d{1,2}\s?[.h]\s?\d{2}\b")  # "18.05", where no "Uhr" tells it
_RUN_TOGETHER = re.compile(r"[A-Z][a-z]+(?=[A-Z]|$)")  # "FacebookTwitterWhatsApp"
_ARROW = re.compile(r"(?:>{1,3}\s*|[»›→►▶➜➤▸⇒☛]\s+)\w")


def classify(line: str, rules: Rules, active: Active, *, near: bool = False) -> Optional[Match]:
    """Return the rule that a single line falls under by its own wording, else None.

    `near` says that a neighbour is furniture: then a vocabulary asks for less.
    """
    if len(line) > MAX_LINE:
        return None
    if len(line) >= MAX_TEMPLATE_LINE and is_prose(line):
        return active.vocabulary_of(plain_tokens(line), line, near=near)
    if (match := stray(line)) is not None:
        return match
    found = tokens(line, rules.months)
    if not found or len(found) > 2 * MAX_RULE_WORDS or (line[0] in _QUOTES and _QUOTATION.fullmatch(line)):
        return None
    if " " not in line and len(run := _RUN_TOGETHER.findall(line)) > 1 and "".join(run) == line:
        return joined_kind(" ".join(run), active)
    if _ARROW.match(line) and is_headline(line):
        return Match("any.arrow", "teaser", {"headline": line})
    match = _by_template(line, found, rules, active) or _by_label(line, active)
    if match is None and (near or line[-1] not in "?؟"):  # a question is a subheading, or an interviewer's
        match = (
            active.vocabulary_of(found, line, near=near)
            or by_frame(line, found, rules, active)
            or _by_end(line, found, rules, active)
            or active.mixture_of(found, line)
        )
    reported = match is not None and match.kind != "credit" and reports_speech(line, rules.reporting)
    return None if reported else match


def by_frame(line: str, found: Sequence[str], rules: Rules, active: Active) -> Optional[Match]:
    """What a line of the tokens `found` is, if it is a name in a frame."""
    if len(found) > MAX_FRAMED or active.framing.isdisjoint(found):
        return None
    for language in active:
        if language.framing.isdisjoint(found):
            continue
        framed = read_frame(line, found, language.frames, rules.known)
        if framed is not None:
            kind = framed.frame.kind
            slots = {str(kind): framed.held} if framed.held and kind in ("source", "credit") else {}
            return Match(framed.frame.rule, kind, slots, framed.telling if kind == "source" else ())
    return None


def _by_end(line: str, found: Sequence[str], rules: Rules, active: Active) -> Optional[Match]:
    """A caption whose end, set off by a sign, is a credit in a frame: "Smoke over the harbour | Cover image: AP".

    Without a sign before it the label is written as one, with a sign behind it: "… at dawn Photo: Mara Keller".
    """
    if len(line) > MAX_CAPTIONED or active.picturing.isdisjoint(found):
        return None
    for sign in _LABEL_STARTS.finditer(line, MIN_LABELLED_CAPTION):
        caption, label = line[: sign.start()].strip(), line[sign.end() :].rstrip(" )].")
        if not label or len(label) > MAX_CREDIT_LINE or caption.count("(") > caption.count(")"):
            continue
        if NEXT_SENTENCE.search(caption) or (not sign[0].strip() and (label[0].islower() or ":" not in label)):
            continue
        match = by_frame(label, tokens(label, rules.months), rules, active)
        if match is None or match.kind != "credit" or "credit" not in match.slots:
            continue
        slots = {"caption": caption, "credit": match.slots["credit"]}
        if sign[0].strip() or (has_case(label) and _sets_off_credit(line, slots, rules, active)):
            return Match("any.caption-with-label", "credit", slots)
    return None


def _by_template(line: str, found: Sequence[str], rules: Rules, active: Active) -> Optional[Match]:
    heads, words = _leading(found), frozenset(found)
    candidates = active.candidates(heads, words)
    if not candidates:
        return None
    joined = " ".join(found) + " "
    sentence = line.count(" ") >= MIN_SENTENCE_SPACES and ends_sentence(line) and not INITIALS.search(line)
    for template in candidates:
        if (hit := template.pattern.match(joined)) is not None:
            slots = {}
            spans = hit.groupdict()
            if template.kind in CALLS and _OWNED.isdisjoint(words):
                opened = [word for slot in spans if slot.startswith(OPEN) for word in (hit[slot] or "").split()]
                if "@" in opened:  # what follows is an address
                    opened = opened[: max(0, opened.index("@") - 1)]
                spoken = template.kind == "footer" or not ends_sentence(line) or template.lexicon.speaks(words)
                if opened and not template.lexicon.makes(opened, names_in(line), spoken=spoken):
                    continue
            for slot in spans:
                if slot.startswith(OPEN):
                    continue
                first, last = joined.count(" ", 0, hit.start(slot)), joined.count(" ", 0, hit.end(slot)) - 1
                if hit[slot] and last >= first:
                    slots[slot] = stretch(line, rules.months, first, last)
            if "source" in slots:
                slots["source"] = _bare(line, slots["source"])
            if template.kind == "prefix" and "source" in slots:
                if _labels_date(slots["source"], rules):
                    del slots["source"]
                elif name := _signed_by(slots["source"], rules):
                    slots = {"name": name}
            if "source" in slots and not _names_outlet(slots["source"], joined[: hit.start("source")], rules):
                continue
            if "agency" in slots:
                if not names_agencies(slots["agency"], rules.agencies):
                    continue
                slots["source"] = slots.pop("agency")
            if {"caption", "credit"} <= slots.keys() and not _sets_off_credit(line, slots, rules, active):
                continue
            vague = template.kind == "stray" and any(spans[slot] for slot in spans if slot.startswith(OPEN))
            told = (
                sentence and (vague or template.kind in _NEVER_SENTENCES) and (not slots or template.kind == "prefix")
            )
            if not told and _plausible(slots, rules.agency_words):
                return Match(template.rule, template.kind, slots)
    return None


def _by_label(line: str, active: Active) -> Optional[Match]:
    """A headline behind a label that is made of the words for such labels: "Previously on this topic: Storm hits"."""
    found = _LABELLED.fullmatch(line)
    if found is None or not is_headline(found["headline"]) or found["headline"][0].islower():
        return None
    label = active.vocabulary_of(plain_tokens(found["label"]), found["label"], near=False)
    if label is None or label.kind != "teaser" or ends_sentence(line):
        return None
    return label._replace(slots={"headline": found["headline"]}, telling=())


def joined_kind(run: str, active: Active) -> Optional[Match]:
    """Return the vocabulary that several very short lines, read as one, are made of."""
    match = active.vocabulary_of(plain_tokens(run), run, near=False) if run else None
    return match if match is None or match.kind != "teaser" else None  # a label of teasers is one line


def _leading(found: Sequence[str]) -> set[str]:
    """The tokens a template may start at: the first, and those behind bullets and arrows."""
    heads = set()
    for token in found[:5]:
        heads.add(token)
        if token[0].isalnum():
            break
    return heads


def _plausible(slots: dict[str, str], agency_words: frozenset[str]) -> bool:
    """Whether what the slots caught has the shape they ask for."""
    headline = slots.get("headline")
    if headline is not None and not (is_headline(headline) and FULL_STOP.search(headline) is None):
        return False
    if (name := slots.get("name", slots.get("person"))) is not None and not (is_name(name) and _NAMING.search(name)):
        return False
    if (section := slots.get("section")) is not None and not is_name(section, most=5):
        return False
    if (items := slots.get("list")) is not None and not _is_list(items):
        return False
    return (credit := slots.get("credit")) is None or is_credit(credit, agency_words)


def _bare(line: str, source: str) -> str:
    """A source with the article that its name begins with ("aus Der Standard"), without a preposition grown to it."""
    words = line[: line.rfind(source)].split()
    article = f"{words[-1]} " if len(words) > 1 and words[-1].istitle() and fold(words[-1]) in ARTICLES else ""
    return article + CLITIC.sub("", source, count=1)


def _names_outlet(source: str, before: str, rules: Rules) -> bool:
    """Whether a source is written as one: behind a sign ("Source » jpost") any word may be, else a name or address.

    Where no capital tells a name a longer one asks for the sign; a place or day is none.
    """
    if (
        source[0] in ":|,;"
        or ":" in source
        or not {DATE, TIME}.isdisjoint(tokens(source, rules.months))
        or _HOURS.match(source)
        or not is_source(source)
        or fold(source) in rules.weekdays
    ):
        return False
    if not has_case(source) and len(words_of(source)) > MAX_UNICASE_SOURCE and fold(source) not in rules.agency_names:
        return False
    if not before.rstrip()[-1:].isalnum():
        return True
    if fold(source) in rules.places or (not has_case(source) and len(source.split()) > MAX_UNSIGNED):
        return False
    return is_name(source, most=6) or not source.isalpha() or fold(source) in rules.agency_words


def _labels_date(source: str, rules: Rules) -> bool:
    """Whether what stands beside a date is no outlet, but tells what happened on it, or where: "Updated", "Basra"."""
    words = frozenset(map(fold, words_of(source)))
    if rules.stamp_words.isdisjoint(words):
        return fold(source) in rules.places
    return any(words <= stamp.words and not words.isdisjoint(stamp.anchors) for stamp in rules.stamps)


def _signed_by(source: str, rules: Rules) -> str:
    """Who wrote the text, if what stands beside a date is a byline and no outlet: "By Mara Keller"; else nothing."""
    lead, _, name = source.partition(" ")
    signed = fold(lead) in rules.byline_words and is_person(name) and not names_agencies(name, rules.agencies)
    return name if signed else ""


def _sets_off_credit(line: str, slots: dict[str, str], rules: Rules, active: Active) -> bool:
    """Whether a label without a sign before it begins a credit, and does not end a sentence: "He drew a photo: …".

    An agency may follow any label; a person's name one in a capital, and behind no article.
    """
    if slots["caption"].count("(") != slots["caption"].count(")"):  # the label is a part of what stands in brackets
        return False
    before, _, behind = line.partition(slots["caption"])
    label = behind.rpartition(slots["credit"])[0].strip()
    if before.strip() or not label[:1].isalpha() or credit_line(slots["credit"], rules):
        return True
    if has_case(label) and label[0].islower():
        return False
    last = fold(slots["caption"].split()[-1])
    return not any(language.is_common(last) for language in active)


def _is_list(text: str) -> bool:
    """Tags: a few short items between commas or other separators."""
    items = [item for item in re.split(r"[,،;|•#/·]", text) if item.strip()]
    return len(text) <= 300 and text[-1] not in ".!?" and all(len(item.split()) <= 5 for item in items)
