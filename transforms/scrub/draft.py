"""A text on its way through the steps of scrubbing."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Optional

from schemas.records import Caption, Removal
from transforms.scrub.languages import Match
from transforms.scrub.rule_files import Kind
from transforms.scrub.shapes import has_case, is_name, words_of
from transforms.scrub.words import stem_of

FURNISHES: Final = frozenset(
    ("comments", "promo", "share", "teaser", "teasers", "footer", "tags", "bio", "source", "consent", "languages")
)
"""Kinds that make a line beside them doubtful, and a text's tail begin."""


class Draft:
    """A text on its way through the steps: its lines, what each was found to be, and the fields told so far."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self.found: list[Optional[Match]] = [None] * len(lines)
        self.cut: list[Removal] = []  # parts of lines
        self.warnings: list[str] = []
        self.title = self.subtitle = self.source = self.outlet = self.dateline = ""
        self.published_at: Optional[str] = None
        self.pictures: list[Caption] = []

    def open(self) -> list[int]:
        """Numbers of the lines that are still the article's."""
        return [i for i, match in enumerate(self.found) if match is None]

    def take(self, at: int, rule: str, kind: Kind = "stray") -> None:
        """Take a line out of the article."""
        self.found[at] = Match(rule, kind)

    def removals(self) -> list[Removal]:
        """All that was taken out: lines in their order, then parts of lines."""
        lines = zip(self.lines, self.found, strict=True)
        return [Removal(match.rule, line) for line, match in lines if match is not None] + self.cut

    def beside(self, at: int) -> list[Optional[Match]]:
        """What the lines on either side of a line were found to be."""
        return [self.found[k] for k in (at - 1, at + 1) if 0 <= k < len(self.lines)]


def is_doubled_name(draft: Draft, at: int) -> bool:
    """Whether a line is a name that stands twice running: a caption and its alternative text."""
    return draft.lines[at] in draft.lines[max(0, at - 1) : at] + draft.lines[at + 1 : at + 2] and is_lone_name(
        draft.lines[at]
    )


def is_lone_name(line: str) -> bool:
    return 2 <= len(words_of(line)) <= 3 and is_name(line)


def stems_of(text: str) -> set[str]:
    """The stems of a text's longer words."""
    return {stem_of(word) for word in words_of(text) if len(word) > 3}


class Told:
    """What paragraphs tell of: their longer words, by their stems. Looked for when first asked."""

    def __init__(self, paragraphs: Sequence[str]) -> None:
        self._paragraphs = paragraphs

    @cached_property
    def _stems(self) -> set[str]:
        words = {word for text in self._paragraphs for word in words_of(text) if len(word) > 3}
        return {form for word in words for form in _forms(word)}

    def share(self, line: str) -> float:
        """The share of a line's longer words that the paragraphs use, too; 0 where it has none."""
        words = [_forms(word) for word in set(words_of(line)) if len(word) > 3]
        return sum(not self._stems.isdisjoint(forms) for forms in words) / max(1, len(words))


def share_again(line: str, paragraphs: Sequence[str]) -> float:
    """The share of a line's longer words that paragraphs use, too; 0 where it has none."""
    return Told(paragraphs).share(line)


def _forms(word: str) -> tuple[str, ...]:
    """A word's stem; in scripts without case, as Arabic and Hebrew, those without a prefix of a letter or two, too."""
    if has_case(word):
        return (stem_of(word),)
    return tuple(stem_of(word[cut:]) for cut in range(3) if len(word) - cut > 3)


def is_furnished(draft: Draft, at: int) -> bool:
    """Whether a line stands beside furniture."""
    return any(map(furnishes, draft.beside(at)))


def furnishes(match: Optional[Match]) -> bool:
    """Whether a line is furniture that makes those beside it doubtful."""
    return match is not None and match.kind in FURNISHES
