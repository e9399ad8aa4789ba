"""The engine is named, and refused where it cannot work."""

import pytest
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from pipelines.options import choose
from schemas.errors import ConfigError

ON_FLINK = ["--runner=FlinkRunner", "--flink_master=host:8081", "--environment_type=EXTERNAL"]
ON_DASK = ["--runner=DaskRunner", "--dask_client_address=tcp://host:8786"]


@pytest.mark.parametrize(
    ("args", "name", "noticed"),
    [
        pytest.param([], "FnApiRunner", False, id="default"),
        pytest.param(["--runner=DirectRunner"], "FnApiRunner", True, id="direct"),
        pytest.param(["--runner", "DirectRunner"], "FnApiRunner", True, id="direct-in-two-words"),
        pytest.param(["--job_name", "nightly"], "FnApiRunner", False, id="option-in-two-words"),
        pytest.param(ON_FLINK, "FlinkRunner", True, id="flink"),
        pytest.param(ON_DASK, "DaskRunner", False, id="dask"),
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
