"""Languages: the vocabularies and frames of one, ready to match, and those that a text gets asked all at once."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Final, NamedTuple, Optional

from transforms.scrub.candidates import Template, Templates
from transforms.scrub.lexicon import Index, frame_of
from transforms.scrub.rule_files import FRAMING, Kind, RuleFile, Vocabulary
from transforms.scrub.shapes import ends_sentence
from transforms.scrub.words import DATE, MAX_NAMES, TIME, fold, names_in

COMMON: Final = "any"  # the file of what holds in every language
NOUNS_CAPITAL: Final = frozenset(("de",))  # languages in which a capital tells no name
MAX_RULE_WORDS: Final = 60  # of a line that vocabularies are asked for
MAX_LABEL: Final = 10  # words and signs of a line that may be a label of teasers
MAX_SPOKEN: Final = 16  # words of a line in which a site speaks: longer ones argue
VOICE_SLACK: Final = 0.15
MIN_SENTENCE_WORDS: Final = 2  # of a sentence that speaks to nobody ("The newsletter is free."): …
MIN_TOLD_ANCHORS: Final = 3  # … so many telling words it must hold to be furniture all the same, …
MIN_TOLD_WORDS: Final = 9  # … and beside furniture one of so many words
MIXED: Final = frozenset(("comments", "promo", "share", "consent", "footer"))  # kinds whose words a call may mix, …
MIN_MIXED_WORDS: Final = 3  # … so many that are not common
MAX_NEUTRAL: Final = 2 * MAX_NAMES  # words of a line that names may make up
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
NEAR_SLACK: Final = 0.2  # taken off a vocabulary's coverage where a neighbour is furniture already


class Match(NamedTuple):
    """A rule that a line matched, and what its slots caught, as written in the line."""

    rule: str
    kind: Kind
    slots: Mapping[str, str] = MappingProxyType({})
    telling: Sequence[str] = ()  # a vocabulary's words that told it


class Worded(NamedTuple):
    """A vocabulary with its bit in the index, and how many of a line's words must tell of it at least."""

    name: str
    vocabulary: Vocabulary
    bit: int
    least: int


class Language:
    """The rules of one language, ready to match. Its vocabularies have the bits from number `first` on.

    `voice` are the words in which a site speaks to its reader.
    """

    def __init__(self, language: str, rules: RuleFile, voice: Iterable[str], first: int) -> None:
        self.name = language
        vocabularies = [v for v in rules.vocabulary if v.kind not in FRAMING]
        self.vocabularies = [
            Worded(f"{language}.{v.name}", v, 1 << number, 1 if _eases(v) else min(v.min_anchors, MIN_TOLD_ANCHORS))
            for number, v in enumerate(vocabularies, first)
        ]
        self.bits = sum(worded.bit for worded in self.vocabularies)
        self.labels = sum(worded.bit for worded in self.vocabularies if worded.vocabulary.kind == "teaser")
        self.calls = sum(worded.bit for worded in self.vocabularies if worded.vocabulary.kind in MIXED)
        frames = [frame_of(language, v, rules.common) for v in rules.vocabulary if v.kind in FRAMING]
        self.frames = sorted(frames, key=lambda frame: frame.kind != "credit")  # "source of the picture: …"
        self.framing = frozenset().union(*(frame.anchors for frame in frames), (DATE, TIME) if frames else ())
        self.crediting = frozenset(word for frame in self.frames if frame.kind == "source" for word in frame.anchors)
        self.picturing = frozenset(word for frame in self.frames if frame.kind == "credit" for word in frame.anchors)
        self._common = frozenset(map(fold, rules.common))
        self._voice = frozenset(map(fold, voice))

    def is_of_one(self) -> bool:
        """Whether these are rules of one language, not those for all."""
        return self.name != COMMON

    def share(self, words: Iterable[str]) -> int:
        """How many of the words of a text are common ones of the language."""
        return sum(word in self._common for word in words)

    def is_common(self, word: str) -> bool:
        """Whether a folded word is a common one of the language, such as an article."""
        return word in self._common

    def vocabulary_of(
        self, words: Sequence[str], tells: int, index: Index, line: str, *, near: bool
    ) -> Optional[Match]:
        """The vocabulary that a line of `words` is made of, which the index was told of and of which `tells` came.

        Names in it count neither for nor against. Less is asked for beside furniture, and where a site's voice speaks;
        more of a sentence in which it does not. A label of teasers may be a subheading, too, and so may a word of a
        vocabulary that must cover the line wholly: nothing of that eases them.
        """
        marks = [index.telling[word] for word in words if word in index.telling]
        told_of = [
            (worded, telling)
            for worded in self.vocabularies
            if tells & worded.bit and (telling := sum(1 for mark in marks if mark & worded.bit)) >= worded.least
        ]
        if not told_of:
            return None
        names: Optional[Set[str]] = frozenset() if self.name in NOUNS_CAPITAL else None  # looked for where they matter
        voiced = self._is_voiced(words, line)
        spoken = len(words) <= MAX_SPOKEN and voiced
        sentence = ends_sentence(line)
        told = sentence and self._voice and not voiced and len(words) >= MIN_SENTENCE_WORDS
        doubtful = told and not (near and len(words) < MIN_TOLD_WORDS)
        argues = sentence and len(words) > MAX_SPOKEN
        slack = NEAR_SLACK if near else VOICE_SLACK if spoken else 0.0
        for (name, vocabulary, bit, _), telling in told_of:
            eased = ((near and not argues) or spoken) and not told and _eases(vocabulary)
            if telling >= (MIN_TOLD_ANCHORS if doubtful else 1 if eased else vocabulary.min_anchors):
                known = sum(1 for word in words if index.known[word] & bit)
                sure = near or telling >= vocabulary.min_anchors
                coverage = vocabulary.coverage - (slack if eased and sure else 0.0)
                if known < coverage * (len(words) - MAX_NEUTRAL):
                    continue
                neutral = 0
                if vocabulary.kind not in ("teaser", "languages"):  # a name among languages is no language
                    names = names_in(line) if names is None else names
                    neutral = sum(1 for word in words if word in names and not index.known[word] & bit)
                if known >= coverage * (len(words) - neutral):
                    told_by = [word for word in words if index.telling.get(word, 0) & bit]
                    return Match(name, vocabulary.kind, telling=told_by)
        return None

    def mixture_of(self, words: Sequence[str], index: Index, line: str) -> Optional[Match]:
        """A call that mixes the words of several vocabularies, and holds no others; a sentence in the site's voice."""
        if not all(index.known[word] & self.calls for word in words):
            return None
        if sum(word not in self._common for word in words) < MIN_MIXED_WORDS:
            return None
        if ends_sentence(line) and not self._is_voiced(words, line):
            return None
        telling = [word for word in words if index.telling.get(word, 0) & self.calls]
        return Match(f"{self.name}.mixture", "promo", telling=telling)

    def _is_voiced(self, words: Sequence[str], line: str) -> bool:
        """Whether a site speaks to its reader; a voice in capitals is none: "in the US"."""
        voices = self._voice.intersection(words)
        return bool(voices) and not (voices.issubset(map(fold, _CAPITALS.findall(line))) and not line.isupper())


def _eases(vocabulary: Vocabulary) -> bool:
    """Whether less may be asked of a vocabulary."""
    return vocabulary.kind != "teaser" and vocabulary.coverage < 1


class Active(tuple[Language, ...]):
    """The languages whose rules a text gets, those first that tell it best, asked all at once."""

    def __new__(cls, languages: Iterable[Language], index: Index, templates: Templates) -> "Active":
        return super().__new__(cls, languages)

    def __init__(self, languages: Iterable[Language], index: Index, templates: Templates) -> None:
        self.framing = frozenset().union(*(language.framing for language in self))
        self.picturing = frozenset().union(*(language.picturing for language in self))
        self._index, self._templates = index, templates
        self._ranks = {language.name: rank for rank, language in enumerate(self)}
        self._general_first = sorted(self, key=Language.is_of_one)

    def candidates(self, heads: Iterable[str], words: frozenset[str]) -> list[Template]:
        """The templates that a line may match which begins with one of `heads` and holds `words`."""
        return self._templates.of(heads, words, self._ranks)

    def vocabulary_of(self, found: Sequence[str], line: str, *, near: bool) -> Optional[Match]:
        """The vocabulary that a line of the tokens `found` is made of.

        What holds for all languages tells it best ("Facebook WhatsApp"). Labels are short, or hold another's word, too.
        """
        held = frozenset(found)
        tells = self._index.told(held)
        asked = [
            language
            for language in (self._general_first if tells else ())
            if tells & (language.bits if len(held) <= MAX_LABEL else language.bits & ~language.labels)
        ]
        words = [token for token in found if token[0].isalpha()] if asked else []
        if len(words) > MAX_RULE_WORDS:
            return None
        for language in asked:
            if (match := language.vocabulary_of(words, tells, self._index, line, near=near)) is not None:
                return match
        return None

    def mixture_of(self, found: Sequence[str], line: str) -> Optional[Match]:
        """The language of whose vocabularies together a line of the tokens `found` is made, as a call."""
        tells = self._index.told(frozenset(found))
        words = [token for token in found if token[0].isalpha()] if tells else []
        if len(words) > MAX_RULE_WORDS:
            return None
        for language in self if words else ():
            asked = tells & language.calls and language.is_of_one()
            if asked and (match := language.mixture_of(words, self._index, line)) is not None:
                return match
        return None
