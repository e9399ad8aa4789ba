"""Stamps: lines that tell when and by whom a text was published, and dates that are the article's own."""

from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Final

from transforms.scrub.draft import Draft, is_furnished
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import ends_sentence
from transforms.scrub.words import DATE, find_date, tokens

MIN_TIMELINE: Final = 3  # days above or below the text that make a timeline; two may be the site's and the article's


def misplaced_stamps(draft: Draft, prose: Sequence[int], rules: Rules) -> list[int]:
    """Lines that look like stamps and are the article's own: a timeline's dates, fixtures, names between paragraphs.

    A stamp stands above the text or below it, or directly below the first of its paragraphs `prose`, a summary.
    Furniture beside a line tells that it is none of the article's.
    """
    alone = [at for at, match in enumerate(draft.found) if match is not None and match.kind == "prefix"]
    alone = [at for at in alone if not is_furnished(draft, at) and not _is_beside_code(draft, at)]
    if not alone or not prose:
        return []
    head = [at for at in alone if at < prose[0]]
    foot = [at for at in alone if at > prose[-1]]
    inside = [at for at in alone if prose[0] < at < prose[-1]]
    block = list(takewhile(lambda at: at in inside, range(prose[0] + 1, prose[-1])))
    if _is_stamp(draft, block, inside[len(block) :], rules):
        inside = inside[len(block) :]
    for outside in (head, foot):
        days = _days(draft, outside, rules)
        if len(set(days.values())) >= MIN_TIMELINE or (outside is head and _is_told_between(draft, list(days))):
            inside += days
    return inside


def _is_beside_code(draft: Draft, at: int) -> bool:
    return any(match is not None and match.kind == "code" for match in draft.beside(at))


def _is_stamp(draft: Draft, block: Sequence[int], below: Sequence[int], rules: Rules) -> bool:
    """Whether lines directly below a summary are a stamp: one has a stamp's word, or they hold a byline and a date.

    Where more dates stand `below`, they are a timeline's.
    """
    if any(_is_labelled(draft.lines[at], rules) for at in block):
        return True
    signed = any(match is not None and "name" in match.slots for match in map(draft.found.__getitem__, block))
    return signed and len(_days(draft, block, rules)) == 1 and not _days(draft, below, rules)


def _is_labelled(line: str, rules: Rules) -> bool:
    """Whether a stamp's word stands in a line, before the date if there is one."""
    return not rules.stamp_words.isdisjoint(takewhile(lambda token: token != DATE, tokens(line, rules.months)))


def _days(draft: Draft, lines: Sequence[int], rules: Rules) -> dict[int, str]:
    """The days that lines without a stamp's word tell."""
    days = {at: find_date(draft.lines[at], rules.months) for at in lines if not _is_labelled(draft.lines[at], rules)}
    return {at: day for at, day in days.items() if day is not None}


def _is_told_between(draft: Draft, dated: Sequence[int]) -> bool:
    """Whether sentences stand between lines with a date: short ones, each on what happened that day."""
    return any(
        draft.found[at] is None and ends_sentence(draft.lines[at])
        for first, last in pairwise(dated)
        for at in range(first + 1, last)
    )
