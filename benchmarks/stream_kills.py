"""Kill a stream at random moments, again and again, and count what it wrote: nothing may be lost, nothing doubled.

    python -m benchmarks.stream_kills [--minutes 20] [--kills 20] [--window 5s] [--seed 0]

Three invented outlets on loopback publish an article every two seconds, and rewrite every tenth one a little later. The
stream over them is killed (kill -9 of newsbeam, of Prism, of both at once) and started again, as a supervisor would.
Needs Prism (`make prism`). Prints a line a kill, then the verdict; exit code 1 where a claim fails.
"""

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb

from transforms.state import Store
from transforms.write import dataset_at

ROOT = Path(__file__).parents[1]
HOSTS = {"gazette": "127.0.0.2", "courier": "127.0.0.3", "herald": "127.0.0.4"}
EVERY_S, REWRITTEN_AFTER_S = 2.0, 15.0
SHOWN = 1_000  # half an hour: what a feed drops before any window could be committed, nobody can write
CATCH_UP_S = 600.0  # a busy machine takes minutes to fetch what was published while the stream was down
GAP_S = 0.2
PAGE = "<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
WORDS = (
    "bridge market council harvest river school border clinic road convoy village shelter flood teacher farmer "
    "electricity drought hospital family mayor water police judge library engine winter garden letter station museum "
    "opened closed repaired visited counted promised delayed reported measured divided protected returned planted "
    "northern crowded quiet damaged public empty wooden ancient foreign early heavy narrow distant local private"
).split()
ITEM = "<item><title>{title}</title><link>{url}</link><guid>{url}</guid><pubDate>{date}</pubDate></item>"


class Outlet:
    """What an outlet has published by now, as pages and as a feed."""

    def __init__(self, slug: str, base: str, started: float) -> None:
        self.slug = slug
        self.base = base
        self.started = started
        self.until = float("inf")

    def published(self) -> int:
        return int((min(time.time(), self.until) - self.started) / EVERY_S)

    def edition(self, number: int) -> int:
        """1, or 2 once the article has been rewritten."""
        rewritten_at = self.started + number * EVERY_S + REWRITTEN_AFTER_S
        return 2 if number % 10 == 0 and time.time() >= rewritten_at else 1

    def feed(self) -> str:
        numbers = range(max(1, self.published() - SHOWN), self.published() + 1)
        items = [
            ITEM.format(title=f"Day {n}", url=f"{self.base}/{n}", date=formatdate(self._stamp(n), usegmt=True))
            for n in numbers
        ]
        return f"<rss version='2.0'><channel><title>{self.slug}</title>{''.join(items)}</channel></rss>"

    def page(self, number: int) -> str:
        # Each is a story of its own: a thousand near-equal texts would be one story, and measure its clustering.
        chance = random.Random(f"{self.slug} {number}")
        said = [f"The {' '.join(chance.choices(WORDS, k=14))}." for _ in range(8)]
        said.insert(4, f"Edition {self.edition(number)} of this report counts them.")
        paragraphs = "".join(f"<p>{' '.join(said[begin : begin + 3])}</p>" for begin in range(0, len(said), 3))
        return PAGE.format(title=f"Day {number}", paragraphs=paragraphs)

    def _stamp(self, number: int) -> float:
        return self.started + number * EVERY_S + (REWRITTEN_AFTER_S if self.edition(number) == 2 else 0.0)


def serve(slug: str, host: str, started: float, asked: list[tuple[str, float, float]]) -> Outlet:
    """Serve an outlet; requests are noted in `asked` as host, begin and end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begun, name = time.monotonic(), self.path.strip("/")
            if name == "rss":
                status, body = 200, outlet.feed()
            elif name.isdigit() and int(name) <= outlet.published():
                status, body = 200, outlet.page(int(name))
            else:
                status, body = 404, ""
            self.send_response(status)
            self.send_header("Content-Type", "text/xml" if name == "rss" else "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())
            asked.append((host, begun, time.monotonic()))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    outlet = Outlet(slug, f"http://{host}:{server.server_port}", started)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return outlet


class Supervisor:
    """Starts the stream, and kills it."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self.folder = folder
        self.command = command
        self.start()

    def start(self) -> None:
        with (self.folder / "stream.log").open("a") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=log, stderr=log)

    def kill(self, victim: str) -> None:
        asked = ["pgrep", "--parent", str(self.process.pid), "prism"]
        prism = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        for pid in (
            *(map(int, prism) if victim != "newsbeam" else ()),
            *((self.process.pid,) if victim != "prism" else ()),
        ):
            os.kill(pid, signal.SIGKILL)
        if victim == "prism" and not prism:
            self.process.kill()  # it has not started one yet
        self.process.wait(120)
        self.start()

    def stop(self) -> tuple[int, float]:
        """Return the exit code, and the seconds it took to drain."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(300), time.monotonic() - begun


def verdict(root: Path, outlets: Mapping[str, Outlet]) -> list[str]:
    """Return what is wrong with the rows; empty where nothing is."""
    files = f"{root}/articles/date=*/outlet=*/*.parquet"
    rows = duckdb.connect().execute(f"SELECT url, version, text FROM read_parquet('{files}') ORDER BY ALL").fetchall()
    wrong = [f"doubled: {key}" for key, n in Counter(row[:2] for row in rows).items() if n > 1]
    newest = {url: (version, text) for url, version, text in rows}
    lost, stale = [], []
    for outlet in outlets.values():
        for number in range(1, outlet.published() + 1):
            url = f"{outlet.base}/{number}"
            if url not in newest:
                lost.append(url)
            elif f"Edition {outlet.edition(number)} of" not in newest[url][1]:
                stale.append(url)
    print(
        f"{len(rows)} rows of {len(newest)} articles; {len(lost)} lost, {len(wrong)} doubled, {len(stale)} not updated"
    )
    return wrong + [f"lost: {url}" for url in lost] + [f"not updated: {url}" for url in stale]


def smallest_gap(asked: Sequence[tuple[str, float, float]]) -> float:
    """Return the shortest time between the end of a request and the start of the next one at the same host."""
    gaps = [
        later[1] - earlier[2]
        for host in HOSTS.values()
        for earlier, later in itertools.pairwise(sorted(one for one in asked if one[0] == host))
    ]
    return min(gaps)


def main() -> int:
    """Return 0 where every claim holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--window", default="5s")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chance, asked, started = random.Random(args.seed), list[tuple[str, float, float]](), time.time()
    outlets = {slug: serve(slug, host, started, asked) for slug, host in HOSTS.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fields = {slug: {"name": slug, "country": "XX", "language": "en"} for slug in outlets}
        tables = [
            "\n".join([f"[{slug}]", *(f"{key} = {json.dumps(value)}" for key, value in fields[slug].items()),
                       f'home = "{outlet.base}/"', f'feeds = ["{outlet.base}/rss"]'])
            for slug, outlet in outlets.items()
        ]  # fmt: skip
        (folder / "outlets.toml").write_text("\n\n".join(tables))
        (folder / "settings.toml").write_text(
            f'[http]\ngap_s = {GAP_S}\nallow_networks = ["127.0.0.0/8"]\n'
            "[poll]\nmin_interval_s = 5.0\nstart_interval_s = 5.0\nmax_interval_s = 10.0\n"
        )
        options = ["--outlets", str(folder / "outlets.toml"), "--settings", str(folder / "settings.toml")]
        root = folder / "data"
        command = [
            sys.executable,
            "-m",
            "pipelines.cli",
            "stream",
            *options,
            "--output",
            str(root),
            "--window",
            args.window,
        ]
        stream = Supervisor(folder, command)
        moments = sorted(chance.uniform(0, args.minutes * 60) for _ in range(args.kills))
        for number, moment in enumerate(moments, 1):
            time.sleep(max(0.0, started + moment - time.time()))
            victim = chance.choice(("newsbeam", "prism", "both"))
            stream.kill(victim)
            print(f"{number:2} at {time.time() - started:6.1f} s: {victim}", flush=True)
        time.sleep(max(0.0, started + args.minutes * 60 - time.time()))
        for outlet in outlets.values():
            outlet.until = time.time()
        time.sleep(REWRITTEN_AFTER_S)
        done, state = root / "_meta" / "done", dataset_at(str(root)).state_address
        commits, deadline = len(list(done.glob("*.json"))), time.monotonic() + CATCH_UP_S
        while len(list(done.glob("*.json"))) < commits + 4 or Store(state).count_waiting():
            if time.monotonic() > deadline:
                print(f"{Store(state).count_waiting()} entries wait still after {CATCH_UP_S:g} s")
                break
            time.sleep(1)
        code, drained_s = stream.stop()
        wrong = verdict(root, outlets)
        gap_s = smallest_gap(asked)
        times = sorted(path.stat().st_mtime for path in done.glob("*.json"))
        longest_s = max(later - earlier for earlier, later in itertools.pairwise(times))
        print(
            f"{len(times)} commits, at most {longest_s:.0f} s apart; drained in {drained_s:.1f} s, exit code {code}; smallest gap {gap_s:.2f} s of {GAP_S}"
        )
        print("\n".join(wrong[:20]))
        if code:
            print((folder / "stream.log").read_text()[-2000:])
        return 1 if wrong or code else 0


if __name__ == "__main__":
    raise SystemExit(main())
