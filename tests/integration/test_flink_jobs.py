"""Jobs that a stream has left on a Flink cluster are found and ended over REST; the cluster here is a loopback server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines import flink
from schemas.errors import NewsbeamError


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


@pytest.mark.parametrize("form", ["{}", "http://{}"], ids=["host-and-port", "url"])
def test_only_this_datasets_jobs_that_still_run_are_ended(cluster: Cluster, form: str) -> None:
    cluster.jobs = {
        "a": ("ours", "RUNNING"), "b": ("ours", "FINISHED"), "c": ("theirs", "RUNNING"), "d": ("ours", "RESTARTING"),
    }  # fmt: skip
    assert flink.end_jobs(form.format(cluster.address), "ours") == 2
    assert cluster.cancelled == ["a", "d"]


def test_nothing_is_ended_where_nothing_runs(cluster: Cluster) -> None:
    assert (flink.end_jobs(cluster.address, "ours"), cluster.cancelled) == (0, [])


def test_a_job_that_does_not_end_is_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink, "_TIMEOUT_S", 0.2)
    cluster.jobs, cluster.obeys = {"a": ("ours", "RUNNING")}, False
    with pytest.raises(NewsbeamError, match="does not end"):
        flink.end_jobs(cluster.address, "ours")


def test_a_cluster_that_is_not_there_is_told(cluster: Cluster) -> None:
    cluster.server.server_close()
    with pytest.raises(NewsbeamError, match="--flink_master"):
        flink.end_jobs(cluster.address, "ours")
