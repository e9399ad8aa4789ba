"""`newsbeam run` on a Flink cluster of this machine. Skipped where there is none to start: `make flink` gets it."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.flink_cluster import FlinkCluster, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it is here")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[FlinkCluster]:
    with FlinkCluster(tmp_path / "flink") as running:
        yield running


def test_a_batch_whose_taskmanager_dies_goes_on_and_writes_once_what_one_process_writes_with_each_host_left_its_gap(
    cluster: FlinkCluster, two_hosts: Any, rows: Any
) -> None:
    alone = rows("alone")
    page = two_hosts.answers["/1/2"]

    async def die(_: Any, __: asyncio.StreamWriter) -> None:
        two_hosts.answers["/1/2"] = page
        cluster.kill("taskmanager")
        cluster.start("taskmanager")

    two_hosts.answers["/1/2"] = die
    two_hosts.seen.clear()
    assert rows("spread", "--", *cluster.options, "--parallelism=1") == alone
    assert len(alone) == 6
    assert len({cluster_id for *_, cluster_id, _, _ in alone}) < 6
    assert any("hezbollah" in entities for *_, entities in alone)
    assert two_hosts.answers["/1/2"] is page, "nothing was killed"
    assert two_hosts.paths().count("/1/2") == 2
    for host in two_hosts.HOSTS:
        times = sorted(request.at for request in two_hosts.seen if request.host == host)
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= two_hosts.gap_s - 0.01
