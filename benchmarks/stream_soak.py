"""Run `newsbeam stream` over a test web for a while, and say how it held: memory, commits, latency, drain.

    python -m benchmarks.stream_soak MANIFEST OUT [--minutes 30] [--window 10s] [--next URL --every 180] [-- BEAM OPTIONS]

The manifest is that of `benchmarks.chaos_run`, with `articles`: `canonical_url`, `phase`. `--next` is asked every so many
seconds, and is to publish the articles of the next phase; from then to the first reading of OUT that shows one is its
latency. OUT is read all the time, as a reader would. What OUT holds in the end is judged elsewhere; the exit code here
is 1 where the stream failed, a reading failed, a commit took too long or memory grows.
"""

import argparse
import itertools
import json
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import duckdb
import numpy as np

from benchmarks.chaos_run import SETTINGS, outlets_toml

ROOT = Path(__file__).parents[1]
POLL_S = 30.0
# It goes on where SETTINGS ends, in [poll].
POLL = f"min_interval_s = {POLL_S}\nstart_interval_s = {POLL_S}\nmax_interval_s = {POLL_S}\n"
MAX_SLOPE_MB, WARM_S, MAX_DRAIN_S = 1.0, 600.0, 30.0


class Stream:
    """The stream under test, started and stopped."""

    def __init__(self, manifest: Path, out: Path, window: str, beam: Sequence[str] = ()) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        self.out = out
        self.log = Path(f"{out}.log")
        files = {"outlets": outlets_toml(manifest), "settings": SETTINGS + POLL}
        self.command = [sys.executable, "-m", "pipelines.cli", "stream", "--output", str(out), "--window", window]
        for name, text in files.items():
            path = Path(f"{out}.{name}.toml")
            path.write_text(text, "utf-8")
            self.command += [f"--{name}", str(path)]
        self.start(beam)

    def start(self, beam: Sequence[str]) -> None:
        """Start it, with these options of Beam."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen([*self.command, "--", *beam], cwd=ROOT, stdout=log, stderr=log)

    def stop(self) -> tuple[int, float]:
        """Return the exit code, and the seconds it took to drain."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(300), time.monotonic() - begun

    def commits(self) -> list[float]:
        """The times of the commits, in order."""
        return sorted(path.stat().st_mtime for path in self.out.glob("_meta/done/stream-*.json"))

    def megabytes(self) -> float:
        """Resident memory of the stream and what it has started."""
        asked = ["pgrep", "--parent", str(self.process.pid)]
        children = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        return sum(_megabytes(pid) for pid in (self.process.pid, *map(int, children)))


def _megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


class Reader(threading.Thread):
    """Reads the dataset again and again: when each article was first seen, and what went wrong."""

    def __init__(self, out: Path) -> None:
        super().__init__(daemon=True)
        self.files = f"{out}/articles/date=*/outlet=*/*.parquet"
        self.first_seen = dict[str, float]()
        self.readings = 0
        self.errors = list[str]()
        self.done = threading.Event()

    def run(self) -> None:
        """Read every second until `done`."""
        while not self.done.wait(1.0):
            try:
                rows = duckdb.connect().execute(f"SELECT url, text FROM read_parquet('{self.files}')").fetchall()
            except duckdb.IOException as error:
                if "No files found" not in str(error):
                    self.errors.append(str(error)[:300])
                continue
            self.readings += 1
            now = time.time()
            for url, _ in rows:
                self.first_seen.setdefault(url, now)


def slope_mb(samples: Sequence[tuple[float, float]]) -> float:
    """Return by how many megabytes a minute memory grows, in samples of (seconds, megabytes)."""
    seconds, megabytes = np.array(samples).T
    return float(np.polyfit(seconds / 60, megabytes, 1)[0])


def latencies(manifest: Path, first_seen: dict[str, float], published: Sequence[float]) -> list[float]:
    """Return the seconds from the publication of each article of a later phase to the first reading that showed it."""
    articles = json.loads(manifest.read_text("utf-8"))["articles"]
    late = [(a["canonical_url"], a["phase"]) for a in articles if 1 <= a["phase"] <= len(published)]
    return [first_seen[url] - published[phase - 1] for url, phase in late if url in first_seen]


def arguments(about: Optional[str], minutes: float) -> argparse.ArgumentParser:
    """Return the parser of what a stream over a test web is told; `about` is the script's docstring."""
    parser = argparse.ArgumentParser(description=(about or "").split("\n", maxsplit=1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--window", default="10s")
    parser.add_argument("--next", default="")
    parser.add_argument("--every", type=float, default=180.0)
    return parser


def publish(args: argparse.Namespace, age: float, published: list[float]) -> None:
    """Ask for the next phase where it is time, and note when; `age` is that of the stream, in seconds."""
    if args.next and age > (len(published) + 1) * args.every and age < args.minutes * 60 - 120:
        urllib.request.urlopen(args.next, timeout=30).read()  # nobody is shown a feed before this is answered
        published.append(time.time())


def tell(reader: Reader, waits: Sequence[float], drained_s: float, code: int) -> None:
    """Print what readers saw, and how the stream ended."""
    if waits:
        print(f"latency of {len(waits)} articles: median {statistics.median(waits):.1f} s, longest {max(waits):.1f} s")
    print(f"{reader.readings} readings, {len(reader.errors)} failed {reader.errors[:2]}")
    print(f"drained in {drained_s:.1f} s, exit code {code}")


def main() -> int:
    """Return 0 where every claim holds."""
    parser = arguments(__doc__, minutes=30.0)
    parser.add_argument("beam", nargs="*")
    args = parser.parse_args()
    stream, reader = Stream(args.manifest, args.out, args.window, args.beam), Reader(args.out)
    reader.start()
    started = time.time()
    published, memory = list[float](), list[tuple[float, float]]()
    while (age := time.time() - started) < args.minutes * 60 and stream.process.poll() is None:
        publish(args, age, published)
        memory.append((age, stream.megabytes()))
        time.sleep(5)
    code, drained_s = stream.stop()
    reader.done.set()
    reader.join()
    times = stream.commits()
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    waits = latencies(args.manifest, reader.first_seen, published)
    warm = [sample for sample in memory if sample[0] >= min(WARM_S, args.minutes * 30)]
    slope = slope_mb(warm)
    print(f"{len(times)} commits, {statistics.median(pauses):.0f} s apart in the median, {max(pauses):.0f} s at most")
    print(f"memory {warm[0][1]:.0f} MB, then {warm[-1][1]:.0f} MB: {slope:+.2f} MB a minute")
    tell(reader, waits, drained_s, code)
    return 1 if code or reader.errors or slope > MAX_SLOPE_MB or drained_s > MAX_DRAIN_S else 0


if __name__ == "__main__":
    raise SystemExit(main())
