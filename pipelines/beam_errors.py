"""What Beam raises when a pipeline breaks, as errors of ours: a line, where the program is not at fault."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Optional

import grpc

import schemas.errors
from schemas.errors import NewsbeamError

_OURS: Final = re.compile(r"schemas\.errors\.(\w+): (.+?)(?: \[while running '[^']*'\])?$", re.MULTILINE)
_WORKER_GONE: Final = "Channel closed prematurely."  # Beam's words for a worker that ended in the middle of its work
_JOB_FAILED: Final = re.compile(  # on a cluster, or in Google's cloud
    r"(?:Pipeline \S+ failed in state \w+: |Dataflow pipeline failed\. State: \w+, Error:\n)"
    r"(?:[\w.]+(?:Exception|Error): )?(.+)"
)
_JOB_AT_WORK: Final = "There is already active job named"  # in Google's cloud
_IN_PYTHON: Final = "Traceback (most recent call last)"


@contextmanager
def beams_errors(stays: Callable[[], str], *, on_cluster: bool) -> Iterator[None]:
    """Turn what Beam raises in the block into what a person is to be told (`told`), or Ctrl-C."""
    try:
        yield
    except NewsbeamError:
        raise
    except Exception as error:
        if _interrupted(error):
            raise KeyboardInterrupt from error
        ours = told(error, stays, on_cluster=on_cluster)
        if ours is error:
            raise
        raise ours from error


def told(error: Exception, stays: Callable[[], str], *, on_cluster: bool) -> Exception:
    """Return the error of ours inside `error`; else what has befallen the engine, and what `stays` of the work.

    Where the program is at fault, that is `error` itself.
    """
    ours, trouble = own_error(error), _trouble(error, on_cluster=on_cluster)
    if ours is not None:
        return ours
    return NewsbeamError(f"{trouble}; {stays()}") if trouble else error


def own_error(error: Exception) -> Optional[NewsbeamError]:
    """Return the error of ours inside what Beam raises for a worker, None where there is none.

    Of an error in another process Beam keeps no more than the text, so that what comes back is of the right class and
    says the same, but has none of its attributes.
    """
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, NewsbeamError):
            return cause
        cause = cause.__cause__
    for name, text in reversed(_OURS.findall(str(error))):
        kind = getattr(schemas.errors, name, None)
        if isinstance(kind, type) and issubclass(kind, NewsbeamError):
            return kind.of_text(text)
    return None


def _trouble(error: Exception, *, on_cluster: bool) -> str:
    """What has befallen the engine, "" where it is well."""
    text = str(error)
    if text == _WORKER_GONE:
        return "a worker process has died"
    if on_cluster and isinstance(error, grpc.Call) and error.code() == grpc.StatusCode.UNAVAILABLE:
        return "the job server of the cluster has died"
    if text.startswith(_JOB_AT_WORK):
        return "the job of an earlier run is still at work"
    failed = _JOB_FAILED.match(text)
    return f"the job has ended on its cluster: {failed[1]}" if failed and _IN_PYTHON not in text else ""


def _interrupted(error: Exception) -> bool:
    """Whether Ctrl-C reached a stage: Beam makes a `RuntimeError` of that, and keeps its name."""
    return isinstance(error.__cause__, KeyboardInterrupt) or str(error).startswith("KeyboardInterrupt")
