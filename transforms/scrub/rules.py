"""Rules: all rule files together, compiled once a process, and asked for the languages of a text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Optional

from schemas.errors import ConfigError
from transforms.scrub.agencies import Agencies
from transforms.scrub.candidates import Templates
from transforms.scrub.frames import Frame, Known
from transforms.scrub.languages import COMMON, NOUNS_CAPITAL, Active, Language
from transforms.scrub.lexicon import Index, Lexicon
from transforms.scrub.rule_files import RuleFile, read_rules
from transforms.scrub.words import fold, tokens

MIN_SHARE: Final = 0.13  # of a language's common words in a text of it: 0.13 to 0.47 in 215 bodies of 14 languages, …
MIN_LEAD: Final = 1.4  # … and so many times that of the next language; Norwegian, Dutch and Icelandic stay below


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
        return frozenset(map(fold, self.files[COMMON].offices)) if COMMON in self.files else frozenset()

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
    def _compiled(self) -> Mapping[str, Language]:
        compiled: dict[str, Language] = {}
        voices = [word for rules in self.files.values() for word in rules.voice]
        first = 0
        for name, rules in self.files.items():
            compiled[name] = Language(name, rules, voices if name == COMMON else rules.voice, first)
            first += len(compiled[name].vocabularies)
        return compiled

    @cached_property
    def _index(self) -> Index:
        """All vocabularies, with the words that are common in their files, or in any."""
        shared = self.files[COMMON].common if COMMON in self.files else ()
        every = tuple(word for rules in self.files.values() for word in rules.common)
        common = {name: every if name == COMMON else (*shared, *rules.common) for name, rules in self.files.items()}
        return Index(  # what is common in any language says nothing beside the languages' own names: "El 10 de"
            (worded.vocabulary, () if worded.vocabulary.kind == "languages" else common[language.name])
            for language in self._compiled.values()
            for worded in language.vocabularies
        )

    @cached_property
    def _templates(self) -> Templates:
        templates = Templates(frozenset(fold(word) for rules in self.files.values() for word in rules.common))
        for name, rules in self.files.items():
            lexicon = Lexicon(rules, self.files.get(COMMON, rules), names_told=name not in NOUNS_CAPITAL)
            texts = ((rule, text) for rule in rules.rule for text in rule.templates)
            for order, (rule, text) in enumerate(texts):
                templates.add(name, f"{name}.{rule.name}", rule.kind, order, text, lexicon)
        return templates

    @cached_property
    def _active(self) -> dict[str, Active]:
        """Filled as texts come: by the languages that are known."""
        return {}

    def of(self, language: Optional[str], sample: str = "") -> Active:
        """The compiled rules for a text: its language's, English ones, which every site may show, and common ones.

        A text of unknown language, or of one without a file, gets them all, those first whose common words are most
        frequent in a `sample` of it.
        """
        key = _ALIASES.get(base := (language or "").split("-")[0].lower(), base)
        if key in self._compiled and key != COMMON:
            if key not in self._active:
                names = [k for k in dict.fromkeys((key, "en", COMMON)) if k in self._compiled]
                self._active[key] = self._activate(self._compiled[name] for name in names)
            return self._active[key]
        shares = self._shares(sample)
        return self._activate(
            sorted(self._compiled.values(), key=lambda known: (known.name == COMMON, -shares[known.name]))
        )

    def _activate(self, languages: Iterable[Language]) -> Active:
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


_ALIASES: Final = {"ckb": "ku", "kmr": "ku", "iw": "he", "prs": "fa"}


def load_rules(folder: Path) -> Rules:
    """Return the checked rules of `folder`, one file a language.

    Raises:
        ConfigError: a file cannot be read, holds an unknown key or slot, or a template that says nothing.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigError(str(folder), None, "scrub rules", "the folder holds no *.toml", "Give config/scrub's path")
    return Rules({path.stem: read_rules(path) for path in paths})
