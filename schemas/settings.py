"""Settings: the frozen, closed models that `config/*.toml` is checked into (`schemas/settings_files.py`).

Workers get these objects as constructor arguments; they never look for a file themselves.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from cssselect import HTMLTranslator, SelectorError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.countries import COUNTRIES

_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)?")
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
