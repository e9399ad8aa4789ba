"""A run on the worker processes of a Dask cluster writes what a run on this machine writes."""

import asyncio
import itertools
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.demo import DemoWeb

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'newsbeam[dask]'")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def two_workers() -> Iterator[tuple[list[str], Any]]:
    """The options for a cluster of two worker processes, and what tells their pids."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        options = ["--", "--runner=DaskRunner", f"--dask_client_address={cluster.scheduler_address}"]
        yield options, lambda: [nanny.pid for nanny in cluster.workers.values()]


def test_two_dask_workers_write_the_same_dataset_as_one_process(two_workers: Any, rows: Any, tmp_path: Path) -> None:
    on_dask, _ = two_workers
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        outlets = [
            "\n".join([f"[{outlet.slug}]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())])
            for outlet in web.outlets[:3]  # they tell some stories in common
            for fields in [outlet.model_dump(include={"name", "country", "language", "home", "feeds"})]
        ]
        (tmp_path / "outlets.toml").write_text("\n\n".join(outlets), "utf-8")
        networks = json.dumps(web.allow_networks)
        (tmp_path / "settings.toml").write_text(f"[http]\ngap_s = 0.01\nallow_networks = {networks}\n")
        spread = rows("spread", *on_dask)
        assert spread == rows("alone")
    assert len(spread) > len({cluster_id for *_, cluster_id, _, _ in spread}) > 10


def test_a_worker_that_dies_ends_the_run_and_the_next_one_writes_all_with_each_host_left_its_gap(
    two_workers: Any, two_hosts: Any, batch: Any, rows: Any
) -> None:
    on_dask, workers = two_workers
    page = two_hosts.answers["/1/1"]

    async def kill(_: Any, __: asyncio.StreamWriter) -> None:
        two_hosts.answers["/1/1"] = page
        for pid in workers():
            os.kill(pid, signal.SIGKILL)

    two_hosts.answers["/1/1"] = kill
    broken = batch("data", *on_dask)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "a worker process has died" in broken.stderr
    assert len(rows("data", *on_dask)) == 6
    for host in two_hosts.HOSTS:
        times = sorted(request.at for request in two_hosts.seen if request.host == host)
        assert len(times) > 5
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= two_hosts.gap_s - 0.01
