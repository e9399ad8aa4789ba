"""Stream: the scheduled run's stages without end, a commit a window, until someone says stop.

The main thread starts the pipeline and then only watches: it says what each window brought, forgets old signatures, and
turns SIGTERM and SIGINT into the stop file that the source looks for.
"""

import re
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final, Optional

import apache_beam as beam
from apache_beam.options.pipeline_options import PortableOptions, PrismRunnerOptions
from apache_beam.runners.runner import PipelineState
from apache_beam.utils.timestamp import Timestamp

from pipelines.beam_errors import beams_errors, told
from pipelines.flink import sole_job
from pipelines.ingest import Plan, from_feeds
from pipelines.jobs import Job, profiles_of, settle_runs
from pipelines.metrics import metrics_served
from pipelines.options import FLINK
from pipelines.prism import Prism, find_prism, last_words, running, submit
from schemas.errors import ConfigError, NewsbeamError
from schemas.settings import HttpSettings, Outlet
from transforms.poll_stream import PollStream, obeyed
from transforms.state import Store
from transforms.write import Dataset, explained, is_taken_over, lock, prepare, read_manifest, require_room, scratch
from transforms.write.files import is_remote
from transforms.write.window import WriteWindows

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600}
_LOOK_S: Final = 0.5
_FORGET_S: Final = 3_600.0  # between two clearings of old signatures
_LEAST_DEADLINE_S: Final = 5.0  # for one request: slow servers that are well answer within two
_DRAINED: Final = "drained: everything taken is committed"
_TAKEN_OVER: Final = "a later run has taken the dataset over, and this stream has ended; nothing is lost"
_STOPPED: Final = "stopped by Flink: start again with the --savepoint_path, or without; nothing is lost"


def parse_window(text: str) -> int:
    """Return the seconds of a window such as `90s`, `5m` or `1h`.

    Raises:
        ConfigError: it is written otherwise, or not between one second and a day.

    >>> parse_window("5m")
    300
    """
    found = re.fullmatch(r"([0-9]{1,5})([smh])", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 1 <= seconds <= 86_400:
        raise ConfigError(
            "command line", None, "--window", f"{text!r} is no window", "Write 90s, 5m or 1h; at most 24h"
        )
    return seconds


def within(http: HttpSettings, window_s: int) -> HttpSettings:
    """Return `http` as it lets a window end in about its own length, whatever single hosts do.

    A window waits for the slowest of its feeds, then for the slowest of its pages: each gets half of it. What is cut
    short is asked for again in a later window.
    """
    half_s = max(window_s / 2, _LEAST_DEADLINE_S)
    return http.model_copy(
        update={
            "max_host_s": min(http.max_host_s, half_s),
            "deadline_s": min(http.deadline_s, half_s),
            "connect_s": min(http.connect_s, half_s),
        }
    )


def run_stream(
    job: Job, outlets: Sequence[Outlet], window_s: int, stop_file: Optional[Path], metrics_port: Optional[int]
) -> int:
    """Poll feeds as they come due and commit every `window_s` seconds, until stopped; return the exit code.

    Hosts get the time that `within` says: what is left waits in the state, as after a run. With a `metrics_port`,
    Prometheus is answered there, on loopback.

    Raises:
        NewsbeamError: the stream could not be started, or broke down. What was not committed is polled again.
    """
    dataset = job.dataset
    on_flink = job.engine.name == FLINK
    binary = None if on_flink else find_prism(job.engine.options.view_as(PrismRunnerOptions).prism_location)
    prepare(dataset)
    store = Store(dataset.state_address)
    stream_id = f"stream-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    with lock(dataset) as dataset, ExitStack() as stack:
        left_over = stack.enter_context(sole_job(job.engine.options, dataset, job.out)) if on_flink else ""
        recovered = settle_runs(job, dataset, store)
        require_room(dataset, job.settings.write.min_free_bytes)
        folder = stack.enter_context(scratch(dataset, stream_id))
        stop = (stop_file or (folder if is_remote(dataset.root) else dataset.meta) / "stop").absolute()
        with explained(dataset.root):
            (folder / "progress").mkdir()
            (folder / "temporary").mkdir()
            for left in (stop, Path(obeyed(str(stop)))):  # from a stream that was killed while it drained
                left.unlink(missing_ok=True)
        settings = job.settings.model_copy(update={"http": within(job.settings.http, window_s)})
        plan = Plan(
            settings, job.tables.rules, job.tables.gazetteer, store, str(folder / "progress"), stream_id,
            profiles=profiles_of(outlets),
        )  # fmt: skip
        stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
        if not on_flink:  # whose job server outlives the folder by a moment
            tempfile.tempdir = str(folder / "temporary")
        if metrics_port is not None:
            port = stack.enter_context(metrics_served(metrics_port, store, job.settings.poll.silence_factor))
            job.out.print(f"metrics at http://127.0.0.1:{port}/metrics", soft_wrap=True)
        prism = stack.enter_context(running(binary, folder / "prism.log")) if binary else None
        stack.enter_context(_stopping(stop, job))
        if on_flink:
            stack.enter_context(beams_errors(_what_a_stream_leaves, on_cluster=True))
        if prism is not None:
            job.engine.options.view_as(PortableOptions).job_endpoint = prism.endpoint
        into = f"stream on {job.engine.name}, a commit every {window_s} s, into {dataset.address}"
        for line in filter(None, (job.engine.notice, left_over, recovered, into)):
            job.out.print(line, markup=False, soft_wrap=True)
        pipeline = beam.Pipeline(options=job.engine.options)
        write = WriteWindows(dataset, store, settings.write, version("newsbeam"))
        feeds = pipeline | "PollStream" >> PollStream(outlets, dataset, store, window_s, str(stop))
        _ = from_feeds(feeds, plan) | "Write" >> write
        result = pipeline.run() if prism is None else submit(pipeline, prism)
        ended = _watch(job, result, prism, dataset, store, Path(obeyed(str(stop))))
        with explained(dataset.root):
            for left in (stop, Path(obeyed(str(stop)))):
                left.unlink(missing_ok=True)
    job.out.print(ended)
    return 0


def _what_a_stream_leaves() -> str:
    return "what was not committed is polled again"


@contextmanager
def _stopping(stop: Path, job: Job) -> Iterator[None]:
    """Turn the first SIGTERM or SIGINT into the stop file; a second one ends at once."""

    def handle(number: int, _: Optional[FrameType]) -> None:
        for each in before:
            signal.signal(each, signal.default_int_handler)
        stop.touch()
        job.out.print(f"{signal.Signals(number).name}: what is under way is finished and committed, then this ends")

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(job: Job, result: Any, prism: Optional[Prism], dataset: Dataset, store: Store, obeyed_stop: Path) -> str:
    """Tell of each commit, until the pipeline has ended; return why it did, in words."""
    known, newest, forgotten = store.applied(), store.newest_commit(), 0.0
    while True:
        if prism is not None:
            prism.require_alive()
        ended = PipelineState.is_terminal(result.state)
        if (now := store.newest_commit()) != newest:
            newest, new = now, store.applied() - known
            known |= new
            for commit_id in sorted(new):
                job.out.print(_window_line(dataset, commit_id), markup=False, soft_wrap=True)
        if ended:
            break
        if prism is None and obeyed_stop.exists():  # with checkpoints, Flink keeps a job whose sources have all ended
            return _DRAINED
        if time.monotonic() - forgotten > _FORGET_S:
            store.forget_signatures(Timestamp.now() - job.settings.dedup.lookback_days * 86_400)
            forgotten = time.monotonic()
        time.sleep(_LOOK_S)
    if result.state != PipelineState.DONE:
        last = last_words(prism) if prism is not None else "see the log of Flink's JobManager"
        error: Exception = NewsbeamError(f"the stream ended as {result.state}: {last}")
        with suppress(NewsbeamError):
            try:
                result.wait_until_finish()
            except Exception as raised:
                error = told(raised, _what_a_stream_leaves, on_cluster=prism is None)
        raise error
    return why_it_ended(dataset, obeyed_stop)


def why_it_ended(dataset: Dataset, obeyed_stop: Path) -> str:
    """Say why a stream in which nothing failed has ended. On Prism only the source ends one."""
    if obeyed_stop.exists():
        return _DRAINED
    return _TAKEN_OVER if is_taken_over(dataset) else _STOPPED


def _window_line(dataset: Dataset, commit_id: str) -> str:
    """What one window brought, in a line.

    `2026-03-12 07:20:00  40 entries = 31 articles + 7 skips + 2 rejects; 12 feeds`
    """
    manifest = read_manifest(dataset, commit_id)
    counts = manifest.counts
    end = datetime.strptime(commit_id, "stream-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    skips, rejects = sum(counts["skips"].values()), sum(counts["rejects"].values())
    ends = f"{counts['entries']} entries = {counts['articles']} articles + {skips} skips + {rejects} rejects"
    return f"{end:%Y-%m-%d %H:%M:%S}  {ends}; {sum(manifest.feeds.values())} feeds"
