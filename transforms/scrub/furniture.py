"""Furniture: lines that their wording gives away, doubtful ones beside them, and what a label takes along."""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final, Optional

from transforms.scrub.credits import (
    MAX_CREDIT_LINE,
    PHOTOGRAPHER,
    PICTURE_WORDS,
    credit_line,
    is_photographer,
    names_agencies,
    names_one,
    split_credit,
)
from transforms.scrub.draft import Draft, furnishes, is_doubled_name, is_furnished
from transforms.scrub.frames import is_all_frame
from transforms.scrub.given_back import give_back_own, heads_next, introduces_author, misplaced_lines
from transforms.scrub.languages import Active, Match
from transforms.scrub.lines import by_frame, classify, joined_kind
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import (
    ends_sentence,
    is_headline,
    is_name,
    is_person,
    is_prose,
    words_of,
)
from transforms.scrub.strangers import take_strangers
from transforms.scrub.words import fold, plain_tokens, tokens

MAX_RUN_WORDS: Final = 3  # of a line read together with its neighbours
RUN_REACH: Final = 4  # such lines on either side
MAX_PASSES: Final = 3  # in which misplaced lines are given back
MAX_SIGNED: Final = MAX_CREDIT_LINE + 20  # characters of a credit with its label and brackets
_CLAIM = re.compile(r"(?:copyright|©|\([cC]\)|\s|:)+", re.IGNORECASE)
_COPYRIGHT = re.compile(r"^\([cC]\)\s*")


def take_furniture(draft: Draft, rules: Rules, active: Active, judged: dict[str, Optional[Match]]) -> None:
    """Lines that their own wording gives away, then doubtful ones beside them, then headlines under a teaser label.

    `judged` tells, and is told, what lines are by their own wording: a text's are the same in the next round.
    """
    for at in draft.open():
        if (line := draft.lines[at]) not in judged:
            judged[line] = _by_itself(line, rules, active)
        draft.found[at] = judged[line]
    own, home = give_back_own(draft, rules), active[0].name
    beside = {at + side for at in misplaced_lines(draft, rules, home) for side in (-1, 1)} - own
    for at in draft.open():  # a label beside a line that is no subheading after all
        if at in beside:
            short = draft.lines[at].count(" ") <= MAX_RUN_WORDS
            draft.found[at] = classify(draft.lines[at], rules, active, near=True) if short else None
    for _ in range(MAX_PASSES):  # one that goes back may have been the only neighbour of another
        if not (misplaced := misplaced_lines(draft, rules, home)):
            break
        own.update(misplaced)
        for at in misplaced:
            draft.found[at] = None
    furnished = any(map(furnishes, draft.found))
    for at in (*draft.open(), *reversed(draft.open())) if furnished else ():
        if draft.found[at] is None and at not in own and not is_doubled_name(draft, at) and is_furnished(draft, at):
            draft.found[at] = classify(draft.lines[at], rules, active, near=True)
    for at in draft.open():
        short = draft.lines[at].count(" ") < MAX_RUN_WORDS and not ends_sentence(draft.lines[at])
        if not short or at in own or is_doubled_name(draft, at):
            continue
        draft.found[at] = joined_kind(_run(draft.lines, at), active)
        if draft.found[at] is None and len(around := draft.beside(at)) == 2 and all(map(_is_form, around)):
            draft.take(at, "any.between-furniture")
    for at, match in enumerate(draft.found):
        if match is None or match.kind not in ("teasers", "teaser") or match.slots:
            continue
        if match.kind == "teasers" or None in draft.found[:at]:  # else the text's own title stands below the label
            _take_headlines(draft, at + 1, many=match.kind == "teasers")
    take_strangers(draft, own)
    _take_tags(draft, rules, active)
    _take_biography(draft)


def _by_itself(line: str, rules: Rules, active: Active) -> Optional[Match]:
    """What a line is by its wording, else by the shape of a credit."""
    line = _COPYRIGHT.sub("© ", line)
    signed = line.removeprefix("©").strip()
    by_shape = _credit_by_shape(signed, rules, claimed=signed != line)
    by_wording = classify(line, rules, active)
    if signed != line and (unclaimed := classify(signed, rules, active)) is not None and unclaimed.kind == "credit":
        by_wording = unclaimed  # "© Photo: Mara Keller"
    if by_wording is None and (parts := split_credit(line, rules)) is not None:
        named = is_photographer(parts[0], line)
        slots = {"credit": line} if named else {"caption": parts[0], "credit": parts[1]}
        by_wording = Match(PHOTOGRAPHER if named else "any.caption-with-credit", "credit", slots)
    if by_wording is not None:
        by_wording = _with_right_credit(by_wording, line, rules, active)
    footer = by_wording is not None and by_wording.kind == "footer"
    return by_shape if by_shape and (footer or signed != line) else by_wording or by_shape


def _with_right_credit(match: Match, line: str, rules: Rules, active: Active) -> Match:
    """A match by wording with what its shape tells better: who is credited, and for what."""
    slots = match.slots
    if match.kind == "source" and "/" in line and credit_line(named := slots.get("source", "-"), rules):
        return match._replace(kind="credit", slots={"credit": named})  # "Quelle: dpa/Mara Lind"
    if match.kind == "footer" and names_agencies(named := _CLAIM.sub("", line), rules.agencies) and named != line:
        return match._replace(kind="credit", slots={"credit": named})  # "Copyright: Shutterstock"
    if match.kind == "teaser" and names_one(slots.get("headline", "-")):  # "Video: Mara Keller"
        framed = by_frame(line, tokens(line, rules.months), rules, active)
        return framed if framed is not None and framed.kind == "credit" else match
    if match.kind in ("footer", "source") and not match.telling:
        framed = by_frame(line, tokens(line, rules.months), rules, active)
        if (
            framed is not None
            and framed.kind == "source"
            and len(framed.slots["source"]) > len(slots.get("source", ""))
        ):
            match = match._replace(kind="source", slots=framed.slots)
            slots = match.slots
    if match.kind in ("bio", "prefix") and names_agencies(name := slots.get("name", "-"), rules.agencies):
        return match._replace(kind="source", slots={"source": name})  # "Text by Agence France-Presse"
    if match.kind != "credit" or "caption" not in slots:
        return match
    caption = slots["caption"]
    if names_agencies(caption.rpartition(". ")[2], rules.agencies) and (parts := split_credit(line, rules)):
        return match._replace(slots={"caption": parts[0], "credit": parts[1]})  # "… the vote. AP Photo/Hadi Karim"
    if is_all_frame(
        plain_tokens(caption), [frame for one in active for frame in one.frames], "credit"
    ):  # "Imagen de archivo. EFE"
        return match._replace(slots={"credit": slots["credit"]}) if "credit" in slots else match
    return match


def _credit_by_shape(line: str, rules: Rules, *, claimed: bool) -> Optional[Match]:
    """A line that credits a picture by its shape alone: an agency's or account's, or a person's and another's (`©`)."""
    if len(line) > MAX_SIGNED and not claimed:
        return None
    inner = line[1:-1].strip() if line[0] + line[-1] in ("()", "[]") else line
    label, _, rest = inner.partition(" ")
    if fold(label) in PICTURE_WORDS and credit_line(rest.strip() or "-", rules):
        inner = rest.strip()
    elif not credit_line(inner, rules) and not (claimed and _names_two(inner)):
        signed = names_one(inner) and rules.offices.isdisjoint(fold(inner).split())
        return Match("any.claim", "credit", {"credit": inner}) if claimed and signed else None
    return Match("any.credit-shape", "credit", {"credit": inner})


def _names_two(text: str) -> bool:
    """Whether a text is a person's name and another name: "Jean Martin / Hafenbild"."""
    parts = [part.strip() for part in text.split("/")]
    return len(parts) == 2 and all(map(is_name, parts)) and any(map(is_person, parts))


def _is_form(match: Optional[Match]) -> bool:
    """Whether a line is a part of a form or bar, between whose parts no word is the article's."""
    return match is not None and match.kind in ("comments", "promo", "share", "consent", "footer", "languages")


def _take_biography(draft: Draft) -> None:
    """The last, short paragraph below a label such as "About the author"."""
    prose = [at for at in draft.open() if is_prose(draft.lines[at])]
    for at in range(prose[-2] + 1 if len(prose) > 1 else len(draft.lines), len(draft.lines) - 1):
        if draft.found[at + 1] is None and introduces_author(draft, at):
            draft.take(at + 1, "any.biography", "bio")


def _run(lines: Sequence[str], at: int) -> str:
    """The very short lines around a line, itself among them, as one line."""
    first, last = at, at
    while first > max(0, at - RUN_REACH) and lines[first - 1].count(" ") < MAX_RUN_WORDS:
        first -= 1
    while last < min(len(lines) - 1, at + RUN_REACH) and lines[last + 1].count(" ") < MAX_RUN_WORDS:
        last += 1
    return " ".join(lines[first : last + 1]) if last > first else ""


def _take_headlines(draft: Draft, first: int, *, many: bool) -> None:
    """Headlines that follow a label such as "Related stories"; one that heads the paragraph below it stays."""
    taken = []
    for at in range(first, len(draft.lines) if many else min(first + 1, len(draft.lines))):
        line = draft.lines[at]
        if draft.found[at] is not None:
            continue
        if not is_headline(line) or is_prose(line) or len(words_of(line)) < 3 or (not many and line[0].isdigit()):
            break
        taken.append(at)
    if taken and heads_next(draft, taken[-1]):
        taken.pop()
    for at in taken:
        draft.take(at, "any.teaser-headline", "teasers")


def _take_tags(draft: Draft, rules: Rules, active: Active) -> None:
    """Tags below the last paragraph, each on a line of its own under a label such as "Topics"."""
    last = max((at for at in draft.open() if is_prose(draft.lines[at])), default=len(draft.lines))
    for at in range(last + 1, len(draft.lines) - 1):
        label = draft.lines[at].rstrip(" :")
        if label.count(" ") > MAX_RUN_WORDS or not _may_be_tag(draft, at + 1):
            continue
        labelled = classify(f"{label}: A, B", rules, active) if label else None  # as if they stood behind it
        if labelled is None or labelled.kind != "tags" or not (draft.found[at] is None or _labels(draft.found[at])):
            continue
        draft.take(at, labelled.rule, "tags")
        for below in takewhile(lambda k: _may_be_tag(draft, k), range(at + 1, len(draft.lines))):
            draft.take(below, labelled.rule, "tags")


def _labels(match: Optional[Match]) -> bool:
    """Whether a line is a label of tags that stand below it."""
    return match is not None and match.kind == "tags" and not match.slots


def _may_be_tag(draft: Draft, at: int) -> bool:
    """Whether a line that no rule knows may be one tag: a few words, the first of them not small."""
    line = draft.lines[at]
    return draft.found[at] is None and line.count(" ") < MAX_RUN_WORDS and line[-1].isalnum() and not line[0].islower()


def leave_notes(draft: Draft) -> None:
    """Give back sentences on how the article came about, where they are all that was found.

    What they tell, fields have by now.
    """
    if not shows_page(draft):
        draft.found = [None] * len(draft.lines)


def shows_page(draft: Draft) -> bool:
    """Whether what was found shows a page around the text: something besides sentences on how the article came about.

    "Additional contributions by Mara Keller.", "This story first ran on Harbour Press.": newsrooms write them below the
    text, into its last paragraph. A biography is none of these.
    """
    return any(
        match is not None and not (_is_note(match) and ends_sentence(line))
        for line, match in zip(draft.lines, draft.found, strict=True)
    )


def _is_note(match: Match) -> bool:
    """Whether a line names who contributed to the article, or who had it first."""
    return match.kind in ("bio", "source") and bool(match.slots) and "person" not in match.slots
