"""Settings: `config/*.toml` read once, at launch, and checked into frozen models.

Whatever is wrong raises `ConfigError` with file, line, field and remedy. Workers get these objects as constructor
arguments; they never look for a file themselves.
"""

import ipaddress
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Optional, TypeVar
from urllib.parse import urlsplit

from cssselect import HTMLTranslator, SelectorError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from schemas.countries import COUNTRIES
from schemas.errors import ConfigError

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
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)?")
_SHOWN: Final = 80  # characters of a bad value
SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]*")  # of outlets and entities: stands in paths and ids


class Model(BaseModel):
    """Frozen, and closed: a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("must be an http or https URL with a host and no user")
    if _SPACE.search(url):
        raise ValueError("must hold no spaces; in a URL they are written %20")
    return url


def _header_text(text: str) -> str:
    if not text.strip() or not text.isascii() or not text.isprintable():  # it goes into a header
        raise ValueError("must be text in plain ASCII, and not empty")
    return text


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError("must be a country's two letters, such as IQ (ISO 3166-1), or ZZ where it is not known")
    return code


def _language(code: str) -> str:
    if not _LANGUAGE.fullmatch(code):
        raise ValueError("must be a code such as en or ckb (BCP 47), or und where it is not known")
    return code


def _network(block: str) -> str:
    try:
        return str(ipaddress.ip_network(block))
    except ValueError as error:
        raise ValueError("must be a CIDR block, for instance 127.0.1.0/24") from error


def _selector(css: str) -> str:
    try:
        HTMLTranslator().css_to_xpath(css)
    except SelectorError as error:
        raise ValueError(f"must be a CSS selector: {error}") from error
    return css


# Numbers and switches are strict: `true` is no number, "yes" no switch.
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1)]
HeaderText = Annotated[str, Field(max_length=300), AfterValidator(_header_text)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Host = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
Url = Annotated[str, AfterValidator(_http_url)]
Network = Annotated[str, AfterValidator(_network)]
Selector = Annotated[str, Field(max_length=500), AfterValidator(_selector)]


class HttpSettings(Model):
    """How pages and feeds are asked for. Units in the names; meanings in `config/defaults.toml`."""

    user_agent: HeaderText
    contact: HeaderText
    gap_s: NotNegative
    host_concurrency: Count
    max_connections: Count
    deadline_s: Positive
    connect_s: Positive
    max_redirects: Annotated[int, Field(strict=True, ge=0, le=20)]
    max_wire_bytes: Count
    max_body_bytes: Count
    max_header_bytes: Count
    max_tries: Count
    backoff_s: NotNegative
    max_retry_after_s: NotNegative
    max_host_s: Positive
    robots_max_bytes: Annotated[int, Field(strict=True, ge=512_000)]
    max_crawl_delay_s: NotNegative
    allow_networks: tuple[Network, ...]

    @property
    def agent(self) -> str:
        """The User-Agent header, with the contact filled in."""
        return self.user_agent.replace("{contact}", self.contact)


class PollSettings(Model):
    """When feeds are due, and how much of one is read."""

    min_interval_s: Positive
    max_interval_s: Positive
    start_interval_s: Positive
    max_entries: Count
    max_new_entries: Count
    recheck_s: Positive
    full_content_chars: Count
    silence_factor: Positive


class UrlSettings(Model):
    """What tells one article's address from another's on single sites."""

    keep: Mapping[Host, frozenset[Annotated[str, Field(min_length=1)]]]  # host -> query parameters


class ExtractSettings(Model):
    """Bounds of one page's extraction."""

    min_chars: Count
    max_seconds: Positive
    max_depth: Count


class LanguageSettings(Model):
    """Language detection."""

    sample_chars: Count
    min_confidence: Share
    seed: Annotated[int, Field(strict=True)]


class DedupSettings(Model):
    """Near-duplicate search; sources of the constants in `config/defaults.toml`."""

    shingle_chars: Count
    anchors: Count
    opening_anchors: Count
    density: Count
    min_containment: Share
    far_containment: Share
    far_hours: Positive
    cluster_cut: Share
    max_anchor_records: Count
    lookback_days: Positive


class TagSettings(Model):
    """Entity tagging."""

    surname_min_chars: Count


class WriteSettings(Model):
    """Shape of the Parquet files, and the room they need."""

    shards: Count
    max_rows_per_file: Count
    compression_level: Annotated[int, Field(strict=True, ge=1, le=22)]
    min_free_bytes: Annotated[int, Field(strict=True, ge=0)]
    # Where the state lies, if not beside the dataset: postgresql://user@host/database, or the whole path of a file.
    state: Annotated[str, Field(pattern=r"^(postgres(ql)?://.+|/.+)?$")] = ""


class RunSettings(Model):
    """Policy over runs."""

    max_link_tries: Count


class Settings(Model):
    """All of `config/defaults.toml`, with overrides applied."""

    http: HttpSettings
    poll: PollSettings
    urls: UrlSettings
    extract: ExtractSettings
    language: LanguageSettings
    dedup: DedupSettings
    tag: TagSettings
    write: WriteSettings
    run: RunSettings


class Profile(Model):
    """Where an outlet's pages hold what: CSS selectors, "" where the general way of finding it does.

    A selector that matches nothing on a page leaves it to the general way, and a warning on the row.
    """

    body: Selector = ""  # the article's text: all blocks inside, captions apart
    title: Selector = ""
    authors: Selector = ""
    date: Selector = ""  # `datetime` or `content` of the element, else its text
    drop: tuple[Selector, ...] = ()  # taken out of the page first; may match nothing


class Outlet(Model):
    """One outlet: a table of `config/outlets.toml`, named by its slug."""

    slug: str
    name: Annotated[str, Field(min_length=1)]
    country: Annotated[str, AfterValidator(_country)]  # ISO 3166-1 alpha-2
    language: Annotated[str, AfterValidator(_language)]  # BCP 47
    home: Url
    feeds: Annotated[tuple[Url, ...], Field(min_length=1)]
    unconfirmed: tuple[Url, ...] = ()  # feeds whose address no public source confirmed
    full_content: Annotated[bool, Field(strict=True)] = (
        False  # its feeds carry whole articles: pages are fetched only where an entry is too short
    )
    note: str = ""
    profile: Profile = Profile()


M = TypeVar("M", bound=Model)


def load_settings(defaults: Path, override: Optional[Path] = None) -> Settings:
    """Return the checked settings of `defaults`, with the keys of `override` laid over them.

    Raises:
        ConfigError: a file is missing or not TOML, a key is unknown, or a value is out of range.
    """
    merged, sources = _read(defaults), {}
    if override is not None:
        for group, table in _read(override).items():
            if not isinstance(table, dict):
                raise _refuse(override, [group], "is not inside a [table]", "Move it under one of " + _known(Settings))
            for key, value in table.items():
                merged.setdefault(group, {})[key] = value
                sources[group, key] = override
            if group not in Settings.model_fields:
                raise _refuse(override, [group], "unknown table", "Use one of " + _known(Settings))
    return _check(Settings, merged, defaults, [], sources)


def load_outlets(path: Path) -> tuple[Outlet, ...]:
    """Return the outlets of `path`, in file order.

    Raises:
        ConfigError: the file is missing or not TOML, a slug or field is bad, or a feed is listed twice.
    """
    outlets, owner = [], dict[str, str]()
    for slug, table in _read(path).items():
        if not SLUG.fullmatch(slug) or slug.isdigit():
            raise _refuse(
                path, [slug], "bad slug", "Use a-z, 0-9 and '-', starting with a letter or digit, not a bare number"
            )
        if not isinstance(table, dict):
            raise _refuse(
                path, [slug], "is not a table", f"Write it as [{slug}] with name, country, language, home, feeds"
            )
        if "slug" in table:
            raise _refuse(path, [slug, "slug"], "unknown key", "Remove it: the table's name is the slug")
        outlet = _check(Outlet, {"slug": slug, **table}, path, [slug], {})
        for feed in outlet.feeds:
            if feed in owner:
                raise _refuse(
                    path, [slug, feed], f"duplicate feed, already listed by [{owner[feed]}]", "Remove one of the two"
                )
            owner[feed] = slug
        if stray := set(outlet.unconfirmed) - set(outlet.feeds):
            raise _refuse(
                path,
                [slug, "unconfirmed"],
                f"{min(stray)} is not among its feeds",
                "List it in feeds too, or remove it",
            )
        outlets.append(outlet)
    if not outlets:
        raise ConfigError(
            str(path),
            None,
            "outlets",
            "the file declares none",
            "Add a table, for instance with `newsbeam outlets add URL`",
        )
    return tuple(outlets)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # some editors begin a file with a byte order mark
    except OSError as error:
        raise ConfigError(
            str(path), None, "file", error.strerror or "cannot be read", "Give the path of a readable file"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), None, "file", "is not UTF-8", "Save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(
            str(path),
            int(line[1]) if line else None,
            "syntax",
            f"not TOML: {error}",
            "Mend the line; strings need quotes",
        ) from error


def _check(
    model: type[M], data: Mapping[str, Any], path: Path, prefix: Sequence[str], sources: Mapping[tuple[str, str], Path]
) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # A misspelt key is unknown and missing at once: the spelling is what to mend.
        found = error.errors(include_url=False)
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
        keys = [*prefix, *(str(part) for part in first["loc"])]
        remedy = {
            "extra_forbidden": "Remove it, or mend its spelling; known here: "
            + ", ".join(_fields(model, first["loc"][:-1])),
            "missing": "Add it",
        }.get(first["type"], "Change the value")
        problem = _PROBLEMS.get(first["type"], first["msg"]).format(**first.get("ctx", {}))
        if first["type"] not in ("extra_forbidden", "missing"):
            problem += f", not {json.dumps(first['input'], ensure_ascii=False, default=str)[:_SHOWN]}"
        source = sources.get((keys[0], keys[1]), path) if len(keys) > 1 else path
        raise _refuse(source, keys, problem, remedy) from error


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


def _known(model: type[BaseModel]) -> str:
    return ", ".join(f"[{name}]" for name in model.model_fields)
