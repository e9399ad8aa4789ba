"""Jobs of a dataset on a Flink cluster are found and ended over REST; the cluster here is a loopback server."""

import io
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, JobServerOptions, PipelineOptions
from rich.console import Console

from pipelines import flink
from pipelines.flink import sole_job
from schemas.errors import NewsbeamError
from transforms.write import Dataset

OUT = Console(file=io.StringIO())


class Cluster:
    """A JobManager's REST interface, as far as it is asked: jobs by id, and which of them were cancelled."""

    def __init__(self) -> None:
        self.jobs: dict[str, tuple[str, str]] = {}  # name, state
        self.obeys = True
        self.cancelled: list[str] = []
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listed = [{"jid": jid, "name": name, "state": state} for jid, (name, state) in cluster.jobs.items()]
                self.answer({"jobs": listed})

            def do_PATCH(self) -> None:
                jid = self.path.removeprefix("/jobs/").removesuffix("?mode=cancel")
                cluster.cancelled.append(jid)
                if cluster.obeys:
                    cluster.jobs[jid] = (cluster.jobs[jid][0], "CANCELED")
                self.answer({})

            def answer(self, body: dict[str, object]) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def mark(cluster: Cluster, tmp_path: Path) -> str:
    """How the names of the jobs of the dataset below `tmp_path` end; nothing of it runs any more."""
    given = options(cluster.address, "--job_name=nightly")
    with sole_job(given, Dataset(str(tmp_path)), OUT):
        name = str(given.view_as(GoogleCloudOptions).job_name)
    assert name.startswith("nightly-")
    return name.removeprefix("nightly")


def options(address: str, *more: str) -> PipelineOptions:
    return PipelineOptions([f"--flink_master={address}", *more])


@pytest.mark.parametrize("form", ["{}", "http://{}"], ids=["host-and-port", "url"])
def test_only_this_datasets_jobs_that_still_run_are_ended_before_another_and_its_own_after_it(
    cluster: Cluster, mark: str, tmp_path: Path, form: str
) -> None:
    cluster.jobs = {
        "a": (f"nightly{mark}", "RUNNING"),
        "b": (f"nightly{mark}", "FINISHED"),
        "c": ("nightly-of-others", "RUNNING"),
        "d": (f"newsbeam{mark}", "RESTARTING"),
    }
    with sole_job(options(form.format(cluster.address)), Dataset(str(tmp_path)), OUT) as found:
        assert cluster.cancelled == ["a", "d"]
        assert "has left on the cluster" in found
        cluster.jobs["e"] = (f"newsbeam{mark}", "RUNNING")
    assert cluster.cancelled == ["a", "d", "e"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()], ids=["failure", "ctrl-c"])
def test_the_own_job_is_ended_whatever_ended_its_run(
    cluster: Cluster, mark: str, tmp_path: Path, error: BaseException
) -> None:
    def interrupted() -> None:
        with sole_job(options(cluster.address), Dataset(str(tmp_path)), OUT) as found:
            assert not found
            cluster.jobs = {"a": (f"newsbeam{mark}", "RUNNING")}
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert cluster.cancelled == ["a"]


def test_a_dataset_is_known_by_any_spelling_of_its_root(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    same = [tmp_path / "data", tmp_path / "link", f"{tmp_path}/data/", f"{tmp_path}/x/../data"]
    prefixes = ["s3://b/p", "s3://b/p/", "s3://b/p?region=x", "s3://b/p/?region=x"]
    others = ["s3://b/p/q", "s3://b/p?endpoint_override=minio:9000"]
    marks = [{flink.name_job(options(""), Dataset(str(root))) for root in roots} for roots in (same, prefixes, others)]
    assert [len(each) for each in marks] == [1, 1, 2]
    assert len(set.union(*marks)) == 4


@pytest.mark.skipif(not shutil.which("setpriv"), reason="util-linux is not installed")
def test_the_job_server_ends_when_newsbeam_is_killed() -> None:
    """Its launcher is a shell here; who holds the other end of its stderr hears when it has ended."""
    server = PipelineOptions(["--job_server_java_launcher=sh", "--job_server_jvm_properties=-c"]).view_as(
        JobServerOptions
    )
    flink.die_with_us(server)
    command = [server.job_server_java_launcher, *server.job_server_jvm_properties, "echo up; exec sleep 60"]
    newsbeam = "import os, subprocess as s, sys; s.Popen(sys.argv[1:], stdout=s.PIPE).stdout.readline(); os.kill(os.getpid(), 9)"
    ended = subprocess.run([sys.executable, "-c", newsbeam, *command], stderr=subprocess.PIPE, timeout=20, check=False)
    assert (ended.returncode, ended.stderr) == (-9, b"")


def test_a_cluster_that_is_gone_after_the_work_was_done_is_told_and_does_not_fail_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    out = Console(file=io.StringIO(), record=True)
    with sole_job(options(cluster.address), Dataset(str(tmp_path)), out):
        cluster.server.server_close()
    assert "may be left on the cluster: Flink does not answer" in out.export_text()


def test_a_job_that_does_not_end_is_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink, "_TIMEOUT_S", 0.2)
    cluster.jobs, cluster.obeys = {"a": ("ours", "RUNNING")}, False
    with pytest.raises(NewsbeamError, match="does not end"):
        flink.end_jobs(cluster.address, "ours")


def test_a_cluster_that_is_not_there_is_told(cluster: Cluster) -> None:
    cluster.server.server_close()
    with pytest.raises(NewsbeamError, match="--flink_master"):
        flink.end_jobs(cluster.address, "ours")
