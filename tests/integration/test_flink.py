"""`newsbeam run` on a Flink cluster of this machine. Skipped where there is none to start: `make flink` gets it."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.flink_cluster import FlinkCluster, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it is here")
ROOT = Path(__file__).parents[2]
GAP_S = 0.4
SHARED = (
    "Hezbollah fired rockets at the town of Metula, and Hamas said it would go on. Residents fled to the south. " * 6
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[FlinkCluster]:
    with FlinkCluster(tmp_path / "flink") as running:
        yield running


@pytest.fixture
def outlets(web: Any, http: Any, tmp_path: Path) -> Any:
    """Two outlets, each on a host of its own; the second of their three stories is one. The settings lie beside them."""
    tables = []
    for number, host in enumerate(web.HOSTS):
        items = []
        for day in range(3):
            path = f"/{number}/{day}"
            told = f"<pubDate>Thu, {12 + day} Mar 2026 0{number}:00:00 GMT</pubDate>"  # who told a story first
            items.append(f"<item><title>Day {day}</title><link>{web.url(path, host)}</link>{told}</item>")
            own = f"Shelling near town {number} went on for the day numbered {day}, residents said. " * 8
            prose = SHARED if day == 1 else own
            page = f"<html><head><title>Day {day}</title></head><body><article><p>{prose}</p></article></body></html>"
            web.answers[path] = http.says(http.http(200, page.encode(), "Content-Type: text/html"))
        feed = f"<rss version='2.0'><channel><title>T</title>{''.join(items)}</channel></rss>"
        web.answers[f"/{number}/rss"] = http.says(http.http(200, feed.encode()))
        fields = {"name": f"Outlet {number}", "country": "LB", "language": "en", "home": web.url("/", host)}
        fields["feeds"] = [web.url(f"/{number}/rss", host)]
        tables.append("\n".join([f"[outlet-{number}]", *(f"{name} = {json.dumps(v)}" for name, v in fields.items())]))
    (tmp_path / "outlets.toml").write_text("\n\n".join(tables))
    (tmp_path / "settings.toml").write_text(f'[http]\ngap_s = {GAP_S}\nallow_networks = ["127.0.0.0/8"]\n')
    return web


def test_a_batch_whose_taskmanager_dies_goes_on_and_writes_once_what_one_process_writes_with_each_host_left_its_gap(
    cluster: FlinkCluster, outlets: Any, tmp_path: Path
) -> None:
    alone = rows(tmp_path, "alone")
    page = outlets.answers["/1/2"]

    async def die(_: Any, __: asyncio.StreamWriter) -> None:
        outlets.answers["/1/2"] = page
        cluster.kill("taskmanager")
        cluster.start("taskmanager")

    outlets.answers["/1/2"] = die
    outlets.seen.clear()
    assert rows(tmp_path, "spread", "--", *cluster.options, "--parallelism=1") == alone
    assert len(alone) == 6
    assert len({cluster_id for *_, cluster_id, _, _ in alone}) < 6
    assert any("hezbollah" in entities for *_, entities in alone)
    assert outlets.answers["/1/2"] is page, "nothing was killed"
    assert outlets.paths().count("/1/2") == 2
    for host in outlets.HOSTS:
        times = sorted(request.at for request in outlets.seen if request.host == host)
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= GAP_S - 0.01


def rows(folder: Path, name: str, *more: str) -> list[tuple[Any, ...]]:
    files = [f"--{kind}={folder / kind}.toml" for kind in ("outlets", "settings")]
    command = [sys.executable, "-m", "pipelines.cli", "run", *files, f"--output={folder / name}", "--every-feed", *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    query = f"""SELECT article_id, version, content_hash, cluster_id, text, document_entities::text
                FROM read_parquet('{folder / name}/articles/date=*/outlet=*/*.parquet') ORDER BY ALL"""
    return duckdb.connect().execute(query).fetchall()
