"""Which Beam engine runs a job: named, printed, and refused where it cannot work.

Beam's bare `DirectRunner` picks an engine behind the user's back (Prism where it can download it, else the in-process
FnApiRunner), and for unbounded input without Prism it runs for ever and writes nothing. So the engine is always named.
"""

import contextlib
import importlib
import io
import itertools
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Optional

from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    SetupOptions,
    SparkRunnerOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from schemas.errors import ConfigError
from transforms.state import is_database
from transforms.write import Dataset
from transforms.write.files import is_remote

IN_PROCESS: Final = "FnApiRunner"
PRISM: Final = "PrismRunner"
FLINK: Final = "FlinkRunner"
DASK: Final = "DaskRunner"
SPARK: Final = "SparkRunner"
DATAFLOW: Final = "DataflowRunner"
_SAME: Final = {"DirectRunner", "SwitchingDirectRunner", "direct"}  # users type these, and mean: on this machine
_ONLY_STREAMS: Final = "it is for streams (`newsbeam stream`), and has one worker process"
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
# Of Beam's options for workers, those that no other engine reads.
_DATAFLOW_OPTIONS: Final = {
    "autoscaling_algorithm", "disk_size_gb", "disk_type", "machine_type", "max_num_workers", "min_cpu_platform",
    "network", "num_workers", "subnetwork", "use_public_ips", "worker_region", "worker_zone", "zone",
}  # fmt: skip
_OPTIONS_OF: Final = {FLINK: _FLINK_OPTIONS, DATAFLOW: _DATAFLOW_OPTIONS}
_EVERY_ENGINES: Final = {"job_name"}  # Beam keeps them among those of one engine
_IN_DOCKER: Final = ("", "DOCKER")  # Beam takes the first for the second
_NAMED: Final = {"EXTERNAL": "host:port of the pool", "PROCESS": """'{"command": "…"}'"""}
_CHECKPOINTS: Final = "--checkpointing_interval=10000"  # without checkpoints a failure ends the job


class DaskOptions(PipelineOptions):
    """Beam's own stand in a module that cannot be imported without Dask, and takes 15 MB with it."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--dask_client_address", default="", help="Address of a Dask scheduler.")


# Beam takes the options of every engine for each, and says nothing of those that the chosen one leaves unread.
_OWN_OPTIONS: Final[Mapping[str, type[PipelineOptions]]] = {
    DASK: DaskOptions,
    DATAFLOW: GoogleCloudOptions,
    FLINK: FlinkRunnerOptions,
    PRISM: PrismRunnerOptions,
    SPARK: SparkRunnerOptions,
}


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
        why = _ONLY_STREAMS if runner == PRISM else "batches run on others"
        remedy = f"Use {IN_PROCESS}, with --workers N for more processes, or a cluster: {', '.join(sorted(_CLUSTERS))}"
        raise _refuse("--runner", f"{runner} is not an engine this job runs on: {why}", remedy)
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
    portable = given.view_as(PortableOptions)
    kind, is_told = portable.environment_type or "", portable.environment_config or portable.environment_options
    if kind in _IN_DOCKER and not is_told:
        problem = "Beam would run the workers in its own Docker image, which has no newsbeam"
        remedy = f"Start a worker pool beside each {part}: --environment_type=EXTERNAL --environment_config=host:port"
        raise _refuse("--environment_type", problem, remedy)
    if kind in _NAMED and not is_told:
        problem, remedy = f"{kind} does not say which workers", _NAMED[kind]
        raise _refuse("--environment_config", problem, f"Give --environment_config={remedy}")


def _check_dask(given: PipelineOptions) -> str:
    if not given.view_as(DaskOptions).dask_client_address:
        problem = "the workers are those of a Dask cluster"
        raise _refuse("--runner", problem, "Give --dask_client_address=tcp://host:8786")
    return ""


def _check_spark(given: PipelineOptions) -> str:
    if given.view_as(SparkRunnerOptions).spark_master_url.startswith("local"):
        problem = "Beam would start a Spark of its own on this machine"
        raise _refuse("--spark_master_url", problem, "Name a cluster: --spark_master_url=spark://host:7077")
    if given.view_as(SparkRunnerOptions).spark_submit_uber_jar or given.view_as(PortableOptions).job_endpoint:
        problem = "the job's driver would not be a process of ours, and work on when newsbeam is killed"
        raise _refuse("--spark_submit_uber_jar, --job_endpoint", problem, "Leave it out; docs/engines.md names the jar")
    _require_pool(given, "Spark worker")
    return f"{SPARK} was tried on one machine only, with Spark 3.5 (docs/engines.md)"


def _check_dataflow(given: PipelineOptions) -> str:
    cloud = given.view_as(GoogleCloudOptions)
    for name, example in (("project", "my-project"), ("region", "europe-west3"), ("temp_location", "gs://bucket/temp")):
        if not getattr(cloud, name):
            raise _refuse(f"--{name}", f"{DATAFLOW} needs it", f"Give it, such as --{name}={example}")
    setup = given.view_as(SetupOptions)
    if not given.view_as(WorkerOptions).sdk_container_image:
        if not setup.setup_file:
            problem, remedy = "the workers are Google's, and have no newsbeam", "Give --setup_file=./setup.py"
            raise _refuse("--setup_file", problem, f"{remedy}, or an image with it: --sdk_container_image=…")
        if not setup.requirements_file:
            problem = "the workers need psycopg for the state in PostgreSQL"
            raise _refuse("--requirements_file", problem, "Give --requirements_file=docs/deploy/workers.txt")
    try:
        importlib.import_module("apache_beam.runners.dataflow.internal.apiclient")
    except ImportError:
        problem = "Beam's part for Google Cloud is not installed"
        raise _refuse("--runner", problem, "pip install 'newsbeam[dataflow]'") from None
    return f"{DATAFLOW} has never run this: its jobs were made and looked at, no more (docs/engines.md)"


# The engines with workers of their own that batches run on. Each has a check: what its options lack is refused, and
# what comes back is what a person should know.
_CLUSTERS: Final[Mapping[str, Callable[[PipelineOptions], str]]] = {
    DASK: _check_dask,
    DATAFLOW: _check_dataflow,
    FLINK: _check_flink,
    SPARK: _check_spark,
}


def require_shared(engine: Engine, command: str, dataset: Dataset, stop_file: Optional[Path] = None) -> None:
    """Make sure that workers on other machines than this one can see what `command` reads, the dataset and its state.

    Of folders nothing is known here: a network may share them. Where a dataset lies in an object store, workers would
    take a state in a file that they do not have for an empty one.

    Raises:
        ConfigError: they cannot.
    """
    if engine.name not in _CLUSTERS:
        return
    if engine.name == DATAFLOW and command != "run":
        problem = f"{DATAFLOW}'s workers see nothing of this machine, which `newsbeam {command}` reads from"
        raise _refuse("--runner", problem, f"Use {IN_PROCESS}, with --workers N for more processes")
    if engine.name == DATAFLOW and not is_remote(dataset.root):
        problem = f"{DATAFLOW}'s workers see no folder of this machine"
        raise _refuse("--output", problem, "Give a prefix in an object store: gs://bucket/prefix")
    if is_remote(dataset.root) and not is_database(dataset.state_at):
        problem = f"{engine.name}'s workers need a state that all of them see"
        raise _refuse("--state", problem, "Give postgresql://user@host/database")
    if is_remote(dataset.root) and command == "stream" and stop_file is None:
        problem = "the workers look for the file that ends the stream, and an object store has no such place"
        raise _refuse("--stop-file", problem, "Name one in a folder that all machines see at that path")


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
    _refuse_others(given, usual if runner in _SAME else runner)
    if runner in _SAME:
        return given, usual, f"{runner} is taken as {usual}, {what}: the bare name would choose by itself"
    return given, runner, ""


def _refuse_others(given: PipelineOptions, runner: str) -> None:
    """Refuse options that only another engine than `runner` reads."""
    set_ = given.get_all_options(drop_default=True).keys() - _EVERY_ENGINES
    for engine, options in _OWN_OPTIONS.items():
        names = set_ & {*dir(given.view_as(options)), *_OPTIONS_OF.get(engine, ())}
        if engine != runner and names:
            raise _refuse(f"--{min(names)}", f"only {engine} reads it", f"Leave it out, or give --runner={engine}")


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
