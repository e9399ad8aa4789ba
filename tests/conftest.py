"""Fixtures for all tests.

`web`: a scripted HTTP server on loopback, for what real servers do and a well-behaved one does not.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, Self

import pytest

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
