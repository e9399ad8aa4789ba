"""`newsbeam outlets`: find an outlet's feeds, keep the table of outlets, and exchange it with other readers."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple, Optional, Union
from urllib.parse import urljoin

import typer
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.outlet_table import country_of, language_of, outlet_toml, outlets_of, slug_of
from schemas.errors import ConfigError
from schemas.settings import HttpSettings, Outlet, Settings, load_outlets, load_settings
from transforms.feeds import Feed, NotAFeed, parse_feed
from transforms.feeds.discover import discover, news_sitemaps, usual_places
from transforms.feeds.opml import NotOpml, read_opml, write_opml
from transforms.fetch.client import Response
from transforms.fetch.crawl import Answer, Ask, Elsewhere, crawl
from transforms.fetch.failure import FetchFailed
from transforms.fetch.host import HostState, host_of

outlets_app = typer.Typer(no_args_is_help=True, help="List, find, check and exchange the outlets that are polled.")
out = Console(highlight=False)

ROUNDS: Final = 3  # a redirect to another host is followed this often
MOST_FEEDS: Final = 5  # of one outlet, when they are found for a person who can list more

OutletsFile = Annotated[
    Optional[Path], typer.Option("--outlets", help="The file of outlets. [default: the shipped outlets.toml]")
]
SettingsFile = Annotated[
    Optional[Path], typer.Option("--settings", help="TOML whose keys are laid over the shipped defaults.toml.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]


class Found(NamedTuple):
    """An address that was tried, and the feed there; `problem` says why there is none."""

    url: str  # after redirects, where a feed was found
    feed: Optional[Feed]
    problem: str


@outlets_app.command("list")
def list_outlets(
    outlets: OutletsFile = None,
    language: Annotated[Optional[str], typer.Option("--language", help="Only outlets of this language.")] = None,
) -> None:
    """Show the outlets, with how many feeds each has."""
    table = Table("outlet", "name", "country", "language", "feeds", "home", box=None, header_style="bold")
    for outlet in _load(outlets):
        if language in (None, outlet.language):
            feeds = f"{len(outlet.feeds)}" + (f" ({len(outlet.unconfirmed)} unconfirmed)" if outlet.unconfirmed else "")
            table.add_row(outlet.slug, Text(outlet.name), outlet.country, outlet.language, feeds, outlet.home)
    out.print(table)


@outlets_app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="The outlet's home page, or a feed of it.")],
    outlets: OutletsFile = None,
    settings: SettingsFile = None,
    slug: Annotated[Optional[str], typer.Option("--slug", help="[default: made of the host's name]")] = None,
    name: Annotated[Optional[str], typer.Option("--name", help="[default: the feed's title]")] = None,
    country: Annotated[Optional[str], typer.Option("--country", help="ISO 3166-1 alpha-2. [default: guessed]")] = None,
    language: Annotated[Optional[str], typer.Option("--language", help="[default: what the feed declares]")] = None,
    yes: Yes = False,
) -> None:
    """Find the feeds and news sitemaps of a site, show what they list, and write the outlet's table."""
    known, all_settings = _load(outlets), _settings(settings)
    found = find_feeds(url, all_settings)
    _show(found)
    kept = distinct(found)
    if not kept:
        out.print("no feed was found; give the address of one")
        raise typer.Exit(1)
    listed = {feed: outlet.slug for outlet in known for feed in outlet.feeds}
    if owner := next((listed[feed.url] for feed in kept if feed.url in listed), None):
        out.print(f"[{owner}] lists it already", markup=False)
        raise typer.Exit(1)
    first = next((entry.feed for entry in kept if entry.feed), None)
    declared = language or (first.language if first else None) or ""
    outlet = Outlet(
        slug=slug or slug_of(url, [outlet.slug for outlet in known]),
        name=name or (first.title if first else "") or slug_of(url),
        country=country or country_of(url, declared),
        language=language_of(declared),
        home=urljoin(url, "/"),
        feeds=tuple(entry.url for entry in kept),
        note="found by newsbeam outlets add",
    )
    _append([outlet], outlets, yes)


@outlets_app.command()
def check(
    outlets: OutletsFile = None,
    settings: SettingsFile = None,
    only: Annotated[Optional[list[str]], typer.Option("--only", help="Only this outlet; may be repeated.")] = None,
) -> None:
    """Ask for every feed once, and show what each lists; exit code 1 where one does not work."""
    chosen = [outlet for outlet in _load(outlets) if not only or outlet.slug in only]
    found = look_at([feed for outlet in chosen for feed in outlet.feeds], _settings(settings))
    _show(found)
    broken = sum(1 for entry in found if entry.feed is None)
    out.print(f"{len(found) - broken} of {len(found)} feeds work")
    raise typer.Exit(1 if broken else 0)


@outlets_app.command("import-opml")
def import_opml(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file, as other feed readers export it.")],
    outlets: OutletsFile = None,
    yes: Yes = False,
) -> None:
    """Add the feeds of an OPML file that are not listed yet, one outlet for each site."""
    try:
        listed = read_opml(file.read_bytes())
    except OSError as error:
        raise ConfigError(
            str(file), None, "file", error.strerror or "cannot be read", "Give a readable file"
        ) from error
    except NotOpml as error:
        raise ConfigError(str(file), None, "file", f"not OPML: {error}", "Give a file exported as OPML") from error
    made = outlets_of(listed, _load(outlets))
    out.print(f"{len(listed)} feeds listed, {sum(len(outlet.feeds) for outlet in made)} of them new")
    if made:
        _append(made, outlets, yes)


@outlets_app.command("export-opml")
def export_opml(
    file: Annotated[Optional[Path], typer.Argument(metavar="FILE", help="[default: standard output]")] = None,
    outlets: OutletsFile = None,
) -> None:
    """Write the outlets as OPML, for other feed readers."""
    document = write_opml(_load(outlets), "newsbeam outlets")
    if file is None:
        sys.stdout.buffer.write(document)
    else:
        file.write_bytes(document)


def find_feeds(url: str, settings: Settings) -> list[Found]:
    """Return what was tried to find the feeds of the site at `url`, in that order.

    `url` itself may be a feed. Else what its page names is tried, and only where nothing of that works, the news
    sitemaps in its robots.txt and the usual places.
    """
    answer = ask_all([url], settings.http).get(url)
    first = _found(url, answer, settings.poll.max_entries)
    if first.feed is not None or not isinstance(answer, Response):
        return [first]
    tried = look_at(discover(answer.body, answer.url), settings)
    if any(entry.feed and entry.feed.items for entry in tried):
        return tried
    robots_url = urljoin(answer.url, "/robots.txt")
    robots = ask_all([robots_url], settings.http).get(robots_url)
    rules = robots.body.decode("utf-8", "replace") if isinstance(robots, Response) else ""
    return tried + look_at([*news_sitemaps(rules, answer.url), *usual_places(answer.url)], settings)


def distinct(found: Sequence[Found]) -> list[Found]:
    """Return the feeds that list something no feed before them lists, at most `MOST_FEEDS`."""
    seen: set[str] = set()
    kept: list[Found] = []
    for entry in found:
        links = {item.link for item in entry.feed.items if item.link} if entry.feed else set()
        if links - seen and len(kept) < MOST_FEEDS:
            kept.append(entry)
            seen |= links
    return kept


def ask_all(urls: Iterable[str], http: HttpSettings) -> dict[str, Union[Response, FetchFailed]]:
    """Return what each URL answers, asked as politely and as guarded as a run asks."""
    answers: dict[str, Union[Response, FetchFailed]] = {}
    waiting = [(url, Ask(url, None, None, 0, False)) for url in dict.fromkeys(urls)]
    known: dict[str, list[HostState]] = {}
    for _ in range(ROUNDS):
        work: dict[str, list[tuple[str, Ask]]] = {}
        for url, ask in waiting:
            work.setdefault(host_of(ask.url), []).append((url, ask))
        waiting = []
        for outcome in crawl(http, work, known, lambda item: item[1]):
            if isinstance(outcome, HostState):
                known.setdefault(outcome.host, []).append(outcome)
                continue
            (url, _ask), result = outcome
            if isinstance(result, Elsewhere):
                waiting.append((url, result.ask))
            else:
                answers[url] = result.response if isinstance(result, Answer) else result
    return answers


def look_at(urls: Iterable[str], settings: Settings) -> list[Found]:
    """Return the feed at each of `urls`, or why there is none, in their order."""
    wanted = list(dict.fromkeys(urls))
    answers = ask_all(wanted, settings.http)
    return [_found(url, answers.get(url), settings.poll.max_entries) for url in wanted]


def _found(url: str, answer: Union[Response, FetchFailed, None], max_items: int) -> Found:
    if answer is None:
        return Found(url, None, "redirected from host to host")
    if isinstance(answer, FetchFailed):
        return Found(url, None, f"{answer.reason}: {answer.detail}")
    try:
        feed = parse_feed(answer.body, answer.headers.get("content-type", ""), answer.url, max_items)
    except NotAFeed as error:
        return Found(url, None, f"not a feed: {error}")
    return Found(answer.url, feed, "")


def _show(found: Sequence[Found]) -> None:
    table = Table("feed", "items", "newest", "title and latest headline", box=None, header_style="bold")
    for url, feed, problem in found:
        if feed is None:
            table.add_row(url, "-", "-", Text(problem, style="red"))
            continue
        dates = [date for item in feed.items if (date := item.published or item.updated) is not None]
        headline = feed.items[0].title if feed.items else ""
        table.add_row(url, str(len(feed.items)), _day(max(dates, default=None)), Text(f"{feed.title}: {headline}"))
    out.print(table)


def _day(moment: Optional[Timestamp]) -> str:
    return moment.to_utc_datetime().strftime("%Y-%m-%d %H:%M") if moment is not None else "-"


def _append(made: Sequence[Outlet], outlets: Optional[Path], yes: bool) -> None:
    """Show the tables, and write them behind the file's last one."""
    path = outlets or _shipped("outlets.toml")
    tables = "\n\n".join(outlet_toml(outlet) for outlet in made) + "\n"
    out.print(tables, markup=False, soft_wrap=True)
    if not yes and not typer.confirm(f"Add to {path}?"):
        raise typer.Exit(1)
    before = path.read_text("utf-8") if path.exists() else ""
    path.write_text(f"{before.rstrip()}\n\n{tables}".lstrip(), "utf-8")
    try:
        load_outlets(path)
    except ConfigError:
        path.write_text(before, "utf-8")
        raise


def _load(outlets: Optional[Path]) -> tuple[Outlet, ...]:
    """The outlets of the file; none where the file a person named does not exist yet."""
    if outlets is not None and not outlets.exists():
        return ()
    return load_outlets(outlets or _shipped("outlets.toml"))


def _settings(override: Optional[Path]) -> Settings:
    return load_settings(_shipped("defaults.toml"), override)


def _shipped(name: str) -> Path:
    from pipelines.cli import config_folder  # the command line mounts this module

    return config_folder() / name
