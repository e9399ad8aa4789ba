"""`newsbeam outlets`: find an outlet's feeds, keep the table of outlets, and exchange it with other readers.

Like the rest of the command line it leaves heavy imports to the commands that need them.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional
from urllib.parse import urljoin

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.errors import ConfigError
from schemas.settings import Outlet, Settings
from schemas.settings_files import load_outlets, load_settings

if TYPE_CHECKING:
    from pipelines.outlet_search import Found

outlets_app = typer.Typer(no_args_is_help=True, help="List, find, check and exchange the outlets that are polled.")
out = Console(highlight=False)

OutletsFile = Annotated[
    Optional[Path], typer.Option("--outlets", help="The file of outlets.", show_default="the shipped outlets.toml")
]
SettingsFile = Annotated[
    Optional[Path], typer.Option("--settings", help="TOML whose keys are laid over the shipped defaults.toml.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]


@outlets_app.command("list")
def list_outlets(
    outlets: OutletsFile = None,
    language: Annotated[Optional[str], typer.Option("--language", help="Only outlets of this language.")] = None,
) -> None:
    """Show the outlets, with how many feeds each has."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("outlet", "in", "feeds"):
        table.add_column(column, no_wrap=True)
    table.add_column("name and home", overflow="fold")
    for outlet in _load(outlets):
        if language in (None, outlet.language):
            feeds = f"{len(outlet.feeds)}" + (f", {len(outlet.unconfirmed)} unsure" if outlet.unconfirmed else "")
            name = Text.assemble(outlet.name, "\n", (outlet.home, "dim"))
            table.add_row(outlet.slug, f"{outlet.country} {outlet.language}", feeds, name)
    out.print(table)


@outlets_app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="The outlet's home page, or a feed of it.")],
    outlets: OutletsFile = None,
    settings: SettingsFile = None,
    slug: Annotated[
        Optional[str],
        typer.Option(
            "--slug", help="Its name in paths and ids: a-z, 0-9, '-'.", show_default="made of the host's name"
        ),
    ] = None,
    name: Annotated[
        Optional[str], typer.Option("--name", help="Its name for people.", show_default="the feed's title")
    ] = None,
    country: Annotated[
        Optional[str], typer.Option("--country", help="Two letters, such as IQ (ISO 3166-1).", show_default="guessed")
    ] = None,
    language: Annotated[
        Optional[str],
        typer.Option("--language", help="A code such as ar.", show_default="what the feed declares, else the page"),
    ] = None,
    yes: Yes = False,
) -> None:
    """Find the feeds and news sitemaps of a site, show what they list, and write the outlet's table."""
    from pipelines.outlet_search import distinct, find_feeds
    from pipelines.outlet_table import country_of, language_of, slug_of

    known, all_settings = _load(outlets), _settings(settings)
    found, spoken = find_feeds(url, all_settings)
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
    declared = language or (first.language if first else None) or spoken
    try:
        outlet = Outlet(
            slug=slug or slug_of(url, [outlet.slug for outlet in known]),
            name=name or (first.title if first else "") or slug_of(url),
            country=country or country_of(url, declared),
            language=language or language_of(declared),
            home=urljoin(url, "/"),
            feeds=tuple(entry.url for entry in kept),
            note="found by newsbeam outlets add",
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        problem = str(wrong.get("ctx", {}).get("error", wrong["msg"]))
        raise ConfigError("command line", None, f"--{wrong['loc'][0]}", problem, "Change the value") from error
    _append([outlet], outlets, yes)


@outlets_app.command()
def check(
    outlets: OutletsFile = None,
    settings: SettingsFile = None,
    only: Annotated[Optional[list[str]], typer.Option("--only", help="Only this outlet; may be repeated.")] = None,
) -> None:
    """Ask for every feed once, and show what each lists; exit code 1 where one does not work."""
    from pipelines import jobs
    from pipelines.outlet_search import look_at

    chosen = jobs.only(_load(outlets), only or [])
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
    from pipelines.outlet_table import outlets_of
    from transforms.feeds.opml import NotOpml, read_opml

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
    file: Annotated[Optional[Path], typer.Argument(metavar="FILE", show_default="standard output")] = None,
    outlets: OutletsFile = None,
) -> None:
    """Write the outlets as OPML, for other feed readers."""
    from transforms.feeds.opml import write_opml

    document = write_opml(_load(outlets), "newsbeam outlets")
    if file is None:
        sys.stdout.buffer.write(document)
    else:
        file.write_bytes(document)


def _show(found: "Sequence[Found]") -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("items", "newest"):
        table.add_column(column, no_wrap=True)
    table.add_column("feed, its title and latest headline", overflow="fold")
    for url, feed, problem in found:
        if feed is None:
            table.add_row("-", "-", Text.assemble(url, "\n", (problem, "red")))
            continue
        dates = [date for item in feed.items if (date := item.published or item.updated) is not None]
        parts = f"an index of {len(feed.children)} sitemaps" if feed.children else ""
        headline = feed.items[0].title if feed.items else parts
        newest = max(dates).to_utc_datetime().strftime("%Y-%m-%d %H:%M") if dates else "-"
        table.add_row(str(len(feed.items)), newest, Text.assemble(url, "\n", (f"{feed.title}: {headline}", "dim")))
    out.print(table)


def _append(made: Sequence[Outlet], outlets: Optional[Path], yes: bool) -> None:
    """Show the tables, and write them behind the file's last one."""
    from pipelines.outlet_table import outlet_toml, unknowns

    path = outlets or _shipped("outlets.toml")
    tables = "\n\n".join(outlet_toml(outlet) for outlet in made) + "\n"
    out.print(tables, markup=False, soft_wrap=True)
    if not yes and not typer.confirm(f"Add to {path}?"):
        raise typer.Exit(1)
    before = path.read_text("utf-8") if path.exists() else ""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(f"{before.rstrip()}\n\n{tables}".lstrip())
            file.flush()
            os.fsync(file.fileno())
        load_outlets(draft)
        draft.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        draft.replace(path)  # readers see the old file or the new one, and a full disk costs neither
    except ConfigError as error:
        raise ConfigError(str(path), error.line, error.field, error.problem, error.remedy) from error
    finally:
        draft.unlink(missing_ok=True)
    for outlet in made:
        if fields := unknowns(outlet):
            line = f"set {' and '.join(fields)} of [{outlet.slug}] in {path}: nothing said what they are"
            out.print(line, markup=False, soft_wrap=True)


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
