"""The engine is named, and refused where it cannot work."""

import pytest
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from pipelines.options import Engine, choose, choose_stream, require_shared
from schemas.errors import ConfigError
from transforms.write import dataset_at

POOL = ["--environment_type=EXTERNAL", "--environment_config=localhost:50000"]
ON_FLINK = ["--runner=FlinkRunner", "--flink_master=host:8081", *POOL]
ON_DASK = ["--runner=DaskRunner", "--dask_client_address=tcp://host:8786"]
ON_SPARK = ["--runner=SparkRunner", "--spark_master_url=spark://host:7077", *POOL]
ON_DATAFLOW = [
    "--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t", "--setup_file=./setup.py",
]  # fmt: skip
POSTGRES = "postgresql://newsbeam@db/news"


@pytest.mark.parametrize(
    ("args", "name", "noticed"),
    [
        pytest.param([], "FnApiRunner", False, id="default"),
        pytest.param(["--runner=DirectRunner"], "FnApiRunner", True, id="direct"),
        pytest.param(["--runner", "DirectRunner"], "FnApiRunner", True, id="direct-in-two-words"),
        pytest.param(["--job_name", "nightly"], "FnApiRunner", False, id="option-in-two-words"),
        pytest.param(ON_FLINK, "FlinkRunner", True, id="flink"),
        pytest.param(ON_DASK, "DaskRunner", False, id="dask"),
        pytest.param([*ON_SPARK, "--job_name=nightly"], "SparkRunner", True, id="spark"),
        pytest.param(
            [*ON_FLINK[:2], "--environment_type=DOCKER", "--environment_config=ours:1"], "FlinkRunner", True, id="image"
        ),
        pytest.param(
            [*ON_FLINK[:2], POOL[0], "--environment_options=external_service_address=h:1"],
            "FlinkRunner",
            True,
            id="pool-by-options",
        ),
    ],
)
def test_the_engine_that_will_answer_is_named(args: list[str], name: str, noticed: bool) -> None:
    engine = choose(args)
    assert (engine.name, bool(engine.notice)) == (name, noticed)
    assert engine.options.view_as(StandardOptions).runner == name


def test_workers_are_processes() -> None:
    assert choose([], workers=2).options.view_as(DirectOptions).direct_num_workers == 2


@pytest.mark.parametrize(
    ("args", "workers", "words"),
    [
        pytest.param(["--fooo=1"], 1, "knows no such option", id="unknown-option"),
        pytest.param(["--streaming"], 1, "a batch", id="streaming"),
        pytest.param(["--runner=FlinkRunner"], 1, "Name a cluster", id="flink-without-a-cluster"),
        pytest.param([*ON_FLINK[:2]], 1, "has no newsbeam", id="flink-without-workers"),
        pytest.param(["--runner=DaskRunner"], 1, "dask_client_address", id="dask-without-a-cluster"),
        pytest.param(ON_FLINK, 2, "those of its cluster", id="workers-beside-those-of-a-cluster"),
        pytest.param(["--runner=SparkRunner"], 1, "spark://host:7077", id="spark-without-a-cluster"),
        pytest.param([*ON_SPARK[:2]], 1, "has no newsbeam", id="spark-without-workers"),
        pytest.param([*ON_SPARK, "--spark_submit_uber_jar"], 1, "when newsbeam is killed", id="driver-on-the-cluster"),
        pytest.param([*ON_SPARK, "--job_endpoint=h:1"], 1, "when newsbeam is killed", id="driver-of-others"),
        pytest.param([*ON_FLINK[:2], "--environment_type=DOCKER"], 1, "has no newsbeam", id="image-of-beam"),
        pytest.param([*ON_SPARK[:2], POOL[0]], 1, "host:port of the pool", id="pool-without-an-address"),
        pytest.param([*ON_SPARK[:2], "--environment_type=PROCESS"], 1, '"command"', id="process-without-a-command"),
        pytest.param([*ON_SPARK, "--flink_master=h:1"], 1, "only FlinkRunner reads it", id="flinks-on-spark"),
        pytest.param([*ON_SPARK, "--checkpoint_timeout_millis=1"], 1, "no such option", id="flinks-own-on-spark"),
        pytest.param([*ON_SPARK, ON_DASK[1]], 1, "only DaskRunner reads it", id="dasks-on-spark"),
        pytest.param([*ON_SPARK, "--num_workers=2"], 1, "only DataflowRunner reads it", id="dataflows-on-spark"),
        pytest.param(["--region=r"], 1, "only DataflowRunner reads it", id="dataflows-on-this-machine"),
        pytest.param([*ON_DATAFLOW[:1]], 1, "--project=", id="dataflow-without-a-project"),
        pytest.param([*ON_DATAFLOW[:2]], 1, "--region=", id="dataflow-without-a-region"),
        pytest.param([*ON_DATAFLOW[:3]], 1, "--temp_location=gs://", id="dataflow-without-a-place"),
        pytest.param([*ON_DATAFLOW[:4]], 1, "--setup_file=", id="dataflow-without-newsbeam"),
        pytest.param([*ON_DATAFLOW[:5]], 1, "--requirements_file=", id="dataflow-without-what-the-state-needs"),
        pytest.param(["--runner=PrismRunner"], 1, "not an engine", id="engine-for-streams"),
        pytest.param(["rudaw-en"], 1, "knows no such option", id="stray-word"),
        pytest.param(["--job_name=n", "rudaw-en"], 1, "knows no such option", id="stray-word-after-an-option"),
        pytest.param(
            ["--number_of_worker_harness_threads=x"],
            1,
            "Beam says: .*invalid int value: 'x'",
            id="value-of-another-kind",
        ),
        pytest.param(["--job_name"], 1, "Beam says: .*expected one argument", id="value-missing"),
        pytest.param(["--direct_num_workers=3"], 1, "--workers N", id="two-ways-to-say-workers"),
    ],
)
def test_what_cannot_work_is_refused(args: list[str], workers: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        choose(args, workers)


@pytest.mark.parametrize("runner", ["DataflowRunner", "SparkRunner"])
def test_engines_that_run_no_streams_of_ours_are_refused(runner: str) -> None:
    with pytest.raises(ConfigError, match="not an engine that streams run on"):
        choose_stream([f"--runner={runner}"])


@pytest.mark.parametrize(
    ("runner", "command", "root", "state", "words"),
    [
        pytest.param("DataflowRunner", "run", "data", POSTGRES, "gs://bucket/prefix", id="folder"),
        pytest.param("DataflowRunner", "run", "gs://b/news", "state.sqlite", "postgresql://", id="state-in-a-file"),
        pytest.param("DataflowRunner", "backfill", "gs://b/news", POSTGRES, "`newsbeam backfill`", id="files"),
        pytest.param("SparkRunner", "run", "s3://b/news", "", "postgresql://", id="no-state"),
        pytest.param("FlinkRunner", "stream", "s3://b/news", "state.sqlite", "postgresql://", id="state-of-a-stream"),
        pytest.param("FlinkRunner", "stream", "s3://b/news", POSTGRES, "all machines see", id="stop-file-of-a-stream"),
    ],
)
def test_what_workers_on_other_machines_cannot_see_is_refused(
    runner: str, command: str, root: str, state: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        require_shared(Engine(runner, 1, PipelineOptions([]), ""), command, dataset_at(root, state))


@pytest.mark.parametrize(
    ("runner", "root", "state"),
    [
        pytest.param("DataflowRunner", "gs://b/news", POSTGRES, id="cloud"),
        pytest.param("SparkRunner", "/srv/news", "", id="folder-that-a-network-may-share"),
        pytest.param("FnApiRunner", "s3://b/news", "state.sqlite", id="this-machine"),
    ],
)
def test_what_workers_can_see_is_taken(runner: str, root: str, state: str) -> None:
    require_shared(Engine(runner, 1, PipelineOptions([]), ""), "run", dataset_at(root, state))
