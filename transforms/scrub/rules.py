"""The rules of `config/scrub/*.toml`: read and checked at launch, compiled once a process.

A file is one language (`en.toml`, …; `any.toml` holds for all). It lists

* `[[rule]]`: templates that a whole line must match. `{a|b}` is a choice, `[a|b]` may be absent, `word*` is any word
  that begins so, `<slot>` stands for what varies (`SLOTS` below); some slots become fields of the record.
* `[[vocabulary]]`: words. A line is furniture when it is made of them: at least `min_anchors` telling ones (`anchors`)
  and, with the other `words`, at least `coverage` of the line. This is what catches wordings no template foresaw, and
  what keeps a sentence that merely uses one of the words.
* small tables: month names, words of one letter, words before which a hanging hyphen stays.

Each rule brings examples and counter-examples; a test runs them all.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple, Optional

from pydantic import Field, ValidationError

from schemas.errors import ConfigError
from schemas.settings import Model
from transforms.scrub.words import DATE, TIME, fold, names_in, tokens

Kind = Literal[
    "comments", "promo", "share", "languages", "teaser", "teasers", "breadcrumb", "tags", "prefix", "source", "footer",
    "consent", "bio", "stray", "credit", "code",
]  # fmt: skip
"""What a line is. `teasers` opens a list: the headlines under it go with it."""

SLOTS: Final = {
    "n": r"\d+ (?:[.,:/ ]{0,2}\d+ ){0,3}(?:[kmк] )?",
    "date": rf"(?:{DATE}) ",
    "time": rf"(?:{TIME}) ",
    "sep": r"(?:[:|»›>/•·|←→▶►*…-] ){1,4}",
    "headline": r"(?P<headline>\S.*)",
    "name": r"(?P<name>(?:\S+ ){1,7}?)",
    "source": r"(?P<source>(?:\S+ ){1,8}?)",
    "credit": r"(?P<credit>(?:\S+ ){1,14}?)",
    "caption": r"(?P<caption>(?:\S+ ){2,60}?)",
    "section": r"(?P<section>(?:\S+ ){1,5}?)",
    "any": r"(?:\S+ ){1,14}",
    "few": r"(?:\S+ ){1,5}",
    "list": r"(?P<list>\S.*)",
}
_PIECE = re.compile(r"<\w+>|[{}|\[\]]|[^\s{}|\[\]]+")
_PAIRS: Final = {"{": "}", "[": "]"}
_LEAD: Final = r"(?:[^\w\s(] ){0,4}"
NOUNS_CAPITAL: Final = frozenset(("de",))  # languages in which a capital tells no name
MAX_SEEN: Final = 100_000  # words whose vocabularies are remembered
MAX_SPOKEN: Final = 16  # words of a line in which a site speaks: longer ones argue
VOICE_SLACK: Final = 0.15
NEAR_SLACK: Final = 0.2  # taken off a vocabulary's coverage where a neighbour is furniture already
_TRAIL: Final = r"(?:[^\w\s)] ){0,4}$"


class Rule(Model):
    """Templates for one kind of line."""

    name: str
    kind: Kind
    templates: Annotated[tuple[str, ...], Field(min_length=1)]
    examples: Annotated[tuple[str, ...], Field(min_length=1)]
    counter_examples: Annotated[tuple[str, ...], Field(min_length=1)]


class Vocabulary(Model):
    """Words that furniture of one kind is made of."""

    name: str
    kind: Kind
    anchors: Annotated[tuple[str, ...], Field(min_length=1)]
    words: tuple[str, ...] = ()
    min_anchors: Annotated[int, Field(ge=1)] = 1
    coverage: Annotated[float, Field(gt=0.4, le=1)] = 0.8
    examples: Annotated[tuple[str, ...], Field(min_length=1)]
    counter_examples: Annotated[tuple[str, ...], Field(min_length=1)]


class RuleFile(Model):
    """One file of `config/scrub`."""

    months: tuple[tuple[str, ...], ...] = ()  # twelve, each with its spellings
    single_letters: tuple[str, ...] = ()  # words of one letter
    hanging: tuple[str, ...] = ()  # words before which "pre-" keeps its hyphen: and, or, …
    agencies: tuple[str, ...] = ()  # who signs pictures and datelines
    common: tuple[str, ...] = ()  # words that count as known in every vocabulary of the file
    voice: tuple[str, ...] = ()  # words in which a site speaks to its reader: you, our; news prose hardly does
    rule: tuple[Rule, ...] = ()
    vocabulary: tuple[Vocabulary, ...] = ()


class Match(NamedTuple):
    """A rule that a line matched, and what its slots caught, as written in the line."""

    rule: str
    kind: Kind
    slots: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Rules:
    """All rule files by language, checked. Picklable; patterns are compiled on first use in each process."""

    files: Mapping[str, RuleFile]
    names: frozenset[str] = frozenset()  # names a glued word may hold, as written: the gazetteer's aliases

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files, "names": self.names}

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
    def agencies(self) -> tuple[tuple[str, ...], ...]:
        """Agencies as rows of folded words."""
        rows = {tuple(tokens(name, {})) for rules in self.files.values() for name in rules.agencies}
        return tuple(sorted(rows, key=lambda row: (-len(row), row)))

    @cached_property
    def agency_words(self) -> frozenset[str]:
        """Agencies of one word: some write themselves small."""
        return frozenset(row[0] for row in self.agencies if len(row) == 1)

    @cached_property
    def _compiled(self) -> Mapping[str, "Language"]:
        return {language: Language(language, rules) for language, rules in self.files.items()}

    def of(self, language: Optional[str]) -> Sequence["Language"]:
        """The compiled rules for a text: its language's, English ones, which every site may show, and common ones.

        A text of unknown language, or of one without a file, gets them all.
        """
        key = _ALIASES.get(base := (language or "").split("-")[0].lower(), base)
        if key not in self._compiled or key == _COMMON:
            return tuple(self._compiled.values())
        return tuple(self._compiled[k] for k in dict.fromkeys((key, "en", _COMMON)) if k in self._compiled)

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


class Template(NamedTuple):
    """A compiled template; a line it may match holds a word of each set in `needs`."""

    rule: str
    kind: Kind
    order: int
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]


class Vocabularies(NamedTuple):
    """What a word is in each vocabulary of a language, as bit sets: a telling word, or any word of it."""

    telling: int
    known: int


class Language:
    """The rules of one language, ready to match."""

    def __init__(self, language: str, rules: RuleFile) -> None:
        self.name = language
        self._by_head: dict[str, list[Template]] = {}
        self._open: list[Template] = []  # those that may begin with any word
        self.vocabularies = [(f"{language}.{v.name}", v) for v in rules.vocabulary]
        self._words = [_Words(v, rules.common) for v in rules.vocabulary]
        self._voice = frozenset(map(fold, rules.voice))
        self._seen: dict[str, Vocabularies] = {}
        for rule in rules.rule:
            for text in rule.templates:
                self._add(f"{language}.{rule.name}", rule.kind, text)

    def _add(self, rule: str, kind: Kind, text: str) -> None:
        sets = _literal_sets(text)
        order = len(self._open) + sum(map(len, self._by_head.values()))
        pattern = re.compile(_LEAD + _template(text) + _TRAIL)
        template = Template(rule, kind, order, pattern, tuple(s for s in sets if s))
        if sets and sets[0]:
            for head in sets[0]:
                self._by_head.setdefault(head, []).append(template)
        else:
            self._open.append(template)

    def candidates(self, heads: Iterable[str], words: frozenset[str]) -> list[Template]:
        """The templates that a line may match which begins with one of `heads` and holds `words`, in file order."""
        found = [template for head in heads for template in self._by_head.get(head, ())] + self._open
        return sorted((template for template in found if not any(map(words.isdisjoint, template.needs))), key=_order)

    def vocabulary_of(self, words: Sequence[str], line: str, *, near: bool) -> Optional[Match]:
        """The vocabulary that a line of `words` is made of.

        Names in it count neither for nor against. Less is asked for beside furniture, and where a site's voice speaks.
        """
        marks = [self._seen.get(word) or self._look_up(word) for word in words]
        if not any(mark.telling for mark in marks):
            return None
        names = frozenset() if self.name in NOUNS_CAPITAL else names_in(line)
        spoken = len(words) <= MAX_SPOKEN and not self._voice.isdisjoint(words)
        slack = NEAR_SLACK if near else VOICE_SLACK if spoken else 0.0
        for number, (name, vocabulary) in enumerate(self.vocabularies):
            bit = 1 << number
            telling = sum(1 for mark in marks if mark.telling & bit)
            if telling >= (1 if near else vocabulary.min_anchors):
                known = sum(1 for mark in marks if mark.known & bit)
                neutral = sum(1 for m, w in zip(marks, words, strict=True) if w in names and not m.known & bit)
                if known >= (vocabulary.coverage - slack) * (len(words) - neutral):
                    return Match(name, vocabulary.kind)
        return None

    def _look_up(self, word: str) -> Vocabularies:
        telling = known = 0
        parts = word.split("-")
        for number, words in enumerate(self._words):
            if any(words.tells(part) for part in {word, *parts}):
                telling |= 1 << number
                known |= 1 << number
            elif words.knows(word) or all(map(words.knows, parts)):
                known |= 1 << number
        mark = Vocabularies(telling, known)
        if len(self._seen) < MAX_SEEN:
            self._seen[word] = mark
        return mark


def _order(template: Template) -> int:
    return template.order


class _Words:
    """A vocabulary as sets of whole words and of stems."""

    def __init__(self, vocabulary: Vocabulary, common: Iterable[str]) -> None:
        self._anchors, self._anchor_stems = _split(vocabulary.anchors)
        self._words, self._stems = _split((*vocabulary.words, *common))

    def tells(self, word: str) -> bool:
        return word in self._anchors or any(word.startswith(stem) for stem in self._anchor_stems)

    def knows(self, word: str) -> bool:
        return word in self._words or any(word.startswith(stem) for stem in self._stems)


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


def _template(template: str) -> str:
    """A template as the pattern of a line's folded tokens, each followed by a space.

    Of alternatives the longest is tried first, "photo credit" before "photo", and those with slots last.

    Raises:
        ValueError: its brackets do not pair.
    """
    groups: list[tuple[str, list[str]]] = [("", [""])]  # (opening bracket, alternatives so far)
    for piece in _PIECE.findall(template):
        if piece in "{[":
            groups.append((piece, [""]))
        elif piece == "|":
            groups[-1][1].append("")
        elif piece in "}]":
            bracket, ways = groups.pop()
            if _PAIRS.get(bracket) != piece:
                raise ValueError("brackets do not pair")
            group = "(?:" + "|".join(sorted(ways, key=_openness)) + ")"
            groups[-1][1][-1] += group + ("?" if piece == "]" else "")
        else:
            groups[-1][1][-1] += SLOTS[piece[1:-1]] if piece[0] == "<" and piece[-1] == ">" else _word(piece)
    if len(groups) != 1 or len(groups[0][1]) != 1:
        raise ValueError("brackets do not pair")
    return groups[0][1][0]


def _openness(pattern: str) -> tuple[bool, int]:
    return ("(?P<" in pattern or r"\S+" in pattern, -len(pattern))


def _word(word: str) -> str:
    texts = tokens(word.rstrip("*") if word.endswith("*") and word != "*" else word, {})
    if word.endswith("*") and word != "*":
        *first, last = texts
        return "".join(re.escape(t) + " " for t in first) + re.escape(last) + r"\w* "
    return "".join(re.escape(t) + " " for t in texts)


def _literal_sets(template: str) -> list[frozenset[str]]:
    """For each part of a template the words one of which a match must hold there; empty where it may hold any."""
    sets: list[frozenset[str]] = []
    depth = 0
    starts: list[str] = []  # of the group that is open: the first piece of each alternative
    before = "{"
    for piece in _PIECE.findall(template):
        if piece in "{[":
            depth += 1
            starts = [] if depth == 1 else [*starts, *([piece] if before in "{|" else [])]
        elif piece in "}]":
            depth -= 1
            if depth == 0:
                sets.append(_first_words(starts) if piece == "}" else frozenset())
        elif depth == 0:
            sets.append(_first_words([piece]))
        elif depth == 1 and before in "{[|" and piece != "|":
            starts.append(piece)
        before = piece
    return sets


def _first_words(pieces: Sequence[str]) -> frozenset[str]:
    if any(piece[0] in "<{[" or piece.endswith("*") for piece in pieces):
        return frozenset()
    return frozenset(tokens(piece, {})[0] for piece in pieces)


def load_rules(folder: Path, names: Iterable[str] = ()) -> Rules:
    """Return the checked rules of `folder`, one file a language; `names` may appear in glued words.

    Raises:
        ConfigError: a file cannot be read, holds an unknown key or slot, or a template that says nothing.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigError(str(folder), None, "scrub rules", "the folder holds no *.toml", "Give config/scrub's path")
    return Rules({path.stem: _load(path) for path in paths}, frozenset(names))


def _load(path: Path) -> RuleFile:
    text = ""
    try:
        text = path.read_text("utf-8")
        rules = RuleFile.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), None, "file", f"cannot be read: {error}", "Save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(
            str(path), int(line[1]) if line else None, "syntax", f"not TOML: {error}", "Mend the line"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = first["loc"]
        raise ConfigError(
            str(path),
            _line_of(text, where),
            ".".join(map(str, where)),
            first["msg"],
            "See the other rules of the file for the form",
        ) from error
    for rule in rules.rule:
        for template in rule.templates:
            _check_template(path, text, template)
    if len(rules.months) not in (0, 12):
        raise ConfigError(str(path), None, "months", f"{len(rules.months)} given", "List twelve, or none")
    return rules


def _check_template(path: Path, text: str, template: str) -> None:
    line = next((n for n, row in enumerate(text.splitlines(), 1) if template in row), None)
    slots = re.findall(r"<(\w+)>", template)
    if unknown := set(slots) - set(SLOTS):
        raise ConfigError(
            str(path), line, template, f"unknown slot <{min(unknown)}>", "Known slots: " + ", ".join(sorted(SLOTS))
        )
    try:
        pattern = re.compile(_template(template))
    except (ValueError, re.error) as error:
        raise ConfigError(str(path), line, template, str(error), "Write {a|b} or [a|b]; use each slot once") from error
    if pattern.match("§ ") or re.fullmatch(pattern, "§ " * 9):
        raise ConfigError(str(path), line, template, "would match any line", "Give it a word of its own")


def _line_of(text: str, where: tuple[int | str, ...]) -> Optional[int]:
    """The line on which the entry `where` of a list of tables begins: tomllib tells no positions."""
    if len(where) < 2 or not isinstance(where[1], int):
        return None
    starts = [n for n, row in enumerate(text.splitlines(), 1) if row.strip() == f"[[{where[0]}]]"]
    return starts[where[1]] if where[1] < len(starts) else None
