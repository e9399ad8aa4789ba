"""Jobs: what the commands that run a pipeline do, from the checks before it to the report after it."""

import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple, Optional

import apache_beam as beam
import duckdb
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

import schemas.errors
from pipelines.demo import DemoWeb
from pipelines.display import ledger, progress
from pipelines.ingest import Plan, from_feeds, from_files
from pipelines.options import Engine, choose
from pipelines.report import write_report
from pipelines.sources import file_entry, find_files
from schemas.errors import ConfigError, NewsbeamError
from schemas.gazetteer import Gazetteer, load_gazetteer
from schemas.records import Entry, FeedRef, FeedState
from schemas.run import Counts, Run, Sample
from schemas.settings import Outlet, Settings, load_settings
from transforms.poll import due
from transforms.scrub import Rules, load_rules
from transforms.state import Store
from transforms.write import (
    Dataset,
    Harvest,
    Manifest,
    Recovery,
    Write,
    lock,
    manifest_path,
    prepare,
    read_manifest,
    recover,
)

_SAMPLES: Final = 5  # removals of each rule shown in the report
_OURS: Final = re.compile(r"schemas\.errors\.(\w+): (.+?)(?: \[while running '[^']*'\])?$", re.MULTILINE)
_REMOVED: Final = "SELECT rule, count(*) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL"
_SAMPLE: Final = """
WITH numbered AS (
    SELECT *, row_number() OVER (PARTITION BY rule, outlet_id ORDER BY hash(text), text, url) AS of_outlet
    FROM read_parquet(?)
)
SELECT outlet_id, url, rule, text FROM numbered
QUALIFY row_number() OVER (PARTITION BY rule ORDER BY of_outlet, outlet_id) <= ? ORDER BY rule, outlet_id, url, text
"""
_DEMO_QUERY: Final = """\
SELECT entity.id AS armed_group, count(DISTINCT cluster_id) AS stories, count(*) AS articles,
       count(DISTINCT language) AS languages, max_by(title, entity.relevance) AS most_about_it
FROM (SELECT *, unnest(document_entities) AS entity
      FROM read_parquet('{root}/articles/date=*/outlet=*/*.parquet', hive_partitioning = true))
WHERE entity.type = 'armed_group'
GROUP BY ALL ORDER BY stories DESC, articles DESC, armed_group LIMIT 8"""


class Tables(NamedTuple):
    """The data that stages work with, beside the settings."""

    rules: Rules
    gazetteer: Gazetteer


class Job(NamedTuple):
    """A command, checked and ready to run."""

    command: str
    root: Path
    settings: Settings
    tables: Tables
    engine: Engine
    out: Console


def load_tables(folder: Path) -> Tables:
    """Return the scrub rules and the gazetteer below the configuration `folder`, checked.

    Raises:
        ConfigError: a rule or row that cannot be used.
    """
    return Tables(load_rules(folder / "scrub"), load_gazetteer(folder / "gazetteer" / "curated"))


def prepare_job(
    command: str,
    root: Path,
    config: Path,
    override: Optional[Path],
    beam_args: Sequence[str],
    workers: int,
    out: Console,
) -> Job:
    """Return a job whose settings, tables and engine have been checked; nothing has been fetched or written yet.

    Raises:
        ConfigError: something cannot be used.
    """
    settings = load_settings(config / "defaults.toml", override)
    return Job(command, root, settings, load_tables(config), choose(beam_args, workers), out)


def only(outlets: Sequence[Outlet], slugs: Sequence[str]) -> Sequence[Outlet]:
    """Return the outlets named by `slugs`, or all where none is named.

    Raises:
        ConfigError: a slug that no outlet has.
    """
    known = {outlet.slug: outlet for outlet in outlets}
    if stray := [slug for slug in slugs if slug not in known]:
        raise ConfigError("command line", None, "--only", f"no outlet {stray[0]}", "See `newsbeam outlets list`")
    return [known[slug] for slug in slugs] or outlets


def run_feeds(job: Job, outlets: Sequence[Outlet], *, every_feed: bool) -> int:
    """Poll feeds and write what is new; return the exit code.

    Raises:
        NewsbeamError: the run could not be started, or not be finished.
    """

    def flow(pipeline: beam.Pipeline, plan: Plan) -> Harvest:
        feeds = due(outlets, plan.store.feeds(), Timestamp.now(), every_feed=every_feed)
        job.out.print(f"{len(feeds)} of {sum(len(outlet.feeds) for outlet in outlets)} feeds are due")
        return from_feeds(pipeline | "DueFeeds" >> beam.Create(feeds, reshuffle=False).with_output_types(FeedRef), plan)

    return _execute(job, flow, outlets)


def run_files(job: Job, paths: Sequence[str], outlet: str) -> int:
    """Read files and write what is new; return the exit code.

    Raises:
        NewsbeamError: as `run_feeds`.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", outlet) or outlet.isdigit():
        raise ConfigError("command line", None, "--outlet", f"{outlet!r} is no slug", "Use a-z, 0-9 and '-'")
    entries = [file_entry(path, outlet) for path in find_files(paths)]

    def flow(pipeline: beam.Pipeline, plan: Plan) -> Harvest:
        return from_files(pipeline | "Files" >> beam.Create(entries).with_output_types(Entry), plan)

    return _execute(job, flow, ())


def run_demo(job: Job, folder: Path) -> int:
    """Serve the demo web, run over it, and show a query on what was written; return the exit code.

    Raises:
        NewsbeamError: as `run_feeds`.
    """
    with DemoWeb(folder) as web:
        http = job.settings.http.model_copy(update={"allow_networks": web.allow_networks, "gap_s": 0.05})
        poll = job.settings.poll.model_copy(update={"silence_factor": 1e6})  # its stories are of one March, for ever
        settings = job.settings.model_copy(update={"http": http, "poll": poll})
        code = run_feeds(job._replace(settings=settings), web.outlets, every_feed=True)
    query = _DEMO_QUERY.format(root=job.root)
    job.out.print(f"\nfor example, in DuckDB:\n\n{query}\n", markup=False, soft_wrap=True)
    answer = duckdb.connect().execute(query)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in answer.description:
        table.add_column(column[0])
    for row in answer.fetchall():
        table.add_row(*(Text(str(value)) for value in row))
    job.out.print(table)
    return code


def _execute(job: Job, flow: Callable[[beam.Pipeline, Plan], Harvest], outlets: Sequence[Outlet]) -> int:
    dataset = Dataset(str(job.root.absolute()))
    prepare(dataset, job.settings.write.min_free_bytes)
    store = Store(dataset.state)
    started = datetime.now(UTC)
    run_id = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    with lock(dataset):
        recovered = _recovery_text(recover(dataset, store))
        workers = f", {job.engine.workers} processes" if job.engine.workers > 1 else ""
        for line in (job.engine.notice, recovered, f"run {run_id} on {job.engine.name}{workers}, into {dataset.root}"):
            if line:
                job.out.print(line, markup=False, soft_wrap=True)
        watched = dataset.staging / run_id / "progress"
        watched.mkdir(parents=True)
        plan = Plan(job.settings, job.tables.rules, job.tables.gazetteer, store, str(watched))
        _run_pipeline(job, flow, plan, dataset, run_id)
        store.forget_signatures(Timestamp.now() - job.settings.dedup.lookback_days * 86_400)
        manifest = read_manifest(manifest_path(dataset, run_id))
        run = _record(job, manifest, store, outlets, started, recovered)
        run.save(job.root)
        report = job.root / "_meta" / "runs" / f"{run_id}.html"
        labels = {id: entity.label for id, entity in job.tables.gazetteer.entities.items()}
        write_report(job.root, run, store, report, silence_factor=job.settings.poll.silence_factor, labels=labels)
    job.out.print(ledger(run))
    job.out.print(f"dataset {dataset.root}\nreport  {report.absolute()}", markup=False, soft_wrap=True)
    if run.failed_outlets:
        job.out.print(f"every feed failed of: {', '.join(run.failed_outlets)}", markup=False)
    return 1 if run.failed_outlets else 0


def _run_pipeline(
    job: Job, flow: Callable[[beam.Pipeline, Plan], Harvest], plan: Plan, dataset: Dataset, run_id: str
) -> None:
    with ExitStack() as stack:
        stack.enter_context(progress(Path(plan.progress or ""), job.out))
        try:
            with beam.Pipeline(options=job.engine.options) as pipeline:
                write = Write(dataset, run_id, plan.store, job.settings.write, version("newsbeam"))
                _ = flow(pipeline, plan) | "Write" >> write
        except NewsbeamError:
            raise
        except Exception as error:
            raise own_error(error) from error


def own_error(error: Exception) -> Exception:
    """Return the error of ours inside what Beam raises for a worker, which keeps only its text; else `error`."""
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, NewsbeamError):
            return cause
        cause = cause.__cause__
    for name, text in reversed(_OURS.findall(str(error))):
        kind = getattr(schemas.errors, name, None)
        if isinstance(kind, type) and issubclass(kind, NewsbeamError):
            ours = NewsbeamError(text)
            ours.exit_code = kind.exit_code
            return ours
    return error


def _recovery_text(recovery: Recovery) -> str:
    parts = [
        (recovery.finished, "finished what a run that died had decided"),
        (recovery.dropped, "dropped what a run that died had not decided"),
        (recovery.reapplied, "gave the state what it lacked"),
    ]
    return "; ".join(f"{what}: {', '.join(ids)}" for ids, what in parts if ids)


def _record(
    job: Job, manifest: Manifest, store: Store, outlets: Sequence[Outlet], started: datetime, recovered: str
) -> Run:
    files = [str(job.root / file.path) for file in manifest.files if file.table == "removals"]
    connection = duckdb.connect()
    removed = connection.execute(_REMOVED, [files]).fetchall() if files else []
    samples = connection.execute(_SAMPLE, [files, _SAMPLES]).fetchall() if files else []
    articles = [file for file in manifest.files if file.table == "articles"]
    return Run(
        run_id=manifest.commit_id,
        command=job.command,
        started_at=started.isoformat(timespec="seconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        engine=job.engine.name,
        workers=job.engine.workers,
        newsbeam_version=version("newsbeam"),
        gazetteer_version=job.tables.gazetteer.version,
        commit_id=manifest.commit_id,
        outlets=len(outlets),
        feeds=dict(manifest.feeds),
        failed_outlets=failed_outlets(outlets, store.feeds(), started),
        counts=Counts.model_validate(manifest.counts),
        by_outlet={slug: Counts.model_validate(counts) for slug, counts in manifest.by_outlet.items()},
        files=len(articles),
        rows=sum(file.rows for file in articles),
        recovered=recovered,
        removals=dict(removed),
        samples=tuple(Sample(outlet=o, url=u, rule=r, text=t) for o, u, r, t in samples),
    )


def failed_outlets(outlets: Sequence[Outlet], states: dict[str, FeedState], since: datetime) -> list[str]:
    """Return the outlets polled since then of whose feeds every one failed; a closed feed has not failed."""
    failed = []
    for outlet in outlets:
        known = [states[feed] for feed in outlet.feeds if feed in states]
        polled = [state for state in known if float(state.polled_at) >= since.timestamp()]
        if polled and all(state.failures and not state.gone for state in polled):
            failed.append(outlet.slug)
    return failed
