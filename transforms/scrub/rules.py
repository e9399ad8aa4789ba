"""Rules: all rule files together, compiled once a process, and asked for the languages of a text."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Optional

from schemas.errors import ConfigError
from transforms.scrub.agencies import Agencies
from transforms.scrub.candidates import Template, Templates
from transforms.scrub.frames import Frame, Known
from transforms.scrub.lexicon import Index, Lexicon, frame_of
from transforms.scrub.rule_files import FRAMING, Kind, RuleFile, Vocabulary, read_rules
from transforms.scrub.shapes import ends_sentence
from transforms.scrub.words import DATE, MAX_NAMES, TIME, fold, names_in, tokens

NOUNS_CAPITAL: Final = frozenset(("de",))  # languages in which a capital tells no name
MIN_SHARE: Final = 0.13  # of a language's common words in a text of it: 0.13 to 0.47 in 215 bodies of 14 languages, …
MIN_LEAD: Final = 1.4  # … and so many times that of the next language; Norwegian, Dutch and Icelandic stay below
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


@dataclass(frozen=True)
class Rules:
    """All rule files by language, checked. Picklable; patterns are compiled on first use in each process."""

    files: Mapping[str, RuleFile]

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @cached_property
    def months(self) -> Mapping[str, int]:
        """Month names of all languages, folded."""
        return {
            fold(name): number
            for rules in self.files.values()
            for number, names in enumerate(rules.months, 1)
            for name in names
        }

    @cached_property
    def weekdays(self) -> frozenset[str]:
        """Names of days of all languages, folded."""
        return frozenset(fold(name) for rules in self.files.values() for name in rules.weekdays)

    @cached_property
    def agencies(self) -> Agencies:
        """The agencies of all languages."""
        by_first: dict[str, set[tuple[str, ...]]] = {}
        doubtful: dict[tuple[str, ...], set[str]] = {}
        for rules in self.files.values():
            for name in (*rules.agencies, *rules.doubtful_agencies):
                row = tuple(tokens(name, {}))
                by_first.setdefault(row[0], set()).add(row)
            for name in rules.doubtful_agencies:
                doubtful.setdefault(tuple(tokens(name, {})), set()).add(name)
        return Agencies(by_first, doubtful)

    @cached_property
    def agency_names(self) -> frozenset[str]:
        """Agencies as folded words with a space between."""
        return frozenset(" ".join(row) for rows in self.agencies.by_first.values() for row in rows)

    @cached_property
    def agency_words(self) -> frozenset[str]:
        """The words of agencies' names: some write themselves small."""
        return frozenset(word for name in self.agency_names for word in name.split())

    @cached_property
    def offices(self) -> frozenset[str]:
        """Words of the names of those who give pictures away, folded."""
        return frozenset(fold(word) for rules in self.files.values() for word in rules.offices)

    @cached_property
    def picture_offices(self) -> frozenset[str]:
        """Those of the words that name nobody but a giver of pictures, in any language."""
        return frozenset(map(fold, self.files[_COMMON].offices)) if _COMMON in self.files else frozenset()

    @cached_property
    def places(self) -> frozenset[str]:
        """Places where news is dated, and forms of places ("new *"), as folded words with a space between."""
        return frozenset(" ".join(tokens(name, {})) for rules in self.files.values() for name in rules.places)

    @cached_property
    def reporting(self) -> frozenset[str]:
        """Verbs of all languages that stand behind what somebody said, folded."""
        return frozenset(fold(word) for rules in self.files.values() for word in rules.reporting)

    @cached_property
    def pointing(self) -> frozenset[str]:
        """Words of all languages that open a sentence about what was just named, folded."""
        return frozenset(fold(word) for rules in self.files.values() for word in rules.pointing)

    @cached_property
    def known(self) -> Known:
        """What tells of names in frames (`frames.py`)."""
        return Known(self.agency_names, self.agency_words, self.offices, self.places, self.months, self.weekdays)

    @cached_property
    def stamps(self) -> Sequence[Frame]:
        """The frames of all languages for when a text was published, and by whom."""
        return [frame for language in self._compiled.values() for frame in language.frames if frame.kind == "prefix"]

    @cached_property
    def stamp_words(self) -> frozenset[str]:
        """The words that tell such frames, folded: "published", "aktualisiert"."""
        return frozenset(word for frame in self.stamps for word in frame.anchors)

    @cached_property
    def byline_words(self) -> frozenset[str]:
        """Words of all languages beside which somebody's name stands, folded: "by", "von"."""
        frames = (frame for language in self._compiled.values() for frame in language.frames if frame.kind == "bio")
        return frozenset(word for frame in frames for word in frame.leads)

    @cached_property
    def dateline_names(self) -> tuple[frozenset[str], ...]:
        """What `split_dateline` goes by: agencies, places, words that point back at a name, and names of days.

        An agency that is nothing else may stand where a place does: "Reuters: The …".
        """
        sure = self.agency_names - {" ".join(row) for row in self.agencies.doubtful}
        return self.agency_names, self.places | sure, self.pointing, self.weekdays

    def stops_datelines(self, language: Optional[str], sample: str) -> bool:
        """Whether news of a text's language, or of that which its `sample` shows, ends datelines with a full stop."""
        code = (language or self.likeliest(sample) or "").split("-")[0].lower()
        return code in self.files and self.files[code].stopped_datelines

    @cached_property
    def _compiled(self) -> Mapping[str, "Language"]:
        compiled: dict[str, Language] = {}
        voices = [word for rules in self.files.values() for word in rules.voice]
        first = 0
        for name, rules in self.files.items():
            compiled[name] = Language(name, rules, voices if name == _COMMON else rules.voice, first)
            first += len(compiled[name].vocabularies)
        return compiled

    @cached_property
    def _index(self) -> Index:
        """All vocabularies, with the words that are common in their files, or in any."""
        shared = self.files[_COMMON].common if _COMMON in self.files else ()
        every = tuple(word for rules in self.files.values() for word in rules.common)
        common = {name: every if name == _COMMON else (*shared, *rules.common) for name, rules in self.files.items()}
        return Index(  # what is common in any language says nothing beside the languages' own names: "El 10 de"
            (worded.vocabulary, () if worded.vocabulary.kind == "languages" else common[language.name])
            for language in self._compiled.values()
            for worded in language.vocabularies
        )

    @cached_property
    def _templates(self) -> Templates:
        templates = Templates(frozenset(fold(word) for rules in self.files.values() for word in rules.common))
        for name, rules in self.files.items():
            lexicon = Lexicon(rules, self.files.get(_COMMON, rules), names_told=name not in NOUNS_CAPITAL)
            texts = ((rule, text) for rule in rules.rule for text in rule.templates)
            for order, (rule, text) in enumerate(texts):
                templates.add(name, f"{name}.{rule.name}", rule.kind, order, text, lexicon)
        return templates

    @cached_property
    def _active(self) -> dict[str, "Active"]:
        """Filled as texts come: by the languages that are known."""
        return {}

    def of(self, language: Optional[str], sample: str = "") -> "Active":
        """The compiled rules for a text: its language's, English ones, which every site may show, and common ones.

        A text of unknown language, or of one without a file, gets them all, those first whose common words are most
        frequent in a `sample` of it.
        """
        key = _ALIASES.get(base := (language or "").split("-")[0].lower(), base)
        if key in self._compiled and key != _COMMON:
            if key not in self._active:
                names = [k for k in dict.fromkeys((key, "en", _COMMON)) if k in self._compiled]
                self._active[key] = self._activate(self._compiled[name] for name in names)
            return self._active[key]
        shares = self._shares(sample)
        return self._activate(
            sorted(self._compiled.values(), key=lambda known: (known.name == _COMMON, -shares[known.name]))
        )

    def _activate(self, languages: Iterable["Language"]) -> "Active":
        return Active(languages, self._index, self._templates)

    def likeliest(self, sample: str) -> Optional[str]:
        """The language whose common words are frequent in a sample, much more so than any other's; else None."""
        shares = self._shares(sample)
        first = max(shares, key=shares.__getitem__)
        second = max((share for name, share in shares.items() if name != first), default=0.0)
        return first if shares[first] >= max(MIN_SHARE, MIN_LEAD * second) else None

    def _shares(self, sample: str) -> Mapping[str, float]:
        """By language the share of its common words in a sample."""
        words = [fold(word) for word in sample.split()]
        return {name: known.share(words) / max(1, len(words)) for name, known in self._compiled.items()}

    @cached_property
    def hanging(self) -> frozenset[str]:
        """Words of every language before which a hanging hyphen stays."""
        return frozenset(word for rules in self.files.values() for word in rules.hanging)

    def letters(self, language: str) -> frozenset[str]:
        """A language's words of one letter."""
        rules = self.files.get(language)
        return frozenset(rules.single_letters) if rules else frozenset()


_COMMON: Final = "any"
_ALIASES: Final = {"ckb": "ku", "kmr": "ku", "iw": "he", "prs": "fa"}


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
        return self.name != _COMMON

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


def load_rules(folder: Path) -> Rules:
    """Return the checked rules of `folder`, one file a language.

    Raises:
        ConfigError: a file cannot be read, holds an unknown key or slot, or a template that says nothing.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigError(str(folder), None, "scrub rules", "the folder holds no *.toml", "Give config/scrub's path")
    return Rules({path.stem: read_rules(path) for path in paths})
