"""A run on the worker processes of a Dask cluster writes what a run on this machine writes."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
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


def test_two_dask_workers_write_the_same_dataset_as_one_process(two_workers: Any, tmp_path: Path) -> None:
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
        spread = rows(tmp_path, "spread", *on_dask)
        assert spread == rows(tmp_path, "alone")
    assert len(spread) > len({cluster_id for *_, cluster_id, _, _ in spread}) > 10


GAP_S = 0.4


@pytest.fixture
def two_hosts(web: Any, http: Any, tmp_path: Path) -> Any:
    """Two outlets of three articles each, every one on a host of its own; the settings lie beside them."""
    tables = []
    for number, host in enumerate(web.HOSTS):
        items = []
        for day in range(3):
            path = f"/{number}/{day}"
            items.append(f"<item><title>Day {day}</title><link>{web.url(path, host)}</link></item>")
            prose = f"Shelling near town {number} went on for the day numbered {day}, residents said. " * 8
            page = f"<html><head><title>Day {day}</title></head><body><article><p>{prose}</p></article></body></html>"
            web.answers[path] = http.says(http.http(200, page.encode(), "Content-Type: text/html"))
        feed = f"<rss version='2.0'><channel><title>T</title>{''.join(items)}</channel></rss>"
        web.answers[f"/{number}/rss"] = http.says(http.http(200, feed.encode()))
        fields = {"name": f"Outlet {number}", "country": "IQ", "language": "en", "home": web.url("/", host)}
        fields["feeds"] = [web.url(f"/{number}/rss", host)]
        tables.append("\n".join([f"[outlet-{number}]", *(f"{name} = {json.dumps(v)}" for name, v in fields.items())]))
    (tmp_path / "outlets.toml").write_text("\n\n".join(tables))
    (tmp_path / "settings.toml").write_text(f'[http]\ngap_s = {GAP_S}\nallow_networks = ["127.0.0.0/8"]\n')
    return web


def test_a_worker_that_dies_ends_the_run_and_the_next_one_writes_all_with_each_host_left_its_gap(
    two_workers: Any, two_hosts: Any, tmp_path: Path
) -> None:
    on_dask, workers = two_workers
    page = two_hosts.answers["/1/1"]

    async def kill(_: Any, __: asyncio.StreamWriter) -> None:
        two_hosts.answers["/1/1"] = page
        for pid in workers():
            os.kill(pid, signal.SIGKILL)

    two_hosts.answers["/1/1"] = kill
    broken = run(tmp_path, "data", *on_dask)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "a worker process has died" in broken.stderr
    assert len(rows(tmp_path, "data", *on_dask)) == 6
    for host in two_hosts.HOSTS:
        times = sorted(request.at for request in two_hosts.seen if request.host == host)
        assert len(times) > 5
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= GAP_S - 0.01


def run(folder: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    files = [f"--{kind}={folder / kind}.toml" for kind in ("outlets", "settings")]
    command = [sys.executable, "-m", "pipelines.cli", "run", *files, f"--output={folder / name}", "--every-feed", *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


def rows(folder: Path, name: str, *more: str) -> list[tuple[Any, ...]]:
    done = run(folder, name, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    query = f"""SELECT article_id, version, content_hash, cluster_id, text, document_entities::text
                FROM read_parquet('{folder / name}/articles/date=*/outlet=*/*.parquet') ORDER BY ALL"""
    return duckdb.connect().execute(query).fetchall()
