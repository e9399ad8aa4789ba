"""Errors of ours come back out of what Beam wraps around them."""

import io
import pickle
import signal
from pathlib import Path
from typing import cast

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, JobServerOptions, PipelineOptions
from rich.console import Console

from pipelines.beam_errors import own_error, told
from pipelines.flink import die_with_us, name_job
from pipelines.jobs import alone, run_to_end, what_stays
from pipelines.options import DATAFLOW, SPARK, Engine
from schemas.errors import ConfigError, CountsDoNotAddUp, DatasetError, LockHeld, NewsbeamError
from transforms.write import Dataset, manifest_path, prepare

FULL = DatasetError("/data/_meta", "No space left on device", "Free some space, then start again")
OURS = [FULL, CountsDoNotAddUp("r1", 3, 2), LockHeld("/data", "process 7"), ConfigError("a.toml", 3, "gap", "x", "y")]


def wrapped(text: str) -> RuntimeError:
    """As the runner raises what a worker process told it."""
    return RuntimeError(f"Traceback (most recent call last):\n  File x.py, line 1, in y\n{text}\n")


@pytest.mark.parametrize("ours", OURS, ids=lambda error: type(error).__name__)
def test_an_error_of_a_worker_keeps_its_class_its_text_and_its_exit_code(ours: NewsbeamError) -> None:
    found = own_error(wrapped(f"schemas.errors.{type(ours).__name__}: {ours} [while running 'Write/Commit']"))
    assert (type(found), str(found)) == (type(ours), str(ours))
    assert found is not None
    assert found.exit_code == ours.exit_code


def test_an_error_of_this_process_comes_back_as_it_is() -> None:
    outer = RuntimeError("the bundle failed")
    outer.__cause__ = ValueError("a step of it")
    outer.__cause__.__cause__ = FULL
    assert own_error(outer) is FULL


@pytest.mark.parametrize("text", ["KeyError: 'x'", "schemas.errors.NoSuchError: x", "schemas.errors.Optional: x"])
def test_a_programming_error_is_none_of_ours(text: str) -> None:
    assert own_error(wrapped(text)) is None


@pytest.mark.parametrize("ours", OURS, ids=lambda error: type(error).__name__)
def test_errors_of_ours_pass_between_processes(ours: NewsbeamError) -> None:
    copy = pickle.loads(pickle.dumps(ours))
    assert (type(copy), str(copy), vars(copy)) == (type(ours), str(ours), vars(ours))


def test_a_run_that_broke_is_said_to_have_committed_nothing_only_where_that_is_so(tmp_path: Path) -> None:
    dataset = Dataset(str(tmp_path))
    prepare(dataset)
    assert "nothing was committed" in what_stays(dataset, "run")
    manifest_path(dataset, "run").write_text("{}")
    assert "was decided, and the next run finishes it" in what_stays(dataset, "run")


class Refused(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """As gRPC raises a call that failed; of a call no more than its status is looked at."""

    def __init__(self, status: grpc.StatusCode) -> None:
        super().__init__()
        self.status = status

    def code(self) -> grpc.StatusCode:
        return self.status

    initial_metadata = trailing_metadata = details = add_callback = cancel = is_active = time_remaining = code


ON_CLUSTER = "Pipeline job-1_2 failed in state FAILED: "


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(RuntimeError("Channel closed prematurely."), "a worker process has died; all stays", id="worker"),
        pytest.param(
            RuntimeError(f"{ON_CLUSTER}java.io.IOException: Insufficient number of network buffers"),
            "the job has ended on its cluster: Insufficient number of network buffers; all stays",
            id="cluster",
        ),
        pytest.param(
            Exception("Dataflow pipeline failed. State: FAILED, Error:\nThe Dataflow job appears to be stuck"),
            "the job has ended on its cluster: The Dataflow job appears to be stuck; all stays",
            id="dataflow",
        ),
        pytest.param(
            Exception("There is already active job named newsbeam-0 with id: 1. If you want to submit a second job, …"),
            "the job of an earlier run is still at work; all stays",
            id="dataflow-at-work",
        ),
        pytest.param(
            Refused(grpc.StatusCode.UNAVAILABLE), "the job server of the cluster has died; all stays", id="job-server"
        ),
    ],
)
def test_what_befalls_an_engine_is_a_line(error: Exception, words: str) -> None:
    found = told(error, lambda: "all stays", on_cluster=True)
    assert (type(found), str(found)) == (NewsbeamError, words)


@pytest.mark.parametrize("before", ["", f"{ON_CLUSTER}java.lang.RuntimeException: Error from worker: "])
def test_a_fault_of_the_program_is_told_with_its_trace(before: str) -> None:
    error = RuntimeError(f"{before}{wrapped('KeyError: 1')}")
    assert told(error, lambda: "all stays", on_cluster=True) is error


@pytest.mark.parametrize(
    ("status", "on_cluster"),
    [
        pytest.param(grpc.StatusCode.RESOURCE_EXHAUSTED, True, id="a-message-that-is-too-large"),
        pytest.param(grpc.StatusCode.UNAVAILABLE, False, id="no-cluster-there"),
    ],
)
def test_a_call_that_failed_is_a_dead_job_server_only_where_there_is_one_and_it_does_not_answer(
    status: grpc.StatusCode, *, on_cluster: bool
) -> None:
    error = Refused(status)
    assert told(error, lambda: "all stays", on_cluster=on_cluster) is error


class Job:
    """A pipeline and its result, as an engine's client that takes Ctrl-C for itself; Ctrl-C comes while it works."""

    def __init__(self) -> None:
        self.cancelled = False

    def run(self) -> "Job":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return self

    def wait_until_finish(self) -> None:
        signal.raise_signal(signal.SIGINT)

    def cancel(self) -> None:
        self.cancelled = True


@pytest.mark.parametrize("works_on", [True, False])
def test_ctrl_c_ends_a_job_and_cancels_one_that_works_on_without_us(*, works_on: bool) -> None:
    job, before = Job(), signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            run_to_end(cast("beam.Pipeline", job), works_on=works_on)
    finally:
        signal.signal(signal.SIGINT, before)
    assert job.cancelled == works_on


def test_on_dataflow_a_job_bears_its_datasets_name_and_on_spark_its_driver_ends_with_us(tmp_path: Path) -> None:
    dataset, out = Dataset(str(tmp_path)), Console(file=io.StringIO())
    options = PipelineOptions([])
    with alone(Engine(DATAFLOW, 1, options, ""), dataset, out) as left_over:
        assert left_over == ""
    mark = name_job(PipelineOptions([]), dataset)
    assert options.view_as(GoogleCloudOptions).job_name == f"newsbeam{mark}"
    ours, plain = PipelineOptions([]).view_as(JobServerOptions), PipelineOptions([])
    die_with_us(ours)
    with alone(Engine(SPARK, 1, plain, ""), dataset, out):
        started = plain.view_as(JobServerOptions)
    assert started.job_server_java_launcher == ours.job_server_java_launcher
    assert started.job_server_jvm_properties == ours.job_server_jvm_properties
