"""Fixtures for all tests.

`web`: a scripted HTTP server on loopback, for what real servers do and a well-behaved one does not.
`postgres`: the URL of an empty database of a PostgreSQL server of our own, on loopback.
`bucket`: the URL of a prefix in an empty bucket; Amazon's S3 is played by moto.
"""

import asyncio
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from hypothesis import settings

settings.register_profile(
    "repeatable", derandomize=True
)  # a red run speaks of the change; the default profile explores
settings.load_profile("repeatable")

Answer = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


class Request(NamedTuple):
    """A request as the server read it."""

    at: float
    host: str  # address it came in at
    path: str
    headers: dict[str, str]


def http_answer(
    status: int, body: bytes = b"", *headers: str, length: int | None = None, version: str = "1.1"
) -> bytes:
    """Return the bytes of an answer; `length` lies about the body's."""
    head = [f"HTTP/{version} {status} Said", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


def says(*answers: bytes) -> Answer:
    """Answer with these bytes, the next each time, the last for ever."""
    left = list(answers)

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return answer


class Web:
    """Listens at 127.0.0.1 and 127.0.0.2, one port; answers by path, 404 where nothing was scripted."""

    HOSTS = ("127.0.0.1", "127.0.0.2")

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[Request] = []
        self.loop = asyncio.new_event_loop()
        self.port = 0

    def __enter__(self) -> Self:
        ready = threading.Event()

        async def listen() -> None:
            for host in self.HOSTS:
                server = await asyncio.start_server(self._serve, host, self.port)
                self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self.loop.create_task(listen())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            for task in asyncio.all_tasks(self.loop) - {asyncio.current_task(self.loop)}:
                task.cancel()
            self.loop.call_soon(self.loop.stop)

        asyncio.run_coroutine_threadsafe(stop(), self.loop)
        self.thread.join()

    def url(self, path: str, host: str = HOSTS[0]) -> str:
        """Return the address of a path."""
        return f"http://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        """Return the paths asked for, robots.txt left out."""
        return [request.path for request in self.seen if request.path != "/robots.txt"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            path = head[0].split(" ")[1]
            request = Request(time.monotonic(), writer.get_extra_info("sockname")[0], path, headers)
            self.seen.append(request)
            await self.answers.get(path, says(http_answer(404)))(request, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def http() -> object:
    """The makers of answers: `http.http(200, b"body", "Header: x")`, `http.says(first, then)`."""

    class Makers:
        http = staticmethod(http_answer)
        says = staticmethod(says)

    return Makers


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server from Debian's package `postgresql`; tests that need it are skipped where it is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'newsbeam[postgres]'")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    # The server refuses to run as root, and its own user may not enter root's temporary folders.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="newsbeam-postgres-", dir="/tmp") as folder, socket.socket() as free:
        if user:
            shutil.chown(folder, user)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        control, data = str(found[-1]), f"{folder}/data"
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"

        def do(*args: str) -> None:
            subprocess.run(args, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)

        do(str(found[-1].with_name("initdb")), "-D", data, "-U", "newsbeam", "--auth=trust", "--no-sync", "-E", "UTF8")
        do(control, "-D", data, "-l", f"{folder}/log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://newsbeam@127.0.0.1:{port}/postgres"
        finally:
            do(control, "-D", data, "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The URL of an empty bucket, with what tells pyarrow where the server is."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'newsbeam[dev]'")
    import boto3

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    before = {name: os.environ.get(name) for name in keys}
    os.environ |= keys
    try:
        boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1").create_bucket(
            Bucket="bucket"
        )
        yield f"s3://bucket/NAME?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
