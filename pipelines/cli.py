"""The `newsbeam` command. What follows a bare `--` goes to Beam; heavy imports wait until a command needs them."""

import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, Optional

import typer
from rich.console import Console

from pipelines.gazetteer import gazetteer_app
from pipelines.maintenance import State, maintenance_app
from pipelines.outlets import outlets_app
from schemas.errors import ConfigError, NewsbeamError, Noted
from schemas.gazetteer_files import read_gazetteer, tiers
from schemas.settings_files import load_outlets, load_settings, read_outlets, read_settings

_INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="News feeds in; clean, deduplicated, conflict-tagged articles out, as Parquet by date and outlet.",
    epilog="Options of Apache Beam follow a bare --, for instance: newsbeam run --output data -- --job_name=nightly",
)
app.add_typer(outlets_app, name="outlets")
app.add_typer(maintenance_app)
app.add_typer(gazetteer_app, name="gazetteer")


def config_folder() -> Path:
    """Return the folder of the shipped configuration: the checkout's, else the installed one."""
    checkout = Path(__file__).resolve().parents[1] / "config"
    return checkout if checkout.is_dir() else Path(sys.prefix, "share", "newsbeam", "config")


Output = Annotated[
    str, typer.Option("--output", "-o", help="Root of the dataset: a folder, made where it is missing, or s3://….")
]
OutletsFile = Annotated[
    Optional[Path], typer.Option("--outlets", help="Outlets to poll.", show_default="the shipped outlets.toml")
]
SettingsFile = Annotated[
    Optional[Path], typer.Option("--settings", help="TOML whose keys are laid over the shipped defaults.toml.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=64, help="Worker processes on this machine.")]


@app.callback(invoke_without_command=True)
def root(show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """Say the version, or go on to a command."""
    if show_version:
        out.print(f"newsbeam {version('newsbeam')}")
        raise typer.Exit


@app.command()
def run(
    context: typer.Context,
    output: Output = "data",
    state: State = "",
    outlets: OutletsFile = None,
    settings: SettingsFile = None,
    workers: Workers = 1,
    only: Annotated[Optional[list[str]], typer.Option("--only", help="Poll only this outlet; may be repeated.")] = None,
    every_feed: Annotated[bool, typer.Option("--every-feed", help="Poll feeds that are not due yet, too.")] = False,
    archive: Annotated[
        bool, typer.Option("--archive", help="Keep the fetched pages as WARC, in OUTPUT/_meta/raw/RUN.")
    ] = False,
) -> None:
    """Poll the feeds that are due, and write what is new."""
    from pipelines import jobs

    job = jobs.prepare_job("run", output, state, config_folder(), settings, context.obj, workers, out)
    job = job._replace(archive=archive)
    chosen = jobs.only(load_outlets(outlets or config_folder() / "outlets.toml"), only or [])
    _finish(jobs.run_feeds(job, chosen, every_feed=every_feed))


@app.command()
def stream(
    context: typer.Context,
    output: Output = "data",
    state: State = "",
    outlets: OutletsFile = None,
    settings: SettingsFile = None,
    window: Annotated[str, typer.Option("--window", help="Time between two commits: 90s, 5m, 1h.")] = "5m",
    stop_file: Annotated[
        Optional[Path],
        typer.Option("--stop-file", help="A file whose appearance ends the stream.", show_default="OUTPUT/_meta/stop"),
    ] = None,
    metrics_port: Annotated[
        Optional[int],
        typer.Option("--metrics-port", min=0, max=65_535, help="Answer Prometheus at this port of loopback; 0: any."),
    ] = None,
    only: Annotated[Optional[list[str]], typer.Option("--only", help="Poll only this outlet; may be repeated.")] = None,
) -> None:
    """Poll feeds as they come due and write what is new, without end; SIGTERM or Ctrl-C finishes what is under way."""
    from pipelines import jobs
    from pipelines.options import choose_stream, require_shared
    from pipelines.stream import parse_window, run_stream
    from transforms.write import dataset_at

    folder = config_folder()
    checked = load_settings(folder / "defaults.toml", settings)
    dataset, engine = dataset_at(output, state or checked.write.state), choose_stream(context.obj)
    require_shared(engine, "stream", dataset, stop_file)
    job = jobs.Job("stream", dataset, checked, jobs.load_tables(folder), engine, out)
    chosen = jobs.only(load_outlets(outlets or folder / "outlets.toml"), only or [])
    _finish(run_stream(job, chosen, parse_window(window), stop_file, metrics_port))


@app.command()
def demo(context: typer.Context, output: Output = "out/demo", workers: Workers = 1) -> None:
    """Serve a small web of invented outlets on loopback, and run the real pipeline over it."""
    from pipelines import jobs

    folder = config_folder()
    job = jobs.prepare_job("demo", output, "", folder, None, context.obj, workers, out)
    _finish(jobs.run_demo(job, folder / "demo"))


@app.command()
def backfill(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders or quoted patterns: .html, .txt, .warc, each also .gz."),
    ],
    output: Output = "data",
    state: State = "",
    settings: SettingsFile = None,
    workers: Workers = 1,
    outlet: Annotated[
        str,
        typer.Option("--outlet", help="Slug of the outlet the files came from; pages in a WARC have their host's."),
    ] = "unknown",
) -> None:
    """Read saved pages, WARC files or text that was extracted earlier, and write what is new."""
    from pipelines import jobs

    job = jobs.prepare_job("backfill", output, state, config_folder(), settings, context.obj, workers, out)
    _finish(jobs.run_files(job, paths, outlet))


@app.command()
def check(outlets: OutletsFile = None, settings: SettingsFile = None) -> None:
    """Say all that is wrong with outlets, settings, gazetteer and scrub rules; of the rules only the first."""
    from transforms.scrub import load_rules

    folder = config_folder()
    loaded, problems = read_outlets(outlets or folder / "outlets.toml")
    problems += read_settings(folder / "defaults.toml", settings)[1]
    gazetteer, wrong = read_gazetteer(*tiers(folder / "gazetteer"))
    problems += wrong
    with Noted(problems):
        load_rules(folder / "scrub")
    if problems:
        for problem in problems:
            err.print(str(problem), markup=False, soft_wrap=True)
        raise typer.Exit(ConfigError.exit_code)
    feeds, entities = sum(len(outlet.feeds) for outlet in loaded), len(gazetteer.entities)
    out.print(f"all good: {len(loaded)} outlets with {feeds} feeds, {entities} entities")
    for outlet in loaded:
        for feed in outlet.unconfirmed:
            out.print(f"  unconfirmed: {feed} [{outlet.slug}]", markup=False)


@app.command()
def status(output: Output = "data", state: State = "", settings: SettingsFile = None) -> None:
    """Show how each feed of a dataset is doing, worst first."""
    from pipelines.status import show_status
    from transforms.write import dataset_at

    checked = load_settings(config_folder() / "defaults.toml", settings)
    show_status(dataset_at(output, state or checked.write.state), checked.poll, out)


@app.command()
def runs(
    output: Output = "data",
    newest: Annotated[int, typer.Option("--newest", min=1, help="So many of them.")] = 20,
) -> None:
    """Show what the last runs into a dataset did, the last one lowest."""
    from pipelines.history import show_runs
    from transforms.write import dataset_at

    show_runs(dataset_at(output), newest, out)


@app.command()
def explain(
    target: Annotated[str, typer.Argument(metavar="URL|FILE", help="An article's address, or a saved page or text.")],
    output: Annotated[str, typer.Option("--output", "-o", help="A dataset to look it up in.")] = "",
    state: State = "",
    settings: SettingsFile = None,
    outlets: OutletsFile = None,
    outlet: Annotated[str, typer.Option("--outlet", help="Read it by the profile of this outlet.")] = "unknown",
) -> None:
    """Show one article's way through the stages: what each took away, by which rule, and how it ended."""
    from pipelines import explain as explaining
    from pipelines import jobs
    from pipelines.sources import UNKNOWN
    from transforms.write import dataset_at

    folder = config_folder()
    checked = load_settings(folder / "defaults.toml", settings)
    loaded = load_outlets(outlets or folder / "outlets.toml")
    if outlet != UNKNOWN:
        jobs.only(loaded, [outlet], "--outlet")
    tables = jobs.load_tables(folder)._replace(profiles=jobs.profiles_of(loaded))
    dataset = dataset_at(output, state or checked.write.state) if output else None
    _finish(explaining.explain(target, dataset, checked, tables, out, outlet))


def _finish(exit_code: int) -> None:
    raise typer.Exit(exit_code)


def split_beam(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return newsbeam's own arguments, and those that follow a bare `--`.

    >>> split_beam(["run", "--output", "x", "--", "--job_name=n"])
    (['run', '--output', 'x'], ['--job_name=n'])
    """
    args = list(argv)
    if "--" not in args:
        return args, []
    at = args.index("--")
    return args[:at], args[at + 1 :]


def _has_a_name(record: logging.LogRecord) -> bool:
    """Whether a logger of its own told it: Beam tells what fails on a cluster at the root, too, and then raises it."""
    return record.name != "root"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the command line; return the exit code.

    0 done, 1 failed or with failed outlets, 2 bad configuration, 3 the dataset is locked, 130 interrupted.
    """
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")  # Beam warns at import
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # what fails is raised, and told once
    logging.getLogger().addFilter(_has_a_name)
    own, beam_args = split_beam(sys.argv[1:] if argv is None else argv)
    try:
        code = app(args=own, standalone_mode=False, obj=beam_args)
    except NewsbeamError as error:
        err.print("[bold red]error[/]", end=" ")
        err.print(str(error), markup=False, soft_wrap=True)
        return error.exit_code
    except typer.TyperException as error:
        err.print(f"{error.format_message()}\nSee newsbeam --help", markup=False)
        return 2
    except typer.Abort:
        err.print("no answer: nothing was done")
        return 1
    except KeyboardInterrupt:  # before typer has the command
        code = _INTERRUPTED
    if code == _INTERRUPTED:  # typer takes Ctrl-C, and says nothing
        err.print("interrupted: nothing more was committed; the next run goes on from there")
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
