"""Rule files: `config/scrub/*.toml` as checked models.

A file is one language (`en.toml`, …; `any.toml` holds for all). It lists

* `[[rule]]`: templates (`templates.py`) that a whole line must match; some slots become fields of the record.
* `[[vocabulary]]`: words. A line is furniture when it is made of them: at least `min_anchors` telling ones (`anchors`)
  and, with the other `words`, at least `coverage` of the line. This is what catches wordings no template foresaw, and
  what keeps a sentence that merely uses one of the words.
* small tables: month names, words of one letter, words before which a hanging hyphen stays.

Each rule brings examples and counter-examples; a test runs them all.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, Optional

from pydantic import Field, ValidationError

from schemas.errors import ConfigError
from schemas.settings import Model
from transforms.scrub.templates import SLOTS, pattern_of

Kind = Literal[
    "comments", "promo", "share", "languages", "teaser", "teasers", "breadcrumb", "tags", "prefix", "source", "footer",
    "consent", "bio", "stray", "credit", "code",
]  # fmt: skip
"""What a line is. `teasers` opens a list: the headlines under it go with it."""

FRAMING: Final = frozenset(("source", "credit", "prefix", "bio"))
"""Kinds whose vocabularies are frames (`frames.py`): what is none of their words is a name."""


class Rule(Model):
    """Templates for one kind of line."""

    name: str
    kind: Kind
    templates: Annotated[tuple[str, ...], Field(min_length=1)]
    examples: Annotated[tuple[str, ...], Field(min_length=1)]
    counter_examples: Annotated[tuple[str, ...], Field(min_length=1)]


class Vocabulary(Model):
    """Words that furniture of one kind is made of; of a framing kind, words around a name."""

    name: str
    kind: Kind
    anchors: Annotated[tuple[str, ...], Field(min_length=1)]
    words: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()  # of a frame: words behind which a name needs no sign, such as "by"
    min_anchors: Annotated[int, Field(ge=1)] = 1
    coverage: Annotated[float, Field(gt=0.4, le=1)] = 0.8
    examples: Annotated[tuple[str, ...], Field(min_length=1)]
    counter_examples: Annotated[tuple[str, ...], Field(min_length=1)]


class RuleFile(Model):
    """One file of `config/scrub`."""

    months: tuple[tuple[str, ...], ...] = ()  # twelve, each with its spellings
    weekdays: tuple[str, ...] = ()  # "published on Monday": names of days stand where names of outlets do
    single_letters: tuple[str, ...] = ()  # words of one letter
    hanging: tuple[str, ...] = ()  # words before which "pre-" keeps its hyphen: and, or, …
    agencies: tuple[str, ...] = ()  # who signs pictures and datelines
    doubtful_agencies: tuple[str, ...] = ()  # those whose names are words or newsmakers, too: alone they sign nothing
    offices: tuple[str, ...] = ()  # words in the names of those who give pictures away: ministry, office, studio
    places: tuple[
        str, ...
    ] = ()  # where news is dated: capitals, seats of the agencies' bureaus; forms: "New *", "* City"
    stopped_datelines: bool = False  # whether the language's news ends them with a full stop: "Berlin. Die …"
    reporting: tuple[str, ...] = ()  # verbs behind what somebody said: "…, he said."
    pointing: tuple[str, ...] = ()  # words that open a sentence about what was just named: that, so, here
    common: tuple[str, ...] = ()  # words known in all vocabularies of the file; those of `any.toml`, of all files
    voice: tuple[str, ...] = ()  # words in which a site speaks to its reader: you, our; news prose hardly does
    rule: tuple[Rule, ...] = ()
    vocabulary: tuple[Vocabulary, ...] = ()


def read_rules(path: Path) -> RuleFile:
    """Return the checked rules of one file.

    Raises:
        ConfigError: it cannot be read, holds an unknown key or slot, or a template that says nothing.
    """
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
        pattern = re.compile(pattern_of(template))
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
