"""Settings and outlets, read from `config/*.toml` once, at launch, and checked.

What is wrong is told with file, line, field and remedy: `read_…` lists all of it, `load_…` raises the first.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Optional, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.errors import ConfigError, Noted
from schemas.settings import SLUG, Model, Outlet, Settings

_SHOWN: Final = 80  # characters of a bad value
# What is wrong with a value, in the words of a TOML file; keys are pydantic's types of error.
_PROBLEMS: Final = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
    "string_too_long": "must not be longer than {max_length} characters",
    "string_pattern_mismatch": "must be of the form {pattern}",
    "too_short": "must list {min_length} at least",
    "value_error": "{error}",
} | {
    f"{kind}_{trouble}": f"must be {what}"
    for kind, what in {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "string": "a string, in quotes",
        "tuple": "a list, in [ ]",
        "frozen_set": "a list, in [ ]",
        "mapping": "a [table]",
        "model": "a [table]",
    }.items()
    for trouble in ("type", "parsing", "from_float", "parsing_size")
}
M = TypeVar("M", bound=Model)


def load_settings(defaults: Path, override: Optional[Path] = None) -> Settings:
    """Return the checked settings of `defaults`, with the keys of `override` laid over them.

    Raises:
        ConfigError: the first of the problems that `read_settings` finds.
    """
    settings, problems = read_settings(defaults, override)
    if settings is None:
        raise problems[0]
    return settings


def read_settings(defaults: Path, override: Optional[Path] = None) -> tuple[Optional[Settings], list[ConfigError]]:
    """Return the settings, None where something is wrong, and what that is.

    Wrong is: a file that is missing or not TOML, a key that is unknown, a value that is out of range.
    """
    problems: list[ConfigError] = []
    merged: dict[str, Any] = {}
    sources: dict[tuple[str, str], Path] = {}  # (table, key) -> the file that sets it, where that is not `defaults`
    with Noted(problems):
        merged = _read(defaults)
    if override is not None:
        with Noted(problems):
            for group, table in _read(override).items():
                with Noted(problems):
                    _check_table(override, group, table)
                    merged.setdefault(group, {}).update(table)
                    sources |= dict.fromkeys(((group, key) for key in table), override)
    settings, wrong = _check(Settings, merged, defaults, [], sources) if merged else (None, [])
    problems += wrong
    return (None if problems else settings), problems


def load_outlets(path: Path) -> tuple[Outlet, ...]:
    """Return the outlets of `path`, in file order.

    Raises:
        ConfigError: the first of the problems that `read_outlets` finds.
    """
    outlets, problems = read_outlets(path)
    if problems:
        raise problems[0]
    return outlets


def read_outlets(path: Path) -> tuple[tuple[Outlet, ...], list[ConfigError]]:
    """Return the outlets of `path` that are sound, in file order, and what is wrong with the others.

    Wrong is: a file that is missing, not TOML or empty, a slug or field that is bad, a feed that is listed twice.
    """
    outlets: list[Outlet] = []
    problems: list[ConfigError] = []
    owner: dict[str, str] = {}
    with Noted(problems):
        tables = _read(path)
        if not tables:
            remedy = "Add a table, for instance with `newsbeam outlets add URL`"
            raise ConfigError(str(path), None, "outlets", "the file declares none", remedy)
        for slug, table in tables.items():
            with Noted(problems):
                _check_slug(path, slug, table)
                outlet, wrong = _check(Outlet, {"slug": slug, **table}, path, [slug], {})
                problems += wrong
                if outlet is not None:
                    _check_feeds(path, outlet, owner)
                    outlets.append(outlet)
    return tuple(outlets), problems


def _check_table(override: Path, group: str, table: object) -> None:
    known = ", ".join(f"[{name}]" for name in Settings.model_fields)
    if not isinstance(table, dict):
        raise _refuse(override, [group], "is not inside a [table]", f"Move it under one of {known}")
    if group not in Settings.model_fields:
        raise _refuse(override, [group], "unknown table", f"Use one of {known}")


def _check_slug(path: Path, slug: str, table: object) -> None:
    if not SLUG.fullmatch(slug) or slug.isdigit():
        remedy = "Use a-z, 0-9 and '-', starting with a letter or digit, not a bare number"
        raise _refuse(path, [slug], "bad slug", remedy)
    if not isinstance(table, dict):
        remedy = f"Write it as [{slug}] with name, country, language, home, feeds"
        raise _refuse(path, [slug], "is not a table", remedy)
    if "slug" in table:
        raise _refuse(path, [slug, "slug"], "unknown key", "Remove it: the table's name is the slug")


def _check_feeds(path: Path, outlet: Outlet, owner: dict[str, str]) -> None:
    """Refuse what is listed twice or is said of no feed; note in `owner` whose each feed is."""
    for feed in outlet.feeds:
        if feed in owner:
            problem = f"duplicate feed, already listed by [{owner[feed]}]"
            raise _refuse(path, [outlet.slug, feed], problem, "Remove one of the two")
        owner[feed] = outlet.slug
    if stray := set(outlet.unconfirmed) - set(outlet.feeds):
        problem = f"{min(stray)} is not among its feeds"
        raise _refuse(path, [outlet.slug, "unconfirmed"], problem, "List it in feeds too, or remove it")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # some editors begin a file with a byte order mark
    except OSError as error:
        problem = error.strerror or "cannot be read"
        raise ConfigError(str(path), None, "file", problem, "Give the path of a readable file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), None, "file", "is not UTF-8", "Save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        number = int(line[1]) if line else None
        remedy = "Mend the line; strings need quotes"
        raise ConfigError(str(path), number, "syntax", f"not TOML: {error}", remedy) from error


def _check(
    model: type[M], data: Mapping[str, Any], path: Path, prefix: Sequence[str], sources: Mapping[tuple[str, str], Path]
) -> tuple[Optional[M], list[ConfigError]]:
    """The model of `data`, None where something is wrong, and what that is."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        # A misspelt key is unknown and missing at once: the spelling is what to mend, and told first.
        found = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    problems = []
    for one in found:
        keys = [*prefix, *(str(part) for part in one["loc"])]
        remedy = {
            "extra_forbidden": "Remove it, or mend its spelling; known here: "
            + ", ".join(_fields(model, one["loc"][:-1])),
            "missing": "Add it",
        }.get(one["type"], "Change the value")
        problem = _PROBLEMS.get(one["type"], one["msg"]).format(**one.get("ctx", {}))
        if one["type"] not in ("extra_forbidden", "missing"):
            problem += f", not {json.dumps(one['input'], ensure_ascii=False, default=str)[:_SHOWN]}"
        source = sources.get((keys[0], keys[1]), path) if len(keys) > 1 else path
        problems.append(_refuse(source, keys, problem, remedy))
    return None, problems


def _refuse(path: Path, keys: Sequence[str], problem: str, remedy: str) -> ConfigError:
    return ConfigError(str(path), _line(path, keys), ".".join(keys), problem, remedy)


def _line(path: Path, keys: Sequence[str]) -> Optional[int]:
    """The line of the deepest of `keys` that the file shows: tomllib tells no positions."""
    found, wanted = None, list(keys)
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        while wanted and _shows(line, wanted[0], deepest=len(wanted) == 1):
            found = number
            wanted.pop(0)
        if not wanted:
            break
    return found


def _shows(line: str, key: str, *, deepest: bool) -> bool:
    quoted = rf"[\"']?{re.escape(key)}[\"']?"
    return bool(re.match(rf"\s*(\[+\s*([\w\"'-]+\s*\.\s*)?{quoted}\s*[\].]|{quoted}\s*=)", line)) or (
        deepest and "://" in key and key in line
    )


def _fields(model: type[BaseModel], loc: Sequence[Any]) -> Iterator[str]:
    for part in loc:
        inner = model.model_fields.get(str(part))
        if inner is None or not isinstance(inner.annotation, type) or not issubclass(inner.annotation, BaseModel):
            return iter(())
        model = inner.annotation
    return (name for name in model.model_fields if name != "slug")
