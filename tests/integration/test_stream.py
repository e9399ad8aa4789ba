"""`newsbeam stream` on Prism, against a web on loopback. Skipped where Prism is not there: `make prism` builds it."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from pipelines.demo import DemoWeb
from pipelines.prism import find_prism
from schemas.errors import ConfigError, LockHeld
from transforms.write import dataset_at, lock

ROOT = Path(__file__).parents[2]


def _is_here() -> bool:
    try:
        find_prism(None)
    except ConfigError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _is_here(), reason="Prism is not here; `make prism` builds it")


class Desk(NamedTuple):
    """Outlets to poll, and how."""

    outlets: Path
    settings: Path

    def command(self, name: str, root: Path, *more: str) -> list[str]:
        files = ["--outlets", str(self.outlets), "--settings", str(self.settings), "--output", str(root)]
        return [sys.executable, "-m", "pipelines.cli", name, *files, *more]

    def run(self, root: Path) -> subprocess.CompletedProcess[str]:
        command = self.command("run", root, "--every-feed")
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


class Stream:
    """A running stream, and how to wait for what it does."""

    def __init__(self, desk: Desk, root: Path) -> None:
        self.root = root
        self.log = (root.parent / f"{root.name}.log").open("w+")
        command = desk.command("stream", root, "--window", "2s")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=self.log, start_new_session=True)

    def until(self, reached: Callable[[], Any], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def commits(self) -> list[Path]:
        return sorted(self.root.glob("_meta/done/stream-*.json"))

    def prism(self) -> int:
        asked = ["pgrep", "--parent", str(self.process.pid), "prism"]
        return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)

    def end(self, *, by: int = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(60)

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()[-3000:]


@pytest.fixture
def streams() -> Iterator[Callable[[Desk, Path], Stream]]:
    started = list[Stream]()

    def start(desk: Desk, root: Path) -> Stream:
        started.append(Stream(desk, root))
        return started[-1]

    yield start
    for stream in started:
        if stream.process.poll() is None:
            os.killpg(stream.process.pid, signal.SIGKILL)
            stream.process.wait()
        stream.log.close()


def table(slug: str, **fields: Any) -> str:
    return "\n".join([f"[{slug}]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("demo")
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        tables = [
            table(o.slug, **o.model_dump(include={"name", "country", "language", "home", "feeds"}))
            for o in web.outlets[:3]  # they tell some stories in common
        ]
        (folder / "outlets.toml").write_text("\n\n".join(tables), "utf-8")
        (folder / "settings.toml").write_text(
            f"[http]\ngap_s = 0.01\nallow_networks = {json.dumps(web.allow_networks)}\n"
        )
        yield Desk(folder / "outlets.toml", folder / "settings.toml")


@pytest.fixture(scope="module")
def whole(demo: Desk, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What a scheduled run writes."""
    root = tmp_path_factory.mktemp("whole") / "data"
    done = demo.run(root)
    assert done.returncode == 0, done.stdout + done.stderr
    written = rows(root)
    assert len(written) > len({cluster_id for *_, cluster_id in written}) > 10
    return written


def rows(root: Path) -> list[tuple[Any, ...]]:
    files = f"{root}/articles/date=*/outlet=*/*.parquet"
    query = f"SELECT article_id, version, content_hash, cluster_id FROM read_parquet('{files}') ORDER BY ALL"
    return duckdb.connect().execute(query).fetchall()


def test_a_stream_killed_twice_writes_what_a_run_writes_and_lets_go_of_the_dataset_when_told(
    demo: Desk, whole: list[tuple[Any, ...]], tmp_path: Path, streams: Callable[[Desk, Path], Stream]
) -> None:
    root = tmp_path / "data"
    for victim in ("newsbeam", "prism"):
        before = under_way(root)
        stream = streams(demo, root)
        stream.until(partial(began, root, before))
        prism = stream.prism()
        os.kill(stream.process.pid if victim == "newsbeam" else prism, signal.SIGKILL)
        assert stream.process.wait(60) != 0
        assert died(prism), "Prism outlived newsbeam"
    stream = streams(demo, root)
    stream.until(stream.commits)
    with pytest.raises(LockHeld), lock(dataset_at(str(root))):
        pass
    (root / "_meta" / "stop").touch()
    assert stream.process.wait(60) == 0, stream.said()
    assert rows(root) == whole
    assert list((root / "_meta" / "staging").iterdir()) == [], "a stream that was drained has left something"
    after = demo.run(root)
    assert (after.returncode, rows(root)) == (0, whole), after.stdout + after.stderr


def under_way(root: Path) -> set[Path]:
    """What streams that live, or were killed, have of entries to fetch."""
    return set(root.glob("_meta/staging/*/progress/to_fetch"))


def began(root: Path, before: set[Path]) -> bool:
    return bool(under_way(root) - before)


def died(process: int) -> bool:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not Path(f"/proc/{process}").exists()


FEED = """<rss version="2.0"><channel><title>Gazette</title><link>{home}</link>{items}</channel></rss>"""
ITEM = "<item><title>Day {n}</title><link>{url}</link><guid>{n}</guid></item>"


def test_a_host_is_left_its_gap_from_window_to_window(
    web: Any, http: Any, tmp_path: Path, streams: Callable[[Desk, Path], Stream]
) -> None:
    gap_s = 1.5
    items = [ITEM.format(n=n, url=web.url(f"/{n}")) for n in (1, 2)]
    feeds = [http.http(200, FEED.format(home=web.url("/"), items="".join(items[: n + 1])).encode()) for n in (0, 1)]
    web.answers["/rss"] = http.says(*feeds)
    for n, item in enumerate(items, 1):
        prose = f"Shelling near the town of Kobani went on for the day numbered {n}, residents said. " * 8
        page = f"<html><head><title>Day {n}</title></head><body><article><h1>Day {n}</h1><p>{prose}</p></article></body></html>"
        web.answers[f"/{n}"] = http.says(http.http(200, page.encode(), "Content-Type: text/html"))
        assert item
    (tmp_path / "outlets.toml").write_text(
        table("gazette", name="Gazette", country="IQ", language="en", home=web.url("/"), feeds=[web.url("/rss")])
    )
    (tmp_path / "settings.toml").write_text(
        f'[http]\ngap_s = {gap_s}\nallow_networks = ["127.0.0.0/8"]\n'
        "[poll]\nmin_interval_s = 0.1\nstart_interval_s = 0.1\nmax_interval_s = 0.2\n"
    )
    stream = streams(Desk(tmp_path / "outlets.toml", tmp_path / "settings.toml"), tmp_path / "data")
    stream.until(lambda: len(stream.commits()) >= 4)
    assert stream.end(by=signal.SIGINT) == 0, stream.said()
    times = [request.at for request in web.seen]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= gap_s - 0.01
    assert [path for path in web.paths() if path != "/rss"] == ["/1", "/2"]
    assert len(web.seen) - len(web.paths()) == 1, "robots.txt is asked for once"
