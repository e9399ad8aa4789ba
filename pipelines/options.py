"""Which Beam engine runs a job: named, printed, and refused where it cannot work.

Beam's bare `DirectRunner` picks an engine behind the user's back (Prism where it can download it, else the in-process
FnApiRunner), and for unbounded input without Prism it runs for ever and writes nothing. So the engine is always named.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from schemas.errors import ConfigError

IN_PROCESS: Final = "FnApiRunner"
_SAME: Final = {"DirectRunner", "SwitchingDirectRunner", "direct"}  # users type these; for a batch they mean in-process
_LOCAL: Final = {IN_PROCESS, "PrismRunner"}


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
    stray = [arg for arg in beam_args if arg.startswith("--") and arg[2:].split("=")[0] not in known]
    if stray:
        raise _refuse(stray[0], "Beam knows no such option", "Mend its spelling; newsbeam's own options go before `--`")
    if known.get("streaming"):
        raise _refuse("--streaming", "this command is a batch", "Leave it out")
    runner = str(known.get("runner") or IN_PROCESS).rsplit(".", 1)[-1]
    notice = ""
    if runner in _SAME:
        notice = f"{runner} is taken as {IN_PROCESS}, Beam's in-process engine: the bare name would choose by itself"
        runner = IN_PROCESS
    if runner not in _LOCAL:
        problem = f"{runner} spreads work over machines that cannot see this one's files"
        raise _refuse("--runner", problem, f"Use {IN_PROCESS}, with --workers N for more processes")
    if workers > 1 and runner != IN_PROCESS:
        raise _refuse("--workers", f"{runner} runs Python in one process", f"Leave it out, or use {IN_PROCESS}")
    if any(arg.startswith("--direct_") for arg in beam_args):
        raise _refuse("--direct_…", "the number of processes is newsbeam's to set", "Use --workers N before `--`")
    given.view_as(StandardOptions).runner = runner
    if workers > 1:
        given.view_as(DirectOptions).direct_running_mode = "multi_processing"
        given.view_as(DirectOptions).direct_num_workers = workers
    return Engine(runner, workers, given, notice)


def _refuse(option: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError("command line", None, option, problem, remedy)
