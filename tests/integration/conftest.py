"""What tests of batches on a cluster share: a small web on two hosts, and runs of the command over it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
GAP_S = 0.4
SHARED = (
    "Hezbollah fired rockets at the town of Metula, and Hamas said it would go on. Residents fled to the south. " * 6
)


@pytest.fixture
def two_hosts(web: Any, http: Any, tmp_path: Path) -> Any:
    """Two outlets, each on a host of its own; the second of their three stories is one. The settings lie beside them.

    Each host is to be left `web.gap_s`.
    """
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
    web.gap_s = GAP_S
    return web


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs newsbeam once over the outlets in `tmp_path`, into the dataset of a name there."""

    def run(name: str, *more: str) -> subprocess.CompletedProcess[str]:
        files = [f"--{kind}={tmp_path / kind}.toml" for kind in ("outlets", "settings")]
        into = [f"--output={tmp_path / name}", "--every-feed", *more]
        command = [sys.executable, "-m", "pipelines.cli", "run", *files, *into]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)

    return run


@pytest.fixture
def rows(
    batch: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> Callable[..., list[tuple[Any, ...]]]:
    """What such a run that ends well has written, in order."""

    def written(name: str, *more: str) -> list[tuple[Any, ...]]:
        done = batch(name, *more)
        assert done.returncode == 0, done.stdout + done.stderr
        query = f"""SELECT article_id, version, content_hash, cluster_id, text, document_entities::text
                    FROM read_parquet('{tmp_path / name}/articles/date=*/outlet=*/*.parquet') ORDER BY ALL"""
        return duckdb.connect().execute(query).fetchall()

    return written
