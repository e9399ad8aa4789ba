"""Flink: what a job needs of a cluster beside its running, over the cluster's REST interface."""

import hashlib
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import parse_qs

from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    JobServerOptions,
    PipelineOptions,
)
from rich.console import Console

from schemas.errors import NewsbeamError
from transforms.write import Dataset
from transforms.write.files import is_remote

_ENDED: Final = {"FINISHED", "CANCELED", "FAILED"}
_TIMEOUT_S: Final = 30.0


@contextmanager
def sole_job(options: PipelineOptions, dataset: Dataset, out: Console) -> Iterator[str]:
    """See to it that no job of the dataset but the block's own runs on the cluster, and none after the block.

    A job lives on when the newsbeam that submitted it is killed: the next one is not to poll beside it. So the name of
    each job ends with what stands for its dataset. Needs the dataset's `lock`. Yields what was found, in words.

    After a block that ended well, what cannot be looked after on the cluster is told on `out`: the work is done.

    Raises:
        NewsbeamError: the cluster cannot be reached before the block, or a job of an earlier newsbeam does not end.
    """
    master = options.view_as(FlinkRunnerOptions).flink_master
    mark = name_job(options, dataset)
    die_with_us(options.view_as(JobServerOptions))
    found = end_jobs(master, mark)
    try:
        yield "ended the job that an earlier newsbeam has left on the cluster" if found else ""
    except BaseException:
        with suppress(NewsbeamError):  # what comes first is told
            end_jobs(master, mark)
        raise
    try:
        end_jobs(master, mark)
    except NewsbeamError as error:
        out.print(f"a job of this run may be left on the cluster: {error}", markup=False, soft_wrap=True)


def name_job(options: PipelineOptions, dataset: Dataset) -> str:
    """Give the job a name that ends with what stands for its dataset; return that ending."""
    named = options.view_as(GoogleCloudOptions)  # where Beam keeps the name of every engine's jobs
    mark = f"-{hashlib.sha256(place_of(dataset.root).encode()).hexdigest()[:12]}"
    named.job_name = f"{named.job_name or 'newsbeam'}{mark}"
    return mark


def place_of(root: str) -> str:
    """Return the one spelling of a dataset's root: of a folder its real path, of a prefix its store's address, too.

    >>> place_of("s3://bucket/news/?region=eu-central-1"), place_of("s3://bucket/news?endpoint_override=minio:9000")
    ('s3://bucket/news', 's3://bucket/news?minio:9000')
    """
    if not is_remote(root):
        return os.path.realpath(root)
    prefix, _, query = root.partition("?")
    return "?".join([prefix.rstrip("/"), *parse_qs(query).get("endpoint_override", [])])


def end_jobs(master: str, mark: str) -> int:
    """Cancel the jobs that still run at the cluster `host:port` with names that end with `mark`; return their number.

    Raises:
        NewsbeamError: the cluster cannot be reached, or a job does not end.
    """
    base = master if "://" in master else f"http://{master}"
    try:
        running = _running(base, mark)
        for job in running:
            _ask(f"{base}/jobs/{job}?mode=cancel", "PATCH")
        deadline = time.monotonic() + _TIMEOUT_S
        while _running(base, mark):
            if time.monotonic() > deadline:
                raise NewsbeamError(f"a job of this dataset, whose name ends with {mark}, does not end; see {base}")
            time.sleep(0.5)
    except (OSError, ValueError, KeyError) as error:
        raise NewsbeamError(f"Flink does not answer at {base}: {error}; is --flink_master right?") from error
    return len(running)


def die_with_us(server: JobServerOptions) -> None:
    """Let the JVM that Beam starts beside us to submit the job end when we are killed: util-linux can see to that."""
    if shutil.which("setpriv"):
        server.job_server_jvm_properties = [
            "--pdeathsig=KILL", server.job_server_java_launcher, *server.job_server_jvm_properties,
        ]  # fmt: skip
        server.job_server_java_launcher = "setpriv"


def _running(base: str, mark: str) -> list[str]:
    jobs = _ask(f"{base}/jobs/overview", "GET")["jobs"]
    return [job["jid"] for job in jobs if job["name"].endswith(mark) and job["state"] not in _ENDED]


def _ask(url: str, method: str) -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310  # the operator's own cluster
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")
