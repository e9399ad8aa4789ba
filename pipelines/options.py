"""Which Beam engine runs a job: named, printed, and refused where it cannot work.

Beam's bare `DirectRunner` picks an engine behind the user's back (Prism where it can download it, else the in-process
FnApiRunner), and for unbounded input without Prism it runs for ever and writes nothing. So the engine is always named.
"""

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions, WorkerOptions

from schemas.errors import ConfigError

IN_PROCESS: Final = "FnApiRunner"
_SAME: Final = {"DirectRunner", "SwitchingDirectRunner", "direct"}  # users type these; for a batch they mean in-process


class Engine(NamedTuple):
    """A named engine, and Beam's options for it."""

    name: str
    workers: int  # processes
    options: PipelineOptions
    notice: str  # what a person should know about the choice, "" where nothing


def choose(beam_args: Sequence[str], workers: int = 1) -> Engine:
    """Return the engine for a batch job from Beam's own options (given after `--`) and the number of processes.

    Raises:
        ConfigError: an option Beam does not know, or an engine that cannot run this job.
    """
    given = PipelineOptions(list(beam_args))
    known = given.get_all_options()
    for before, arg in itertools.pairwise(["", *beam_args]):
        is_value = before.startswith("--") and "=" not in before
        if arg.partition("=")[0].removeprefix("--") not in known and (arg.startswith("-") or not is_value):
            raise _refuse(arg, "Beam knows no such option", "Mend its spelling; newsbeam's own options go before `--`")
    if known.get("streaming"):
        raise _refuse("--streaming", "this command is a batch", "Leave it out")
    runner = str(known.get("runner") or IN_PROCESS).rsplit(".", 1)[-1]
    notice = ""
    if runner in _SAME:
        notice = f"{runner} is taken as {IN_PROCESS}, Beam's in-process engine: the bare name would choose by itself"
        runner = IN_PROCESS
    if runner != IN_PROCESS:
        problem = f"{runner} is not an engine this job runs on: it works on this machine's files"
        raise _refuse("--runner", problem, f"Use {IN_PROCESS}, with --workers N for more processes")
    if any(arg.startswith("--direct_") for arg in beam_args):
        raise _refuse("--direct_…", "the number of processes is newsbeam's to set", "Use --workers N before `--`")
    given.view_as(StandardOptions).runner = runner
    if workers > 1:
        given.view_as(DirectOptions).direct_running_mode = "multi_processing"
        given.view_as(DirectOptions).direct_num_workers = workers
        given.view_as(WorkerOptions).default_sdk_harness_log_level = "ERROR"
    return Engine(runner, workers, given, notice)


def _refuse(option: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError("command line", None, option, problem, remedy)
