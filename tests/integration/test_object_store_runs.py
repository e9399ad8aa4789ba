"""Whole commands on an object store: a run killed twice, backfills with all upkeep, a stream. S3 is played by moto."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from pipelines import cli
from pipelines.demo import DemoWeb
from pipelines.prism import find_prism
from schemas.errors import ConfigError
from transforms.write import Dataset, dataset_at, live_files, load_manifests

ROOT = Path(__file__).parents[2]
OUTLET = "two-rivers"

# The command, killed at the first publication of a manifest, or among the promotions: `python -c DYING METHOD NUMBER …`.
DYING = """
import os, signal, sys
from pipelines import cli
from transforms.write.files import ObjectFiles
name, number, seen = sys.argv[1], int(sys.argv[2]), []
real = getattr(ObjectFiles, name)
def dying(self, path, other):
    seen.append(path)
    if len(seen) == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, path, other)
setattr(ObjectFiles, name, dying)
sys.exit(cli.main(sys.argv[3:]))
"""


class Place(NamedTuple):
    """A dataset in the bucket, its state on this machine, and a web to read."""

    dataset: Dataset
    inputs: list[str]

    @property
    def options(self) -> list[str]:
        return ["--output", self.dataset.root, "--state", self.dataset.state_at]

    def rows(self) -> list[str]:
        """The titles that a reader sees who goes by the manifests."""
        live = [path for path, file in live_files(load_manifests(self.dataset)).items() if file.table == "articles"]
        return sorted(title for path in live for title in pl.read_parquet(self.dataset.files.read(path))["title"])


@pytest.fixture
def place(bucket: str, tmp_path: Path) -> Iterator[Place]:
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        tables = []
        for outlet in web.outlets:
            fields = outlet.model_dump(include={"name", "country", "language", "home", "feeds"})
            tables.append("\n".join([f"[{outlet.slug}]", *(f"{key} = {json.dumps(v)}" for key, v in fields.items())]))
        outlets, settings = tmp_path / "outlets.toml", tmp_path / "settings.toml"
        outlets.write_text("\n\n".join(tables), "utf-8")
        settings.write_text(f"[http]\ngap_s = 0.01\nallow_networks = {json.dumps(web.allow_networks)}\n")
        inputs = ["--outlets", str(outlets), "--settings", str(settings), "--only", OUTLET]
        root = bucket.replace("NAME", f"runs-{tmp_path.name}")
        yield Place(dataset_at(root, str(tmp_path / "state.sqlite")), inputs)


def test_a_run_killed_twice_and_started_again_has_every_row_once(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", *place.options, *place.inputs, "--every-feed", "--archive"]
    for method, number, seen in (("publish", 1, 0), ("promote", 3, 2)):
        killed = subprocess.run([sys.executable, "-c", DYING, method, str(number), *run], cwd=ROOT, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert place.rows() == []
        assert len(list(place.dataset.files.walk("articles"))) == seen
    assert len(list(place.dataset.files.walk("_meta/raw"))) >= 2
    assert cli.main(run) == 0
    first, said = place.rows(), capsys.readouterr().out
    assert "finished what a run that died had decided" in said
    assert len(set(first)) == len(first) > 3
    assert cli.main(run) == 0
    assert place.rows() == first
    assert place.dataset.files.names("_meta/staging") == []
    assert cli.main(["runs", "--output", place.dataset.root]) == 0
    ended = [line.split()[2] for line in capsys.readouterr().out.splitlines() if " run " in line]
    assert ended == ["killed", "done", "done", "done"]
    assert cli.main(["verify", *place.options]) == 0
    reports = [name for name in place.dataset.files.names("_meta/runs") if name.endswith(".html")]
    assert len(reports) == 3
    assert OUTLET.encode() in place.dataset.files.read(f"_meta/runs/{reports[-1]}")


def test_backfills_are_kept_in_order_by_every_other_command(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in ("Monday", "Tuesday"):
        prose = f"Shelling near the town of Kobani went on through {day}, residents and medics said. " * 8
        head = f'<title>{day}</title><meta property="article:published_time" content="2026-03-10T08:00:00Z">'
        page = tmp_path / f"{day}.html"
        page.write_text(f"<html><head>{head}</head><body><article><h1>{day}</h1><p>{prose}</p></article></body></html>")
        assert cli.main(["backfill", str(page), *place.options, "--outlet", "gazette"]) == 0
    assert place.rows() == ["Monday", "Tuesday"]
    assert cli.main(["compact", *place.options]) == 0
    assert "articles 2026-03-10: 2 files -> 1" in capsys.readouterr().out
    assert (place.rows(), len(list(place.dataset.files.walk("articles")))) == (["Monday", "Tuesday"], 3)
    assert cli.main(["backfill", str(page), *place.options, "--outlet", "gazette"]) == 0
    assert place.rows() == ["Monday", "Tuesday"]
    assert cli.main(["vacuum", *place.options, "--older-than", "0h"]) == 0
    assert len(list(place.dataset.files.walk("articles"))) == 1
    assert cli.main(["verify", *place.options]) == 0
    assert cli.main(["status", *place.options]) == 0
    capsys.readouterr()
    assert cli.main(["explain", str(page), *place.options]) == 0
    assert "stored as version 1  this very text" in capsys.readouterr().out


def test_an_object_store_without_a_state_is_refused_before_anything_is_fetched(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "--output", place.dataset.root, *place.inputs]) == 1
    assert "can hold no state. Name one with --state: postgresql://" in capsys.readouterr().err
    assert place.dataset.files.names("") == []


def test_a_stream_commits_its_windows_there_and_drains_when_told(place: Place, tmp_path: Path) -> None:
    try:
        find_prism(None)
    except ConfigError:
        pytest.skip("Prism is not here; `make prism` builds it")
    command = [sys.executable, "-m", "pipelines.cli", "stream", *place.options, *place.inputs, "--window", "2s"]
    with (tmp_path / "log").open("w+") as log:
        stream = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            deadline = time.monotonic() + 60
            while len(place.rows()) < 4 and time.monotonic() < deadline and stream.poll() is None:
                time.sleep(0.1)
            stream.terminate()
            assert stream.wait(60) == 0, (tmp_path / "log").read_text()
        finally:
            if stream.poll() is None:
                os.killpg(stream.pid, signal.SIGKILL)
                stream.wait()
    assert len(place.rows()) > 3
    said = (tmp_path / "log").read_text()
    assert "drained: everything taken is committed" in said
    assert " articles + " in said
    assert place.dataset.files.names("_meta/staging") == []
