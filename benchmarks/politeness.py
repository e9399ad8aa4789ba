"""How much of what politeness allows is used: pages a second over many hosts, against hosts / gap.

    python -m benchmarks.politeness [--hosts 10 50] [--workers 1 2] [--pages 20] [--gap 0.2]

Serves a small web on loopback, one address a host, from a process of its own, and fetches it with `FetchPages`. Times are
the server's: the pages after each host's first, from the first of them to the last, and the shortest gap seen at a host.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam

from pipelines.options import choose, in_process
from schemas.records import Article, Entry, Origin, Page, Reject
from schemas.settings import Settings
from schemas.settings_files import load_settings
from transforms.fetch import FetchPages
from transforms.fetch.host import HostState

_PAGE = b"<html><body>" + b"<p>It rained all day, and the river rose by a hand.</p>" * 2_000 + b"</body></html>"
_DEFAULTS = Path(__file__).parents[1] / "config" / "defaults.toml"


class Hit(NamedTuple):
    """A page that the server was asked for."""

    at: float  # seconds on the server's monotonic clock
    host: str


class Figures(NamedTuple):
    """One line of the result."""

    pages_s: float
    bound_s: float
    shortest_gap_s: float


def figures(hits: Sequence[Hit], gap_s: float) -> Figures:
    """Return what the server saw, and what it could have seen."""
    by_host = dict[str, list[float]]()
    for hit in sorted(hits):
        by_host.setdefault(hit.host, []).append(hit.at)
    starts = [times[0] for times in by_host.values()]
    later = [at for times in by_host.values() for at in times[1:]]
    gaps = [after - before for times in by_host.values() for before, after in itertools.pairwise(times)]
    return Figures(len(later) / (max(later) - min(starts)), len(by_host) / gap_s, min(gaps))


def serve(hosts: Sequence[str], ready: Connection) -> None:
    """Answer on every host until a word comes, then send the hits back."""
    hits: list[Hit] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        robots = head.startswith(b"GET /robots.txt")
        if not robots:
            hits.append(Hit(time.monotonic(), writer.get_extra_info("sockname")[0]))
        status, body = ("404 Not Found", b"") if robots else ("200 OK", _PAGE)
        fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def main() -> None:
        port = 0
        for host in hosts:
            server = await asyncio.start_server(answer, host, port)
            port = server.sockets[0].getsockname()[1]
        ready.send(port)
        await asyncio.to_thread(ready.recv)
        ready.send(hits)

    asyncio.run(main())


class DropFn(beam.DoFn):
    """Stands for Extract: what is measured is fetching."""

    def process(self, page: Page) -> Iterator[Article]:
        yield from ()


class Drop(beam.PTransform[Any, Any]):
    """Pages in; no articles and no rejects out."""

    def expand(self, pages: beam.PCollection[Page]) -> Any:
        drop: Any = beam.ParDo(DropFn())  # type: ignore[no-untyped-call]
        rejects = pages.pipeline | "NoRejects" >> beam.Create([]).with_output_types(Reject)
        return pages | drop, rejects


def measure(hosts: int, pages: int, workers: int, gap_s: float) -> Figures:
    """Fetch `pages` pages of each of `hosts` hosts with `workers` processes."""
    names = [f"127.0.{1 + number // 200}.{1 + number % 200}" for number in range(hosts)]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(names, theirs), daemon=True)
    server.start()
    port = ours.recv()
    entries = [_entry(f"http://{name}:{port}/{number}") for number in range(pages) for name in names]
    settings = load_settings(_DEFAULTS)
    fetch = _fetch(settings, gap_s)
    with beam.Pipeline(in_process(workers), choose([], workers).options) as pipeline:
        listed = pipeline | "Entries" >> beam.Create(entries).with_output_types(Entry)
        unknown = pipeline | "Hosts" >> beam.Create([]).with_output_types(HostState)
        _ = (listed, unknown) | fetch
    ours.send("done")
    hits = ours.recv()
    server.join()
    assert len(hits) == hosts * pages, f"{hosts * pages} pages, {len(hits)} requests"
    return figures(hits, gap_s)


def _entry(url: str) -> Entry:
    return Entry(Origin("a", "", "", url, None, None), url, "", "", "", [], [], None, None, None, None, 0)


def _fetch(settings: Settings, gap_s: float) -> FetchPages:
    http = settings.http.model_copy(update={"allow_networks": ("127.0.0.0/16",), "gap_s": gap_s})
    return FetchPages(http, Drop())


def main() -> None:
    """Print a line for each number of hosts and workers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--hosts", type=int, nargs="+", default=[10, 25, 50])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--gap", type=float, default=0.2)
    args = parser.parse_args()
    print("hosts  workers  pages/s  bound  share  shortest gap")
    for hosts, workers in itertools.product(args.hosts, args.workers):
        got = measure(hosts, args.pages, workers, args.gap)
        share = got.pages_s / got.bound_s
        print(f"{hosts:5} {workers:8} {got.pages_s:8.1f} {got.bound_s:6.0f} {share:6.0%} {got.shortest_gap_s:11.3f} s")


if __name__ == "__main__":
    main()
