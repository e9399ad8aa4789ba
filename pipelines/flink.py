"""Flink: what a stream needs of a cluster beside the running of its job, over the cluster's REST interface."""

import json
import time
import urllib.request
from typing import Any, Final

from schemas.errors import NewsbeamError

_ENDED: Final = {"FINISHED", "CANCELED", "FAILED"}
_TIMEOUT_S: Final = 30.0


def end_jobs(master: str, name: str) -> int:
    """Cancel the jobs named `name` that still run at the cluster `host:port`, wait for their end, return their number.

    A job lives on when the newsbeam that submitted it is killed: the next one is not to poll beside it.

    Raises:
        NewsbeamError: the cluster cannot be reached, or a job does not end.
    """
    base = master if "://" in master else f"http://{master}"
    try:
        running = _running(base, name)
        for job in running:
            _ask(f"{base}/jobs/{job}?mode=cancel", "PATCH")
        deadline = time.monotonic() + _TIMEOUT_S
        while _running(base, name):
            if time.monotonic() > deadline:
                raise NewsbeamError(f"the job {name} of an earlier stream does not end; see {base}")
            time.sleep(0.5)
    except (OSError, ValueError, KeyError) as error:
        raise NewsbeamError(f"Flink does not answer at {base}: {error}; is --flink_master right?") from error
    return len(running)


def _running(base: str, name: str) -> list[str]:
    jobs = _ask(f"{base}/jobs/overview", "GET")["jobs"]
    return [job["jid"] for job in jobs if job["name"] == name and job["state"] not in _ENDED]


def _ask(url: str, method: str) -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310  # the operator's own cluster
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")
