"""A run on the worker processes of a Dask cluster writes what a run on this machine writes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.demo import DemoWeb

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'newsbeam[dask]'")
ROOT = Path(__file__).parents[2]


def test_two_dask_workers_write_the_same_dataset_as_one_process(tmp_path: Path) -> None:
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        outlets = [
            "\n".join([f"[{outlet.slug}]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())])
            for outlet in web.outlets
            for fields in [outlet.model_dump(include={"name", "country", "language", "home", "feeds"})]
        ]
        (tmp_path / "outlets.toml").write_text("\n\n".join(outlets), "utf-8")
        networks = json.dumps(web.allow_networks)
        (tmp_path / "settings.toml").write_text(f"[http]\ngap_s = 0.01\nallow_networks = {networks}\n")
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            spread = rows(
                tmp_path, "spread", "--", "--runner=DaskRunner", f"--dask_client_address={cluster.scheduler_address}"
            )
        assert spread == rows(tmp_path, "alone")
    assert len(spread) > 30


def rows(folder: Path, name: str, *more: str) -> list[tuple[Any, ...]]:
    files = [f"--{kind}={folder / kind}.toml" for kind in ("outlets", "settings")]
    command = [sys.executable, "-m", "pipelines.cli", "run", *files, f"--output={folder / name}", "--every-feed", *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    query = f"""SELECT article_id, version, content_hash, cluster_id, text, document_entities::text
                FROM read_parquet('{folder / name}/articles/date=*/outlet=*/*.parquet') ORDER BY ALL"""
    return duckdb.connect().execute(query).fetchall()
