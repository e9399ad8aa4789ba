"""Jobs: what the commands that run a pipeline do, from the checks before it to the report after it."""

import secrets
import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, Optional

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, JobServerOptions
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.beam_errors import beams_errors
from pipelines.demo import DemoWeb
from pipelines.display import ledger, progress
from pipelines.flink import die_with_us, name_job, sole_job
from pipelines.history import committed, failed, failed_outlets, failure_line, record, save, settle
from pipelines.ingest import Plan, from_feeds, from_files
from pipelines.memory import give_back
from pipelines.options import (
    DASK,
    DATAFLOW,
    FLINK,
    IN_PROCESS,
    SPARK,
    DaskOptions,
    Engine,
    choose,
    in_process,
    require_shared,
)
from pipelines.sources import file_entry, find_files
from pipelines.warc import Archive
from schemas.errors import ConfigError, DatasetError
from schemas.gazetteer import Gazetteer
from schemas.gazetteer_files import load_gazetteer, tiers
from schemas.records import Entry, FeedRef
from schemas.run import Outcome, Run
from schemas.settings import SLUG, Outlet, Profile, Settings
from schemas.settings_files import load_outlets, load_settings
from transforms.poll import due
from transforms.scrub import Rules, load_rules
from transforms.state import Store
from transforms.write import (
    Dataset,
    Harvest,
    Write,
    dataset_at,
    explained,
    is_decided,
    lock,
    prepare,
    read_manifest,
    recover,
    require_room,
    scratch,
)

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
    profiles: Mapping[str, Profile] = MappingProxyType({})  # of the outlets that have one, by slug


class Job(NamedTuple):
    """A command, checked and ready to run."""

    command: str
    dataset: Dataset
    settings: Settings
    tables: Tables
    engine: Engine
    out: Console
    archive: bool = False  # keep what is fetched as WARC, below _meta/raw


def load_tables(folder: Path) -> Tables:
    """Return the scrub rules, the gazetteer and the outlets' profiles below the configuration `folder`, checked.

    Raises:
        ConfigError: a rule or row that cannot be used.
    """
    profiles = profiles_of(load_outlets(folder / "outlets.toml"))
    return Tables(load_rules(folder / "scrub"), load_gazetteer(*tiers(folder / "gazetteer")), profiles)


def profiles_of(outlets: Iterable[Outlet]) -> dict[str, Profile]:
    """Return the profiles of the outlets that have one, by slug."""
    return {outlet.slug: outlet.profile for outlet in outlets if outlet.profile != Profile()}


def prepare_job(
    command: str,
    output: str,
    state: str,
    config: Path,
    override: Optional[Path],
    beam_args: Sequence[str],
    workers: int,
    out: Console,
) -> Job:
    """Return a job on the dataset at `output`, with its state at `state`, else where the settings say.

    Its settings, tables and engine have been checked; nothing has been fetched or written yet.

    Raises:
        ConfigError: something cannot be used.
    """
    give_back()
    settings = load_settings(config / "defaults.toml", override)
    dataset, engine = dataset_at(output, state or settings.write.state), choose(beam_args, workers)
    require_shared(engine, command, dataset)
    return Job(command, dataset, settings, load_tables(config), engine, out)


def only(outlets: Sequence[Outlet], slugs: Sequence[str], option: str = "--only") -> Sequence[Outlet]:
    """Return the outlets named by `slugs`, which `option` gave, or all where none is named.

    Raises:
        ConfigError: a slug that no outlet has.
    """
    known = {outlet.slug: outlet for outlet in outlets}
    if stray := [slug for slug in slugs if slug not in known]:
        raise ConfigError("command line", None, option, f"no outlet {stray[0]}", "See `newsbeam outlets list`")
    return [known[slug] for slug in slugs] or outlets


def run_feeds(job: Job, outlets: Sequence[Outlet], *, every_feed: bool) -> int:
    """Poll feeds and write what is new; return the exit code.

    Raises:
        NewsbeamError: the run could not be started, or not be finished.
    """
    job = job._replace(tables=job.tables._replace(profiles=profiles_of(outlets)))

    def flow(pipeline: beam.Pipeline, plan: Plan) -> Harvest:
        store = plan.store
        feeds = due(outlets, store.feeds(), Timestamp.now(), store.feeds_waited_for(), every_feed=every_feed)
        open_feeds = sum(not feed.closed for feed in feeds)
        job.out.print(f"{open_feeds} of {sum(len(outlet.feeds) for outlet in outlets)} feeds are due")
        return from_feeds(pipeline | "DueFeeds" >> beam.Create(feeds, reshuffle=False).with_output_types(FeedRef), plan)

    return 1 if _execute(job, flow, outlets).failed_outlets else 0


def run_files(job: Job, paths: Sequence[str], outlet: str) -> int:
    """Read files and write what is new; return the exit code.

    Raises:
        NewsbeamError: as `run_feeds`.
    """
    if not SLUG.fullmatch(outlet) or outlet.isdigit():
        raise ConfigError("command line", None, "--outlet", f"{outlet!r} is no slug", "Use a-z, 0-9 and '-'")
    entries = [file_entry(path, outlet) for path in find_files(paths)]

    def flow(pipeline: beam.Pipeline, plan: Plan) -> Harvest:
        return from_files(pipeline | "Files" >> beam.Create(entries).with_output_types(Entry), plan)

    run = _execute(job, flow, ())
    for line in run.damage:
        job.out.print(line, markup=False, soft_wrap=True)
    if sum(run.counts.rejects.values()) < run.counts.entries:
        return 0
    why = "the `rejects` table says why" if run.counts.rejects or run.damaged else "they hold no page"
    job.out.print(f"not one of the files became an article: {why}")
    return 1


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
    import duckdb

    query = _DEMO_QUERY.format(root=job.dataset.root)
    job.out.print(f"\nfor example, in DuckDB:\n\n{query}\n", markup=False, soft_wrap=True)
    answer = duckdb.connect().execute(query)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in answer.description:
        table.add_column(column[0], no_wrap=column[0] == "armed_group")  # an id is there to be copied
    for row in answer.fetchall():
        table.add_row(*(Text(str(value)) for value in row))
    job.out.print(table)
    return code


def _execute(job: Job, flow: Callable[[beam.Pipeline, Plan], Harvest], outlets: Sequence[Outlet]) -> Run:
    dataset = job.dataset
    prepare(dataset)
    store = Store(dataset.state_address)
    with lock(dataset) as dataset, alone(job.engine, dataset, job.out) as left_over:
        recovered = settle_runs(job, dataset, store)
        require_room(dataset, job.settings.write.min_free_bytes)
        started = datetime.now(UTC)
        run = _begin(job, outlets, started, recovered)
        save(dataset, run)
        workers = f", {run.workers} processes" if run.workers > 1 else ""
        into = f"run {run.run_id} on {run.engine}{workers}, into {dataset.address}"
        for line in filter(None, (job.engine.notice, left_over, run.recovered, into)):
            job.out.print(line, markup=False, soft_wrap=True)
        try:
            _run_pipeline(job, flow, dataset, store, run.run_id)
        except (Exception, KeyboardInterrupt) as error:
            with suppress(DatasetError):  # what filled the disk leaves no room for this either
                save(dataset, failed(run, error, datetime.now(UTC)))
            raise
        store.forget_signatures(Timestamp.now() - job.settings.dedup.lookback_days * 86_400)
        run = committed(run, read_manifest(dataset, run.run_id), dataset, datetime.now(UTC))
        run = run.model_copy(update={"failed_outlets": failed_outlets(outlets, store.feeds(), started)})
        silence_factor = job.settings.poll.silence_factor
        report = record(dataset, store, run, silence_factor=silence_factor, labels=_labels(job))
    job.out.print(ledger(run))
    job.out.print(f"dataset {dataset.address}\nreport  {report}", markup=False, soft_wrap=True)
    if run.incomplete_clusters:
        line = f"{run.incomplete_clusters} clusters have more stored copies than one run compares, and may lack some"
        job.out.print(line, markup=False, soft_wrap=True)
    for stale in run.stale_profiles:
        job.out.print(stale, markup=False, soft_wrap=True)
    if run.failed_outlets:
        job.out.print(failure_line(run), markup=False, soft_wrap=True)
    return run


def _begin(job: Job, outlets: Sequence[Outlet], started: datetime, recovered: str) -> Run:
    return Run(
        run_id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        command=job.command,
        outcome=Outcome.RUNNING,
        started_at=started.isoformat(timespec="seconds"),
        engine=job.engine.name,
        workers=job.engine.workers,
        newsbeam_version=version("newsbeam"),
        gazetteer_version=job.tables.gazetteer.version,
        outlets=len(outlets),
        recovered=recovered,
    )


def _run_pipeline(
    job: Job, flow: Callable[[beam.Pipeline, Plan], Harvest], dataset: Dataset, store: Store, run_id: str
) -> None:
    archive = Archive(dataset, f"_meta/raw/{run_id}") if job.archive else None
    on_cluster, stays = job.engine.name not in (IN_PROCESS, DASK), partial(what_stays, dataset, run_id)
    with scratch(dataset, run_id) as folder, beams_errors(stays, on_cluster=on_cluster):
        watched = folder / "progress"
        with explained(str(watched)):
            watched.mkdir()
        plan = Plan(
            job.settings, job.tables.rules, job.tables.gazetteer, store, str(watched), archive=archive,
            profiles=job.tables.profiles,
        )  # fmt: skip
        pipeline = _pipeline(job.engine, folder)
        write = Write(dataset, run_id, store, job.settings.write, version("newsbeam"))
        _ = flow(pipeline, plan) | "Write" >> write
        with progress(watched, job.out):
            run_to_end(pipeline, works_on=job.engine.name == DATAFLOW)


def run_to_end(pipeline: beam.Pipeline, *, works_on: bool) -> None:
    """Run a pipeline, and let Ctrl-C end it: the engine's job is cancelled where it `works_on` without us."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    result = pipeline.run()
    if signal.getsignal(signal.SIGINT) != on_interrupt:
        signal.signal(signal.SIGINT, on_interrupt)  # Beam's would stop its job server, and lose the Ctrl-C
    try:
        result.wait_until_finish()
    except KeyboardInterrupt:
        if works_on:
            result.cancel()
        raise


def what_stays(dataset: Dataset, run_id: str) -> str:
    """Return in words what becomes of a run that broke: before its commit was decided, or after."""
    if is_decided(dataset, run_id):
        return "the run's commit was decided, and the next run finishes it"
    return "nothing was committed, and the next run asks again"


def alone(engine: Engine, dataset: Dataset, out: Console) -> AbstractContextManager[str]:
    """See to it that no job but ours works for the dataset on a cluster; yields what was found there, in words."""
    if engine.name == FLINK:
        return sole_job(engine.options, dataset, out)
    if engine.name == SPARK:  # whose job ends with the job server, its driver
        die_with_us(engine.options.view_as(JobServerOptions))
    if engine.name == DATAFLOW:  # which takes no second job of the same name while the first one works
        name_job(engine.options, dataset)
    return nullcontext("")


def _pipeline(engine: Engine, folder: Path) -> beam.Pipeline:
    """A pipeline whose own temporary folder is below `folder`: that of a killed run goes with what it staged."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        if engine.name == IN_PROCESS:
            return beam.Pipeline(in_process(engine.workers), engine.options)
        if engine.name == DASK:
            from pipelines.dask import connect, on_dask, workers_of

            address = engine.options.view_as(DaskOptions).dask_client_address
            with connect(address) as client:
                engine.options.view_as(DirectOptions).direct_num_workers = len(workers_of(client))
            return beam.Pipeline(on_dask(address), engine.options)
        return beam.Pipeline(options=engine.options)
    finally:
        tempfile.tempdir = before


def settle_runs(job: Job, dataset: Dataset, store: Store) -> str:
    """Finish or drop what runs that died have left, record what became of them, and return it in words, "" for nothing.

    Needs the dataset's `lock`.

    Raises:
        DatasetError: it cannot be finished.
    """
    recovery = recover(dataset, store)
    silence_factor = job.settings.poll.silence_factor
    settle(dataset, store, recovery.finished, silence_factor=silence_factor, labels=_labels(job))
    parts = [
        (recovery.finished, "finished what a run that died had decided"),
        (recovery.dropped, "dropped what a run that died had not decided"),
        (recovery.reapplied, "gave the state what it lacked"),
    ]
    return "; ".join(f"{what}: {', '.join(ids)}" for ids, what in parts if ids)


def _labels(job: Job) -> dict[str, str]:
    return {id: entity.label for id, entity in job.tables.gazetteer.entities.items()}
