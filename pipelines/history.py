"""The history of a dataset: one record a run, `_meta/runs/<run>.json`, and one report a run that was committed.

A record is written when a run starts and again when it ends. A run that dies leaves it saying `running`; the next one
finds out from the manifests what became of it. What a run committed is read from its manifest alone, so that a commit
which another run had to finish is recorded just as one that finished itself.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.report import report_html
from schemas.errors import DatasetError, NewsbeamError
from schemas.records import FeedState, RejectReason
from schemas.run import Counts, Outcome, Run, Sample
from schemas.settings import Outlet
from transforms.state import Store
from transforms.write import Dataset, Manifest, explained, find, is_decided, read_manifest
from transforms.write.read import scan

_FOLDER: Final = "_meta/runs"
_NAMED: Final = 5  # failed outlets that a line names; the record and the report have all
_WORKED: Final = ("fetched", "not_modified", "gone")  # outcomes of a poll that are no failure
_SAMPLES: Final = 5  # removals of each rule that a record keeps
_COLOURS: Final = {Outcome.DONE: "green", Outcome.RUNNING: "cyan", Outcome.FAILED: "red", Outcome.KILLED: "red"}
_REMOVED: Final = "SELECT rule, count(*) FROM removals GROUP BY ALL ORDER BY ALL"
_CHANGED: Final = "SELECT count(*) FILTER (size > 1), count(*) FILTER (NOT complete) FROM clusters"
_WARNED: Final = """
SELECT outlet, warning, count(*)
FROM (SELECT outlet, unnest(extraction.warnings) AS warning FROM articles)
GROUP BY ALL ORDER BY ALL"""
_DAMAGED: Final = """
SELECT stage || '.' || reason, count(*), list(url || ': ' || detail ORDER BY url)[:5]
FROM rejects WHERE subject = 'feed' AND feed = 'backfill' GROUP BY ALL ORDER BY ALL"""
_SAMPLE: Final = """
WITH numbered AS (
    SELECT *, row_number() OVER (PARTITION BY rule, outlet_id ORDER BY hash(text), text, url) AS of_outlet
    FROM removals
)
SELECT outlet_id, url, rule, text FROM numbered
QUALIFY row_number() OVER (PARTITION BY rule ORDER BY of_outlet, outlet_id) <= ? ORDER BY rule, outlet_id, url, text
"""


def settle(
    dataset: Dataset, store: Store, finished: Sequence[str], *, silence_factor: float, labels: Mapping[str, str]
) -> None:
    """Write down what became of runs that died: killed, or done by `recover`, which `finished` them.

    Needs the dataset's `lock`: whoever holds it knows that no other run is alive, and each run settles those before it,
    so that beside `finished` only the newest record can be open.

    Raises:
        DatasetError: a record cannot be written.
    """
    for run_id in sorted({*finished, *run_ids(dataset)[-1:]}):
        try:
            run = read_run(dataset, run_id)
        except DatasetError:  # a commit of something else than a run, or a record of another version
            continue
        if is_decided(dataset, run_id) and run.outcome is not Outcome.DONE:
            manifest = read_manifest(dataset, run_id)
            done = committed(run, manifest, dataset, datetime.fromtimestamp(manifest.created, UTC))
            with suppress(DatasetError):  # a damaged file, of which this run's own report will tell
                record(dataset, store, done, silence_factor=silence_factor, labels=labels)
        elif run.outcome is Outcome.RUNNING:
            save(dataset, run.model_copy(update={"outcome": Outcome.KILLED}))


def failed(run: Run, error: BaseException, ended: datetime) -> Run:
    """Return the record of a run that an error or Ctrl-C has ended; of an error that is not ours, the last line."""
    if isinstance(error, KeyboardInterrupt):
        text = "stopped by Ctrl-C"
    elif isinstance(error, NewsbeamError):
        text = str(error)
    else:
        text = f"{type(error).__name__} {error}".strip().splitlines()[-1]
    ended_at = ended.isoformat(timespec="seconds")
    return run.model_copy(update={"outcome": Outcome.FAILED, "ended_at": ended_at, "error": text[:500]})


def committed(run: Run, manifest: Manifest, dataset: Dataset, ended: datetime) -> Run:
    """Return the record of a run as its manifest completes it."""
    import duckdb

    articles = [file for file in manifest.files if file.table == "articles"]
    with duckdb.connect() as db:
        for table in ("articles", "removals", "clusters", "rejects"):
            paths = [file.path for file in manifest.files if file.table == table]
            db.register(table, scan(dataset, table, paths))
        removed = db.execute(_REMOVED).fetchall()
        samples = db.execute(_SAMPLE, [_SAMPLES]).fetchall()
        warned = db.execute(_WARNED).fetchall()
        damaged = db.execute(_DAMAGED).fetchall()
        [(changed, incomplete)] = db.execute(_CHANGED).fetchall()
    warnings: dict[str, dict[str, int]] = {}
    for outlet, warning, n in warned:
        warnings.setdefault(outlet, {})[warning] = n
    return run.model_copy(
        update={
            "outcome": Outcome.DONE,
            "error": "",
            "ended_at": ended.isoformat(timespec="seconds"),
            "feeds": dict(manifest.feeds),
            "damaged": {reason: n for reason, n, _ in damaged},
            "damage": tuple(line for *_, lines in damaged for line in lines),
            "counts": Counts.model_validate(manifest.counts),
            "by_outlet": {slug: Counts.model_validate(counts) for slug, counts in manifest.by_outlet.items()},
            "files": len(articles),
            "rows": sum(file.rows for file in articles),
            "clusters": changed,
            "merges": sum(file.rows for file in manifest.files if file.table == "aliases"),
            "incomplete_clusters": incomplete,
            "removals": dict(removed),
            "warnings": warnings,
            "samples": tuple(Sample(outlet=o, url=u, rule=r, text=t) for o, u, r, t in samples),
        }
    )


def record(dataset: Dataset, store: Store, run: Run, *, silence_factor: float, labels: Mapping[str, str]) -> str:
    """Write the report of a run that was committed, and its record whether or not there can be a report.

    Returns the report's path, or address in an object store.

    Raises:
        DatasetError: one of them cannot be written, or the dataset's files cannot be read.
    """
    report = f"{_FOLDER}/{run.run_id}.html"
    try:
        with explained(dataset.root):
            html = report_html(dataset, run, store, silence_factor=silence_factor, labels=labels)
            dataset.files.replace(report, html.encode())
    finally:
        save(dataset, run)
    return f"{dataset.address}/{report}"


def save(dataset: Dataset, run: Run) -> None:
    """Write a run's record, whole or not at all.

    Raises:
        DatasetError: it cannot be written.
    """
    with explained(dataset.root):
        dataset.files.replace(f"{_FOLDER}/{run.run_id}.json", run.model_dump_json(indent=1).encode())


def run_ids(dataset: Dataset) -> list[str]:
    """Return the ids of all runs that have a record, in their order."""
    with explained(dataset.root):
        names = dataset.files.names(_FOLDER)
    return [name.removesuffix(".json") for name in names if name.endswith(".json")]


def read_run(dataset: Dataset, run_id: str) -> Run:
    """Return a run's record.

    Raises:
        DatasetError: it cannot be read.
    """
    path = f"{_FOLDER}/{run_id}.json"
    with explained(f"{dataset.address}/{path}"):
        text = dataset.files.read(path)
    try:
        return Run.model_validate_json(text)
    except ValueError as error:
        problem = f"is no record of a run: {str(error).splitlines()[0]}"
        raise DatasetError(
            f"{dataset.address}/{path}", problem, "Move it away; nothing but this overview needs it"
        ) from error


def failed_outlets(outlets: Sequence[Outlet], states: Mapping[str, FeedState], since: datetime) -> list[str]:
    """Return the outlets polled since then of which no open feed works: the last poll of every one has failed.

    A feed that was not due counts by its last poll; one never polled, or closed for good (410), says nothing.
    """
    failed = []
    for outlet in outlets:
        known = [states[feed] for feed in outlet.feeds if feed in states]
        polled = any(float(state.polled_at) >= since.timestamp() for state in known)
        still_open = [state for state in known if not state.gone]
        if polled and still_open and all(state.failures for state in still_open):
            failed.append(outlet.slug)
    return failed


def failure_line(run: Run) -> str:
    """Return one line on a run's failed outlets, which names a few of them; where no feed worked, why most did not."""
    names = ", ".join(run.failed_outlets[:_NAMED])
    if len(run.failed_outlets) > _NAMED:
        names += f" and {len(run.failed_outlets) - _NAMED} more"
    total, worked = sum(run.feeds.values()), sum(n for outcome, n in run.feeds.items() if outcome in _WORKED)
    if worked or total <= 1:
        return f"every feed failed of: {names}"
    n, reason = max((n, reason) for reason, n in run.feeds.items())
    hint = "; is this machine on a network?" if reason == RejectReason.DNS_FAILURE and n == total else ""
    return f"all {total} feeds failed, most often by {reason} ({n}), of: {names}{hint}"


def show_runs(dataset: Dataset, newest: int, console: Console) -> None:
    """Print the newest runs into the dataset, the last one lowest, and where their reports are.

    Raises:
        DatasetError: there is no dataset, or a record cannot be read.
    """
    find(dataset)
    runs = [read_run(dataset, run_id) for run_id in run_ids(dataset)[-newest:]]
    if not runs:
        said = f"no run or backfill has written into {dataset.root} yet; commits of a stream are in its table runs"
        console.print(said, markup=False, soft_wrap=True)
        return
    console.print(runs_table(runs))
    for run in runs:
        if run.error:
            console.print(f"\n{run.run_id} failed: {run.error}", markup=False, soft_wrap=True)
        if run.failed_outlets:
            console.print(f"\n{run.run_id}: {failure_line(run)}", markup=False, soft_wrap=True)
    if runs[-1].outcome is Outcome.RUNNING:
        console.print("\nrunning, or it has died: the next run finds out", markup=False)
    console.print(f"\nreports: {dataset.address}/{_FOLDER}/RUN.html", markup=False, soft_wrap=True)


def runs_table(runs: Sequence[Run]) -> Table:
    """Return `runs` as a table for a terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("run", no_wrap=True, min_width=21)
    for name in ("command", "outcome"):
        table.add_column(name)
    for name in ("took", "entries", "articles", "skips", "rejects"):
        table.add_column(name, justify="right")
    for run in runs:
        figures = [run.counts.entries, run.counts.articles, sum(run.counts.skips.values())]
        figures.append(sum(run.counts.rejects.values()))
        shown = [str(n) for n in figures] if run.outcome is Outcome.DONE else [""] * len(figures)
        table.add_row(
            run.run_id, run.command, Text(run.outcome.value, _COLOURS[run.outcome]), _took(run), *map(Text, shown)
        )
    return table


def _took(run: Run) -> str:
    if not run.ended_at:
        return ""
    took = datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)
    return str(timedelta(seconds=int(took.total_seconds())))
