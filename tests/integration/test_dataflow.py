"""A run on Dataflow, as far as it can be had without Google: the service is played on loopback.

The request for the job is made and sent by Beam's own runner. What it has staged for the service is a pipeline, which
the service played here runs as it is, in Beam's in-process engine.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import apache_beam as beam
import duckdb
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment
from rich.console import Console

from pipelines import jobs
from pipelines.demo import DemoWeb
from pipelines.options import Engine, choose
from schemas.settings_files import load_settings
from transforms.write import dataset_at

pytest.importorskip("google.cloud.dataflow", reason="not installed: pip install 'newsbeam[dataflow]'")
ROOT = Path(__file__).parents[2]


class Service:
    """Dataflow's REST interface, as far as Beam asks it of a job: made, looked at, told of."""

    def __init__(self, staging: Path) -> None:
        self.staging = staging
        self.requests: list[dict[str, Any]] = []
        self.state = "JOB_STATE_RUNNING"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                threading.Thread(target=service.work).start()
                self.answer(service.job())

            def do_GET(self) -> None:
                self.answer({} if "/messages" in self.path else service.job())

            def answer(self, body: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("localhost", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def job(self) -> dict[str, Any]:
        return {"id": "job-1", "name": "newsbeam", "currentState": self.state}

    def work(self) -> None:
        """Run the staged pipeline, whose workers are told to be containers, with workers of this process."""
        staged = beam_runner_api_pb2.Pipeline.FromString((self.staging / "pipeline.pb").read_bytes())
        embedded = EmbeddedPythonEnvironment.default().to_runner_api(None)
        for environment in staged.components.environments.values():
            assert environment.urn == "beam:env:docker:v1"
            environment.CopyFrom(embedded)
        try:
            pipeline = beam.Pipeline.from_runner_api(staged, FnApiRunner(), PipelineOptions([]))
            pipeline.run().wait_until_finish()
            self.state = "JOB_STATE_DONE"
        except Exception:
            self.state = "JOB_STATE_FAILED"
            raise


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "staging").mkdir()
    played = Service(tmp_path / "staging")
    yield played
    played.server.shutdown()
    played.server.server_close()


def test_the_job_that_is_sent_is_a_batch_with_newsbeam_in_it_and_writes_what_a_run_here_writes(
    service: Service, tmp_path: Path
) -> None:
    place = f"--dataflow_endpoint=http://localhost:{service.server.server_port}"
    options = PipelineOptions([
        "--runner=DataflowRunner", "--project=p", "--region=europe-west3", f"--temp_location={service.staging}",
        f"--setup_file={ROOT / 'setup.py'}", place, "--no_auth",
    ])  # fmt: skip
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        settings = load_settings(ROOT / "config" / "defaults.toml", None)
        http = settings.http.model_copy(update={"gap_s": 0.01, "allow_networks": web.allow_networks})
        settings = settings.model_copy(update={"http": http})

        def rows(name: str, engine: Engine) -> list[tuple[Any, ...]]:
            dataset = dataset_at(str(tmp_path / name))
            tables = jobs.load_tables(ROOT / "config")
            job = jobs.Job("run", dataset, settings, tables, engine, Console(quiet=True))
            assert jobs.run_feeds(job, web.outlets[:2], every_feed=True) == 0
            query = f"""SELECT article_id, version, content_hash, cluster_id, text, document_entities::text
                        FROM read_parquet('{dataset.root}/articles/date=*/outlet=*/*.parquet') ORDER BY ALL"""
            return duckdb.connect().execute(query).fetchall()

        assert rows("there", Engine("DataflowRunner", 1, options, "")) == rows("here", choose([]))
    (request,) = service.requests
    assert request["type"] == 1  # JOB_TYPE_BATCH
    (image,) = request["environment"]["workerPools"][0]["sdkHarnessContainerImages"]
    assert "beam_python3.11_sdk" in image["containerImage"]
    assert {"pipeline.pb", "workflow.tar.gz"} <= {path.name for path in service.staging.iterdir()}
