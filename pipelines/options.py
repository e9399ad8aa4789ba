"""Which Beam engine runs a job: named, printed, and refused where it cannot work.

Beam's bare `DirectRunner` picks an engine behind the user's back (Prism where it can download it, else the in-process
FnApiRunner), and for unbounded input without Prism it runs for ever and writes nothing. So the engine is always named.
"""

import contextlib
import io
import itertools
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from schemas.errors import ConfigError

IN_PROCESS: Final = "FnApiRunner"
PRISM: Final = "PrismRunner"
FLINK: Final = "FlinkRunner"
DASK: Final = "DaskRunner"
_SAME: Final = {"DirectRunner", "SwitchingDirectRunner", "direct"}  # users type these, and mean: on this machine
_REASONS: Final = {PRISM: "it is for streams (`newsbeam stream`), and has one worker process"}
# Options of Flink's side: Beam's Python hands on what it does not know, so slips in their spelling are ours to find.
# `shutdown_sources_after_idle_ms` is not among them: it makes a source that waits look again without a pause.
_FLINK_OPTIONS: Final = {
    "checkpointing_interval",  # milliseconds
    "checkpoint_timeout_millis",
    "min_pause_between_checkpoints",
    "savepoint_path",
    "externalized_checkpoints_enabled",
    "retain_externalized_checkpoints_on_cancellation",
    "number_of_execution_retries",
    "execution_retry_delay",
    "state_backend",
    "state_backend_storage_path",
}
_OPTIONS_OF: Final = {FLINK: _FLINK_OPTIONS}
_CHECKPOINTS: Final = "--checkpointing_interval=10000"  # without checkpoints a failure ends the job


class DaskOptions(PipelineOptions):
    """Beam's own stand in a module that cannot be imported without Dask, and takes 15 MB with it."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--dask_client_address", default="", help="Address of a Dask scheduler.")


class Engine(NamedTuple):
    """A named engine, and Beam's options for it."""

    name: str
    workers: int  # processes on this machine; a cluster has its own
    options: PipelineOptions
    notice: str  # what a person should know about the choice, "" where nothing


def choose(beam_args: Sequence[str], workers: int = 1) -> Engine:
    """Return the engine for a batch job from Beam's own options (given after `--`) and the number of processes.

    Raises:
        ConfigError: an option Beam does not know, or an engine that cannot run this job.
    """
    given, runner, notice = _read(beam_args, IN_PROCESS, "Beam's in-process engine")
    if given.view_as(StandardOptions).streaming:
        raise _refuse("--streaming", "this command is a batch", "Leave it out")
    if any(arg.startswith("--direct_") for arg in beam_args):
        raise _refuse("--direct_…", "the number of processes is newsbeam's to set", "Use --workers N before `--`")
    if runner == IN_PROCESS:
        given.view_as(DirectOptions).direct_num_workers = workers
    elif runner not in _CLUSTERS:
        why = _REASONS.get(runner, "it works on this machine's files")
        problem = f"{runner} is not an engine this job runs on: {why}"
        raise _refuse("--runner", problem, f"Use {IN_PROCESS}, with --workers N for more processes")
    elif workers != 1:
        raise _refuse("--workers", f"the workers of {runner} are those of its cluster", "Leave it out")
    else:
        notice = _CLUSTERS[runner](given)
    given.view_as(StandardOptions).runner = runner
    return Engine(runner, workers, given, notice)


def in_process(workers: int) -> FnApiRunner:
    """Return Beam's in-process engine, which does its work in this process, or in so many others."""
    if workers == 1:
        return FnApiRunner()
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(f"{sys.executable} -m pipelines.worker"))


def choose_stream(beam_args: Sequence[str]) -> Engine:
    """Return the engine for a stream from Beam's own options (given after `--`).

    Raises:
        ConfigError: an option Beam does not know, or an engine that cannot run this job.
    """
    given, runner, notice = _read(beam_args, PRISM, "Beam's engine for streams on one machine")
    if runner == FLINK:
        notice = _check_flink(given)
        if not any(arg.startswith("--checkpointing_interval") for arg in beam_args):
            given = PipelineOptions([*beam_args, _CHECKPOINTS])
    elif runner != PRISM:
        problem = f"{runner} is not an engine that streams run on here"
        raise _refuse("--runner", problem, f"Use {PRISM} or {FLINK}; {IN_PROCESS} would run for ever and write nothing")
    given.view_as(StandardOptions).runner = runner
    given.view_as(StandardOptions).streaming = True
    return Engine(runner, 1, given, notice)


def _check_flink(given: PipelineOptions) -> str:
    if given.view_as(FlinkRunnerOptions).flink_master.startswith("["):
        problem = "Beam would start a Flink of its own, whose checkpoints end with it"
        raise _refuse("--flink_master", problem, "Name a cluster: --flink_master=host:8081")
    _require_pool(given, "TaskManager")
    return f"{FLINK} was tried on one machine only, with Flink 1.19 (docs/stream.md)"


def _require_pool(given: PipelineOptions, part: str) -> None:
    """Refuse a portable engine without an environment for our workers, which are to stand beside each `part` of it."""
    if not given.view_as(PortableOptions).environment_type:
        problem = "Beam would run the workers in its own Docker image, which has no newsbeam"
        remedy = f"Start a worker pool beside each {part}: --environment_type=EXTERNAL --environment_config=host:port"
        raise _refuse("--environment_type", problem, remedy)


def _check_dask(given: PipelineOptions) -> str:
    if not given.view_as(DaskOptions).dask_client_address:
        problem = "the workers are those of a Dask cluster"
        raise _refuse("--runner", problem, "Give --dask_client_address=tcp://host:8786")
    return ""


# The engines with workers of their own that batches run on. Each has a check: what its options lack is refused, and
# what comes back is what a person should know.
_CLUSTERS: Final[Mapping[str, Callable[[PipelineOptions], str]]] = {DASK: _check_dask, FLINK: _check_flink}


def _read(beam_args: Sequence[str], usual: str, what: str) -> tuple[PipelineOptions, str, str]:
    """The options, the engine they name, and what a person should know of that."""
    given = PipelineOptions(list(beam_args))
    known = _all_options(given)
    runner = str(known.get("runner") or usual).rsplit(".", 1)[-1]
    names = {*known, *_OPTIONS_OF.get(runner, ())}
    for before, arg in itertools.pairwise(["", *beam_args]):
        is_value = before.startswith("--") and "=" not in before
        if arg.partition("=")[0].removeprefix("--") not in names and (arg.startswith("-") or not is_value):
            raise _refuse(arg, "Beam knows no such option", "Mend its spelling; newsbeam's own options go before `--`")
    if runner in _SAME:
        return given, usual, f"{runner} is taken as {usual}, {what}: the bare name would choose by itself"
    return given, runner, ""


def _all_options(given: PipelineOptions) -> dict[str, Any]:
    """The options by name. Of a value that none of them takes argparse tells on stderr, after a page of usage."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options: dict[str, Any] = given.get_all_options()
    except SystemExit:
        _, _, problem = said.getvalue().strip().rpartition(": error: ")
        raise _refuse("after --", f"Beam says: {problem}", "Mend the option") from None
    return options


def _refuse(option: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError("command line", None, option, problem, remedy)
