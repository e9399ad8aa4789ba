"""Lexicons: which words furniture is made of, in each vocabulary and in a whole language."""

from collections.abc import Iterable, Sequence, Set
from functools import reduce
from operator import and_, or_
from typing import Final, NamedTuple

from transforms.scrub.frames import Frame
from transforms.scrub.rule_files import FRAMING, RuleFile, Vocabulary
from transforms.scrub.shapes import has_case
from transforms.scrub.templates import words_of_template
from transforms.scrub.words import fold, tokens

CALLS: Final = frozenset(("comments", "promo", "share", "teaser", "teasers", "consent", "languages", "footer"))
"""Kinds whose templates hold everyday words: what they leave open is made of furniture's words, too."""
MAX_SMALL: Final = 2  # small words that may stand alone where a template is open: "with us"
MAX_MET: Final = 100_000  # words whose vocabularies are remembered
MIN_STEM: Final = 4  # letters of a stem that tells by itself: "al*" tells too much


class Vocabularies(NamedTuple):
    """What a word is in each vocabulary, as bit sets: a telling word, or any word of it."""

    telling: int
    known: int


class Index:
    """The vocabularies of all languages by their words: a word is looked up in all of them at once, and once a process.

    `vocabularies` come with the words that count as known in each besides its own. The first is bit 1, the next 2.
    """

    def __init__(self, vocabularies: Iterable[tuple[Vocabulary, Iterable[str]]]) -> None:
        self.telling: dict[str, int] = {}  # of words met: the vocabularies of which each tells, if of any, and …
        self.known: dict[str, int] = {}  # … those that hold it
        self._met: set[str] = set()  # the keys of `known`
        self._whole: dict[str, Vocabularies] = {}
        self._stems: dict[str, Vocabularies] = {}
        for number, (vocabulary, common) in enumerate(vocabularies):
            bit = 1 << number
            for entries, mark in ((vocabulary.anchors, (bit, bit)), ((*vocabulary.words, *common), (0, bit))):
                for table, words in zip((self._whole, self._stems), _split(entries), strict=True):
                    for word in words:
                        telling, known = table.get(word, _UNKNOWN)
                        table[word] = Vocabularies(telling | mark[0], known | mark[1])
        self._begun = min(map(len, self._stems), default=0)
        self._lengths: dict[str, set[int]] = {}  # of the stems, by their first letters: of most words there are none
        for stem in self._stems:
            self._lengths.setdefault(stem[: self._begun], set()).add(len(stem))

    def told(self, words: Set[str]) -> int:
        """Of which vocabularies any of the words tells; of most lines' words none does."""
        if not words <= self._met:
            self._meet(words)
        tells = 0
        for bits in [self.telling[word] for word in words if word in self.telling]:
            tells |= bits
        return tells

    def _meet(self, words: Set[str]) -> None:
        """Look words up; what was learnt is forgotten once it is too much."""
        if len(self._met) > MAX_MET:
            self.telling, self.known, self._met = {}, {}, set()
        new = words - self._met
        for word in new:
            telling, self.known[word] = self.of(word)
            if telling:
                self.telling[word] = telling
        self._met |= new

    def of(self, word: str) -> Vocabularies:
        """What a folded word is in each; one with hyphens is what its parts are, if a vocabulary holds them all."""
        telling, known = self._look_up(word)
        if "-" in word:
            parts = [self._look_up(part) for part in word.split("-")]
            every = reduce(and_, (part.known for part in parts))
            telling |= every & reduce(or_, (part.telling for part in parts))
            known |= every
        return Vocabularies(telling, known)

    def _look_up(self, word: str) -> Vocabularies:
        telling, known = self._whole.get(word, _UNKNOWN)
        for length in self._lengths.get(word[: self._begun], ()):
            if (stem := self._stems.get(word[:length])) is not None:
                telling |= stem.telling
                known |= stem.known
        return Vocabularies(telling, known)


_UNKNOWN: Final = Vocabularies(0, 0)


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
        self._voice = frozenset(map(fold, rules.voice))
        self._cased = has_case("".join(rules.common))
        self._whole, stems = _split([*entries, *named])
        self._stems = tuple(stem for stem in stems if len(stem) >= MIN_STEM)

    def speaks(self, words: Set[str]) -> bool:
        """Whether a site speaks to its reader in the folded words; of a language whose voice is not told it may."""
        return not self._voice or not self._voice.isdisjoint(words)

    def makes(self, words: Sequence[str], names: Set[str], *, spoken: bool = True) -> bool:
        """Whether words that a template leaves open may be furniture's: names, or half of them known.

        In a sentence that is not `spoken` to the reader all of them are.
        """
        words = [word for word in words if word[0].isalpha()]
        told = [word for word in words if word not in self._common]
        if not told:
            return len(words) <= MAX_SMALL
        strange = [word for word in told if not self._knows(word)]
        known, unknown = len(told) - len(strange), sum(not self._may_name(word, names) for word in strange)
        return known >= unknown and (known > 1 or unknown < 1) and (spoken or not unknown)

    def _may_name(self, word: str, names: Set[str]) -> bool:
        """Whether a word may be a name's: by its capital, or its Latin letters in a language written without case."""
        return self._names_told and (word in names or (not self._cased and word.isascii()))

    def _knows(self, word: str) -> bool:
        """Whether a word is furniture's; Arabic and Hebrew write "and", "to" or "the" before it without a space."""
        if word in self._whole or word.startswith(self._stems):
            return True
        return not has_case(word) and (word[1:] in self._whole or word[2:] in self._whole)
