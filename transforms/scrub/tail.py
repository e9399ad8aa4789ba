"""The tail: what signs the last paragraph and stands below it; once furniture has begun there, only more of it."""

import re
from collections.abc import Sequence
from typing import Final, Optional

from schemas.records import Removal
from transforms.scrub.credits import names_agencies
from transforms.scrub.datelines import names_place
from transforms.scrub.draft import FURNISHES, Draft, furnishes
from transforms.scrub.frames import read_frame
from transforms.scrub.languages import Active, Match
from transforms.scrub.lines import classify
from transforms.scrub.repair import join_broken
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import (
    LIST_ITEM,
    ends_sentence,
    has_case,
    is_headline,
    is_name,
    is_prose,
    is_source,
    is_statement,
    words_of,
)
from transforms.scrub.words import tokens

MAX_TAIL: Final = 20  # … behind the last one that may be scraps
MIN_FORM: Final = 2  # lines of a form, behind which even sentences are the site's
MIN_FACTS: Final = 3  # such lines as "Where: the old harbour", which end a text with what it tells
MAX_TRAILING: Final = 2  # lines behind the last paragraph that need no furniture before them
MAX_TRAILING_WORDS: Final = 12
MIN_PROSE: Final = 3  # … where there are so many paragraphs,
MOSTLY: Final = 0.8  # … and so large a share of the lines above
MAX_LABEL_WORDS: Final = 5  # above a block of headlines …
MIN_TEASER_WORDS: Final = 4  # … each of so many words,
MAX_TEASERS: Final = 12  # and not more than so many
_ENDING: Final = frozenset(("comments", "consent", "footer", "languages"))  # kinds behind which no article goes on
_SPEAKS = re.compile(
    r"[.!?؟…][\W]*$|[“”„«»\"]|[.!?؟] \w|@|://|^[(\[]"
)  # a sentence, part of a quotation, an address, or set apart
_FACT = re.compile(r"(?:[^\s:]+ ){0,3}[^\s:]+: ?\S+(?: \S+){0,7}")
_SIGNED = re.compile(r"(?:[—–]\s?|\()(?P<source>[^()]{2,50}?)\)?")  # (Levant Wire), — Levant Wire
_SIGNED_PARAGRAPH = re.compile(
    r"(?P<text>.{40,}[.!?…؟][\"”»’“]?)\s*(?P<sign>[(\[][^()\[\]]{2,60}[)\]]\.?|[—–]\s?[^—–.]{2,40}|"
    r"\S[^.:]{2,30} ?: ?[^.:]{2,40}\.?|/?\s?[^\s.:()\[\]—–/][^.:()\[\]/]{1,30}\.?)"
)
MAX_SIGNER: Final = 3  # words
MIN_SIGNED: Final = 2  # paragraphs of a text whose last one may be signed
_CAPTIONED: Final = "any.caption-with-credit"


def take_signature(draft: Draft, rules: Rules, active: Active) -> None:
    """What signs the last paragraph, behind its full stop: "… he said. (Reuters)", "… — Bloomberg", "… Source: RT".

    A caption with its credit looks alike; but it stands above or between the paragraphs, not below all others.
    """
    own = [at for at, match in enumerate(draft.found) if match is None or match.rule == _CAPTIONED]
    if not own or sum(is_prose(draft.lines[at]) for at in own) < MIN_SIGNED:
        return
    at = own[-1]
    signed = _SIGNED_PARAGRAPH.fullmatch(draft.lines[at])
    if signed is None:
        return
    sign = signed["sign"]
    match = classify(sign, rules, active)
    inner = sign.strip("()[]—–/. ")
    if names_agencies(inner, rules.agencies):
        match = Match("any.signature", "source", {"source": inner})
    if match is not None and match.kind == "source" and "source" in match.slots:
        draft.found[at] = None
        draft.lines[at] = signed["text"]
        draft.cut.append(Removal("any.signature", sign))
        draft.source = draft.source or match.slots["source"].strip(" .()[]")


def _is_teaser_block(lines: Sequence[str]) -> bool:
    """Whether lines are a label, such as "Popular this week", and headlines below it."""
    label, headlines = lines[:1], lines[1:]
    if not 2 <= len(headlines) <= MAX_TEASERS or label[0][-1] in ".:;,!?" or len(words_of(label[0])) > MAX_LABEL_WORDS:
        return False
    return all(
        is_headline(line)
        and len(words_of(line)) >= MIN_TEASER_WORDS
        and not line[0].islower()
        and not line[0].isdigit()
        for line in headlines
    )


def _signs_text(line: str, rules: Rules) -> Optional[Match]:
    """The source that signs a text on its last line; in brackets several words only if outlets are named so.

    Behind a dash stands also what somebody said: there a name must have capitals, where no agency is known by it.
    Without a sign a name of a few words, an agency's among them: "Sputnik Armenia".
    """
    if is_name(line, most=MAX_SIGNER) and rules.agencies.signing(line)[1]:
        return Match("any.signature", "source", {"source": line})
    signed = _SIGNED.fullmatch(line)
    if signed is None or ends_sentence(line) or not is_source(source := signed["source"]):
        return None
    known = " ".join(tokens(source, {})) in rules.agency_names
    if not known and not (names_place(rules.places, source) if line[0] == "(" else has_case(source)):
        return None
    return Match("any.signature", "source", {"source": source})


def _frames_source(line: str, rules: Rules, active: Active) -> Optional[Match]:
    """What a line without a word for pictures says of the text's source: below it, "Courtesy: X" speaks of the text."""
    found = tokens(line, rules.months)
    if not all((language.picturing - language.crediting).isdisjoint(found) for language in active):
        return None
    for language in active:
        framed = read_frame(line, found, [f for f in language.frames if f.kind == "source"], rules.known)
        if framed is not None and framed.held:
            return Match(framed.frame.rule, "source", {"source": framed.held})
    return None


def take_tail(draft: Draft, rules: Rules, active: Active) -> None:
    """Headlines and scraps after the last paragraph go once any furniture has begun there.

    What stands above a short sentence of the article, such as a question that it answers, stays with it.
    In a text that is mostly paragraphs one or two of them go anyway: no article ends with a heading.
    """
    paragraphs = [at for at in draft.open() if is_prose(draft.lines[at])]
    if not paragraphs:
        return
    first, last = paragraphs[0], paragraphs[-1]
    above = join_broken([draft.lines[at] for at in draft.open() if first <= at <= last])
    prose = sum(map(is_prose, above))
    rest = [draft.lines[at] for at in draft.open() if at > last]
    few = len(rest) <= MAX_TRAILING and not any(
        _SPEAKS.search(line) or line.count(" ") >= MAX_TRAILING_WORDS for line in rest
    )
    mostly_prose = prose >= max(MIN_PROSE, MOSTLY * len(above))
    begun = mostly_prose and (few or (draft.lines[last][-1] != ":" and _is_teaser_block(rest)))
    facts = {line for line in rest if _FACT.fullmatch(line)}
    own = facts if len(facts) >= MIN_FACTS else set() if len(rest) <= MAX_TAIL else set(rest)
    scraps: list[int] = []
    forms, within = 0, False  # a form of several lines, behind which even a sentence is the site's
    for at in range(last + 1, len(draft.lines)):
        match, line = draft.found[at], draft.lines[at]
        if match is None and (signed := _signs_text(line, rules)) is not None:
            match = draft.found[at] = signed
        elif (
            match is not None and match.kind == "credit" and (framed := _frames_source(line, rules, active)) is not None
        ):
            match = draft.found[at] = framed
        elif match is not None and match.rule == "any.claim":  # below a text it claims that
            match = draft.found[at] = Match(match.rule, "footer")
        elif match is not None and match.rule == "any.credit-shape" and line.strip("([])") == match.slots["credit"]:
            match = draft.found[at] = match._replace(kind="source", slots={"source": match.slots.get("credit", "")})
        if match is not None:
            begun = begun or match.kind in FURNISHES
            forms += match.kind in _ENDING
            within = forms >= MIN_FORM and (match.kind in _ENDING or (within and match.kind == "stray"))
        elif begun and line not in own and (within or line[-1] not in '.:;,”»"') and not LIST_ITEM.match(line):
            named = _SIGNED.fullmatch(line) if line[0] == "(" and any(map(furnishes, draft.found)) else None
            draft.take(at, "any.tail")
            if named is not None and has_case(line) and is_source(named["source"]):  # "(The Atlantic)"
                draft.found[at] = Match("any.signature", "source", {"source": named["source"]})
            scraps += [] if within else [at]
        elif not within and is_statement(line):
            for scrap in scraps:  # what it answers, or stands under, is the article's, too
                draft.found[scrap] = None
            scraps.clear()
