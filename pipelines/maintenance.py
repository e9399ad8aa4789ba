"""The commands that keep a dataset in order: compact, vacuum, verify, publish, and what concerns its state."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from schemas.errors import ConfigError

if TYPE_CHECKING:  # what these import is heavy: it waits until a command needs it
    from transforms.state import Store
    from transforms.write import Dataset

out = Console(highlight=False)
maintenance_app = typer.Typer()
state_app = typer.Typer(no_args_is_help=True, help="What earlier runs have learned.")
publish_app = typer.Typer(no_args_is_help=True, help="Give the articles to other table formats.")
maintenance_app.add_typer(state_app, name="state")
maintenance_app.add_typer(publish_app, name="publish")

_SHOWN: Final = 20  # faults of a kind that are printed one by one
_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}

Output = Annotated[str, typer.Option("--output", "-o", help="Root of the dataset: a folder, or s3://bucket/prefix.")]
State = Annotated[
    str, typer.Option("--state", help="Where the state is, if not beside the dataset: postgresql://…, or a file.")
]


def parse_age(option: str, text: str) -> timedelta:
    """Return the time that `2d`, `36h` or `1w` stands for.

    Raises:
        ConfigError: it is written otherwise.

    >>> parse_age("--older-than", "2d")
    datetime.timedelta(days=2)
    """
    found = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if not found:
        raise ConfigError(
            "command line", None, option, f"{text!r} is no age", "Write hours, days or weeks: 36h, 2d or 1w"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@maintenance_app.command("compact")
def compact_command(
    output: Output = "data",
    state: State = "",
    older_than: Annotated[str, typer.Option("--older-than", help="Age of the days to compact: 36h, 2d, 1w.")] = "2d",
) -> None:
    """Merge the files of past days into one sorted file a partition; readers see the old or the new, never half."""
    from transforms.write.compact import compact

    before = (datetime.now(UTC) - parse_age("--older-than", older_than)).date().isoformat()
    days = files = merged = 0
    with recovered(output, state) as (dataset, store):
        for done in compact(dataset, store, before):
            days, files, merged = days + 1, files + done.before, merged + done.after
            share = done.bytes_after / max(done.bytes_before, 1)
            line = f"{done.table} {done.date}: {done.before} files -> {done.after}, {share:.0%} of the bytes"
            out.print(line, markup=False)
    out.print(f"{files} files of {days} days and tables are now {merged}" if days else "nothing to compact")


@maintenance_app.command("vacuum")
def vacuum_command(
    output: Output = "data",
    state: State = "",
    older_than: Annotated[str, typer.Option("--older-than", help="Keep what was replaced since: 36h, 2d, 1w.")] = "1d",
) -> None:
    """Delete the files that compactions have replaced, once no query can be at work on them any more."""
    from transforms.write.compact import vacuum

    before = time.time() - parse_age("--older-than", older_than).total_seconds()
    with recovered(output, state) as (dataset, _):
        out.print(f"deleted {vacuum(dataset, before)} replaced files")


@maintenance_app.command("verify")
def verify_command(
    output: Output = "data",
    state: State = "",
    quick: Annotated[bool, typer.Option("--quick", help="Go by lengths; read no file.")] = False,
) -> None:
    """Compare all files with their manifests: lost, damaged, unlisted, counts. Exit code 1 where something is wrong."""
    from transforms.write import dataset_at, find, lock
    from transforms.write.verify import verify

    dataset = dataset_at(output, state)
    find(dataset)
    with lock(dataset) as locked:
        seen = verify(locked, quick=quick)
    kinds = dict[str, int]()
    for fault in seen.faults:
        kinds[fault.kind] = kinds.get(fault.kind, 0) + 1
        if kinds[fault.kind] <= _SHOWN:
            out.print(f"{fault.kind}: {fault.path}: {fault.detail}", markup=False, soft_wrap=True)
    verdict = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "all as the manifests say"
    size = f"{seen.commits} commits, {seen.files} files, {seen.rows} rows, {seen.bytes / 1e6:.1f} MB"
    out.print(f"{size}: {verdict}", markup=False, soft_wrap=True)
    raise typer.Exit(1 if seen.faults else 0)


@state_app.command("rebuild")
def rebuild_command(output: Output = "data", state: State = "") -> None:
    """Empty the state, and fill it again from the dataset's manifests."""
    from transforms.write import recover

    with held(output, state) as (dataset, store):
        store.clear()
        recovery = recover(dataset, store)
    out.print(f"rebuilt from {len(recovery.reapplied) + len(recovery.finished)} commits: {store.path}", markup=False)


@publish_app.command("iceberg")
def iceberg_command(
    output: Output = "data",
    state: State = "",
    catalog: Annotated[
        str,
        typer.Option("--catalog", help="SQLAlchemy URL.", show_default="an SQLite file in _iceberg/ beside the tables"),
    ] = "",
    warehouse: Annotated[
        str, typer.Option("--warehouse", help="Where the table's files go.", show_default="_iceberg/ beside the tables")
    ] = "",
    table: Annotated[str, typer.Option("--table", help="Name of the table, NAMESPACE.NAME.")] = "newsbeam.articles",
) -> None:
    """Append the runs that the Iceberg table does not hold yet, a snapshot each."""
    from pipelines.publish import open_table, publish
    from schemas.parquet import ARTICLES
    from transforms.write.files import is_remote

    if is_remote(output) and not (catalog and warehouse):
        remedy = "Name both; a catalog may be postgresql+psycopg2://…"
        raise ConfigError("command line", None, "--catalog", "an object store can hold no catalog", remedy)
    with recovered(output, state) as (dataset, _):
        beside = Path(dataset.root, "_iceberg")
        if not (catalog and warehouse):
            beside.mkdir(exist_ok=True)
        target = open_table(
            catalog or f"sqlite:///{beside}/catalog.sqlite", warehouse or beside.as_uri(), table, ARTICLES
        )
        published = rows = 0
        for run_id, count in publish(dataset, target):
            out.print(f"{run_id}: {count} rows", markup=False)
            published, rows = published + 1, rows + count
    out.print(f"{published} runs with {rows} rows are new in {table}" if published else f"{table} holds every run")


@contextmanager
def held(output: str, state: str) -> Iterator[tuple["Dataset", "Store"]]:
    """Hold the dataset at `output`, which must be there, and its state."""
    from transforms.state import Store
    from transforms.write import dataset_at, find, lock, prepare

    dataset = dataset_at(output, state)
    find(dataset)
    prepare(dataset)
    with lock(dataset) as dataset, Store(dataset.state_address) as store:
        yield dataset, store


@contextmanager
def recovered(output: str, state: str) -> Iterator[tuple["Dataset", "Store"]]:
    """`held`, with what runs that died have left settled: what every change to a dataset needs."""
    from transforms.write import recover

    with held(output, state) as (dataset, store):
        recover(dataset, store)
        yield dataset, store
