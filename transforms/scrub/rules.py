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
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Optional

from pydantic import Field, ValidationError

from schemas.errors import ConfigError
from schemas.settings import Model
from transforms.scrub.words import DATE, TIME, fold, tokens

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
    "name": r"(?P<name>(?:\S+ ){1,7})",
    "source": r"(?P<source>(?:\S+ ){1,8})",
    "credit": r"(?P<credit>(?:\S+ ){1,14})",
    "caption": r"(?P<caption>(?:\S+ ){2,60}?)",
    "section": r"(?P<section>(?:\S+ ){1,5})",
    "any": r"(?:\S+ ){1,14}",
    "list": r"(?P<list>\S.*)",
}
_PIECE = re.compile(r"<\w+>|[{}|\[\]]|[^\s{}|\[\]]+")
_PAIRS: Final = {"{": "}", "[": "]"}
_LEAD: Final = r"(?:[^\w\s(] ){0,4}"
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
    rule: tuple[Rule, ...] = ()
    vocabulary: tuple[Vocabulary, ...] = ()


@dataclass(frozen=True)
class Match:
    """A rule that a line matched, and what its slots caught, as written in the line."""

    rule: str
    kind: Kind
    slots: Mapping[str, str] = field(default_factory=dict)


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
        rows = {tuple(t.text for t in tokens(name, {})) for rules in self.files.values() for name in rules.agencies}
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


class _Templates(NamedTuple):
    """A rule's templates, compiled; `heads` are the words a matching line begins with, None where that is open."""

    name: str
    kind: Kind
    heads: Optional[frozenset[str]]
    patterns: tuple[re.Pattern[str], ...]


class Language:
    """The rules of one language, ready to match."""

    def __init__(self, language: str, rules: RuleFile) -> None:
        self.rules = [_Templates(f"{language}.{r.name}", r.kind, _heads(r), _patterns(r)) for r in rules.rule]
        self.vocabularies = [_Words(f"{language}.{v.name}", v, rules.common) for v in rules.vocabulary]


class _Words:
    """A vocabulary as sets of whole words and of stems."""

    def __init__(self, name: str, vocabulary: Vocabulary, common: Iterable[str]) -> None:
        self.name, self.kind = name, vocabulary.kind
        self.min_anchors, self.coverage = vocabulary.min_anchors, vocabulary.coverage
        self.anchors, self.anchor_stems = _split(vocabulary.anchors)
        self.words, self.stems = _split((*vocabulary.words, *common))
        self.stem_lengths = sorted({len(s) for s in self.anchor_stems | self.stems})

    def holds(self, words: Sequence[str], *, near: bool) -> bool:
        """Whether a line of `words` is made of this vocabulary; beside furniture, less is asked for."""
        if not words:
            return False
        anchors = known = 0
        for word in words:
            if word in self.anchors or self._stem(word, self.anchor_stems):
                anchors += 1
            elif word in self.words or self._stem(word, self.stems):
                known += 1
        enough, coverage = (1, self.coverage - NEAR_SLACK) if near else (self.min_anchors, self.coverage)
        return anchors >= enough and anchors + known >= coverage * len(words)

    def _stem(self, word: str, stems: frozenset[str]) -> bool:
        return any(word[:n] in stems for n in self.stem_lengths if n <= len(word))


def _split(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """(whole words, stems) of entries; an entry of several words counts as each of them."""
    whole: set[str] = set()
    stems: set[str] = set()
    for entry in words:
        for word in entry.split():
            if word.endswith("*"):
                stems.add(fold(word[:-1]))
            else:
                whole.update(t.text for t in tokens(word, {}) if t.text.isalnum())
    return frozenset(whole), frozenset(stems)


def _patterns(rule: Rule) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_LEAD + _template(template) + _TRAIL) for template in rule.templates)


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
    texts = [t.text for t in tokens(word.rstrip("*") if word.endswith("*") and word != "*" else word, {})]
    if word.endswith("*") and word != "*":
        *first, last = texts
        return "".join(re.escape(t) + " " for t in first) + re.escape(last) + r"\w* "
    return "".join(re.escape(t) + " " for t in texts)


def _heads(rule: Rule) -> Optional[frozenset[str]]:
    """The words a matching line can begin with, None where that is open."""
    heads: set[str] = set()
    for template in rule.templates:
        pieces = _PIECE.findall(template)
        starts, depth = [pieces[0]], 0
        if pieces[0] == "{":  # the first piece of each alternative
            starts = []
            for before, piece in pairwise(pieces):
                depth += (before in "{[") - (before in "}]")
                if depth == 0:
                    break
                if depth == 1 and before in "{|":
                    starts.append(piece)
        if any(start[0] in "<{[" or start.endswith("*") for start in starts):
            return None
        heads.update(tokens(start, {})[0].text for start in starts)
    return frozenset(heads)


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
