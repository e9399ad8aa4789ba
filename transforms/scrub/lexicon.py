"""Lexicons: which words furniture is made of, in a vocabulary and in a whole language."""

from collections.abc import Iterable, Sequence, Set
from typing import Final

from transforms.scrub.frames import Frame
from transforms.scrub.rule_files import FRAMING, RuleFile, Vocabulary
from transforms.scrub.shapes import has_case
from transforms.scrub.templates import words_of_template
from transforms.scrub.words import fold, tokens

CALLS: Final = frozenset(("comments", "promo", "share", "teaser", "teasers", "consent", "languages"))
"""Kinds whose templates hold everyday words: what they leave open is made of furniture's words, too."""
MAX_SMALL: Final = 2  # small words that may stand alone where a template is open: "with us"
MIN_STEM: Final = 4  # letters of a stem that tells by itself: "al*" tells too much


class Words:
    """A vocabulary as sets of whole words and of stems."""

    def __init__(self, vocabulary: Vocabulary, common: Iterable[str]) -> None:
        self._anchors, self._anchor_stems = _split(vocabulary.anchors)
        self._words, self._stems = _split((*vocabulary.words, *common))

    def tells(self, word: str) -> bool:
        """Whether a folded word is an anchor."""
        return word in self._anchors or any(word.startswith(stem) for stem in self._anchor_stems)

    def holds(self, word: str) -> bool:
        """Whether a folded word is known at all."""
        return word in self._words or any(word.startswith(stem) for stem in self._stems) or self.tells(word)


def frame_of(language: str, vocabulary: Vocabulary, common: Iterable[str]) -> Frame:
    """A vocabulary of a framing kind as the frame it describes."""
    anchors, leads, words = (_split(some)[0] for some in (vocabulary.anchors, vocabulary.leads, vocabulary.words))
    known = anchors | leads | words | _split(common)[0]
    return Frame(f"{language}.{vocabulary.name}", vocabulary.kind, anchors, known, leads)


def _split(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """(whole words, stems) of entries; an entry of several words counts as each of them."""
    whole: set[str] = set()
    stems: set[str] = set()
    for entry in words:
        for word in entry.split():
            if word.endswith("*"):
                stems.add(fold(word[:-1]))
            else:
                whole.update(text for text in tokens(word, {}) if text[0].isalnum())
    return frozenset(whole), frozenset(stems)


class Lexicon:
    """The words of which furniture is made in a language: its vocabularies' and its templates'."""

    def __init__(self, rules: RuleFile, shared: RuleFile, *, names_told: bool) -> None:
        self._names_told = names_told  # by capitals
        vocabularies = [v for v in (*rules.vocabulary, *shared.vocabulary) if v.kind not in FRAMING]
        entries = [word for vocabulary in vocabularies for word in (*vocabulary.anchors, *vocabulary.words)]
        calls = [text for rule in rules.rule if rule.kind in CALLS for text in rule.templates]
        named = [word for text in calls for word in words_of_template(text)]
        self._common = frozenset(map(fold, rules.common))
        self._whole, stems = _split([*entries, *named])
        self._stems = tuple(stem for stem in stems if len(stem) >= MIN_STEM)

    def makes(self, words: Sequence[str], names: Set[str]) -> bool:
        """Whether words that a template leaves open may be furniture's: names, or half of them known."""
        words = [word for word in words if word[0].isalpha()]
        told = [word for word in words if word not in self._common]
        if not told:
            return len(words) <= MAX_SMALL
        known = sum(map(self._knows, told))
        unknown = sum(word not in names or not self._names_told for word in told) - known
        return known >= unknown and (known > 1 or unknown < 1)

    def _knows(self, word: str) -> bool:
        """Whether a word is furniture's; Arabic and Hebrew write "and", "to" or "the" before it without a space."""
        if word in self._whole or word.startswith(self._stems):
            return True
        return not has_case(word) and (word[1:] in self._whole or word[2:] in self._whole)
