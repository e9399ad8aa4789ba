"""Crawl: many hosts on one event loop, each in its own time; answers come out as they arrive."""

import asyncio
import collections
import contextlib
import functools
import queue
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Optional, TypeVar, Union
from urllib.parse import urljoin

from schemas.records import RejectReason
from schemas.settings import HttpSettings
from transforms.failure import FetchFailed
from transforms.fetch.client import Client, Response, Room
from transforms.fetch.guard import check_url, host_of
from transforms.fetch.host import Host, HostState
from transforms.http_date import http_date

T = TypeVar("T")
R = TypeVar("R")

_PERMANENT: Final = {301, 308}
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_BUFFERED_BYTES: Final = 32 << 20  # of bodies that wait for their reader, or a single larger one
_LEAST_BYTES: Final = 1 << 20  # that an answer counts for: so at most 32 wait


class Ask(NamedTuple):
    """A URL to ask for."""

    url: str
    etag: Optional[str]
    last_modified: Optional[str]
    hops: int  # redirects that led here, in this run
    permanent: bool  # all of them 301 or 308
    one_try: bool = False  # an earlier run asked in vain, or has the article: one is enough


class Answer(NamedTuple):
    """A 200 or 304."""

    response: Response
    permanent: bool  # redirects led here, all of them permanent


class Elsewhere(NamedTuple):
    """A redirect to another host, which another worker may own."""

    ask: Ask


class Unasked(NamedTuple):
    """Nothing, since its host is left alone for the rest of the round."""

    why: str


Outcome = Union[tuple[T, Union[Answer, Elsewhere, FetchFailed, Unasked]], HostState]
"""An item with what became of it, or, at the end, what is known of a host."""


async def fetch(ask: Ask, host: Host, client: Client) -> Union[Answer, Elsewhere]:
    """Return the answer for a URL at `host`, after redirects within the host and as many tries as are allowed.

    Raises:
        FetchFailed: the last try's failure.
    """
    http = client.http
    max_tries = 1 if ask.one_try else http.max_tries
    for attempt in range(1, max_tries + 1):
        try:
            return await _follow(ask, host, client)
        except FetchFailed as failure:
            wait_s = failure.retry_after_s or 0.0
            host.hold(min(wait_s, http.max_retry_after_s))
            if wait_s > http.max_retry_after_s:
                host.close(f"it asked for {wait_s:g} s of peace")
            if failure.later or not failure.transient or attempt == max_tries or host.closed():
                raise
            pause_s = http.backoff_s * 2 ** (attempt - 1) * random.uniform(1.0, 1.5)
            await asyncio.sleep(max(pause_s, wait_s))
    raise AssertionError("max_tries is at least 1")


async def _follow(ask: Ask, host: Host, client: Client) -> Union[Answer, Elsewhere]:
    cookies = dict[str, str]()
    while True:
        await host.check_robots(ask.url, client)
        response = await host.get(ask.url, _headers(ask, cookies), client)
        if response.status not in _REDIRECTS:
            _check_status(response)
            return Answer(response, ask.permanent and ask.hops > 0)
        cookies.update(response.cookies)  # a cookie wall sends one back to where one came from
        ask = _redirect(ask, response, client.http.max_redirects)
        if host_of(ask.url) != host.name:
            return Elsewhere(ask)


def _headers(ask: Ask, cookies: Mapping[str, str]) -> dict[str, str]:
    """A 304 is about the URL whose validators these are; RFC 9110 section 13.1 sends both."""
    headers = dict[str, str]()
    if ask.etag:
        headers["If-None-Match"] = ask.etag
    if ask.last_modified:
        headers["If-Modified-Since"] = ask.last_modified
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return headers


def _redirect(ask: Ask, response: Response, max_redirects: int) -> Ask:
    if ask.hops >= max_redirects:
        raise FetchFailed(RejectReason.TOO_MANY_REDIRECTS, f"more than {max_redirects}", status=response.status)
    location = response.headers.get("location", "").strip()
    if not location:
        raise FetchFailed(RejectReason.BAD_REDIRECT, f"{response.status} without Location", status=response.status)
    try:
        target = urljoin(ask.url, location).partition("#")[0]
        check_url(target)
    except (FetchFailed, ValueError) as error:
        raise FetchFailed(RejectReason.BAD_REDIRECT, f"to {location[:200]}", status=response.status) from error
    permanent = ask.permanent and response.status in _PERMANENT
    return ask._replace(url=target, hops=ask.hops + 1, permanent=permanent)


def _check_status(response: Response) -> None:
    status = response.status
    if status in (200, 304):
        return
    wait_s = retry_after_s(response.headers.get("retry-after", ""), datetime.now(UTC))
    match status:
        case 404:
            raise FetchFailed(RejectReason.NOT_FOUND, "404", status=status)
        case 410:
            raise FetchFailed(RejectReason.GONE, "410", status=status)
        case 429:
            raise FetchFailed(RejectReason.RATE_LIMITED, "429", transient=True, retry_after_s=wait_s, status=status)
        case 408 | 425:
            raise FetchFailed(RejectReason.TIMEOUT, str(status), transient=True, retry_after_s=wait_s, status=status)
        case _ if status >= 500:
            reason = RejectReason.HTTP_SERVER_ERROR
            raise FetchFailed(reason, str(status), transient=True, retry_after_s=wait_s, status=status)
    raise FetchFailed(RejectReason.HTTP_CLIENT_ERROR, str(status), status=status)


def retry_after_s(field: str, now: datetime) -> Optional[float]:
    """Return the seconds that a Retry-After field asks for (RFC 9110 section 10.2.3), None where it says none.

    >>> retry_after_s("120", datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    >>> retry_after_s("Thu, 01 Jan 2026 00:00:30 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    30.0
    """
    field = field.strip()
    if field.isascii() and field.isdigit():
        return float(field[:9])
    at = http_date(field)
    return None if at is None else max((at - now).total_seconds(), 0.0)


def crawl(
    http: HttpSettings,
    work: Mapping[str, Sequence[T]],
    known: Mapping[str, Sequence[HostState]],
    ask_of: Callable[[T], Ask],
) -> Iterator[Outcome[T]]:
    """Ask for all of `work` (host name -> what is to be fetched there), and yield each with what became of it.

    After them come the states of the hosts. The event loop runs in a thread of its own: what the caller does with an
    answer never delays a request, and never makes one look slow. Only a few answers wait for the caller at a time, by
    their number and by their bytes; then hosts whose answers wait are asked nothing more.
    """

    async def main(emit: Callable[[Outcome[T]], Awaitable[None]]) -> None:
        async with Client(http) as client:
            hosts = [Host(name, http, known.get(name, ())) for name in work]
            async with asyncio.TaskGroup() as tasks:
                for host in hosts:
                    waiting = collections.deque(work[host.name])
                    for _ in range(min(http.host_concurrency, len(waiting))):
                        tasks.create_task(_serve(waiting, host, client, emit))
            for host in hosts:
                await emit(host.state())

    async def _serve(
        waiting: collections.deque[T], host: Host, client: Client, emit: Callable[[Outcome[T]], Awaitable[None]]
    ) -> None:
        while waiting:
            item = waiting.popleft()
            result: Union[Answer, Elsewhere, FetchFailed, Unasked]
            if why := host.closed():
                result = Unasked(why)
            else:
                try:
                    result = await fetch(ask_of(item), host, client)
                except FetchFailed as failure:
                    result = failure
            await emit((item, result))

    return _from_loop(main, _load)


def _load(outcome: Outcome[Any]) -> tuple[int, Optional[Room]]:
    """The bytes that an outcome counts for while it waits for its reader, and the room that its body takes."""
    if not isinstance(outcome, HostState) and isinstance(outcome[1], Answer):
        response = outcome[1].response
        return max(len(response.body), _LEAST_BYTES), response.room
    return 0, None


def _from_loop(
    main: Callable[[Callable[[R], Awaitable[None]]], Coroutine[Any, Any, None]],
    load: Callable[[R], tuple[int, Optional[Room]]],
) -> Iterator[R]:
    """Run `main` on an event loop in a thread, and yield what it emits."""
    arrived: queue.SimpleQueue[tuple[bool, Union[R, Optional[BaseException]]]] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    taken = asyncio.Event()
    waiting = 0  # bytes

    async def emit(value: R) -> None:
        nonlocal waiting
        size, _ = load(value)
        while waiting and waiting + size > _BUFFERED_BYTES:
            taken.clear()
            await taken.wait()
        waiting += size
        arrived.put((True, value))

    def take(size: int, room: Optional[Room]) -> None:
        nonlocal waiting
        waiting -= size
        taken.set()
        if room is not None:
            room.leave()

    task = loop.create_task(main(emit))

    def run() -> None:
        error: Optional[BaseException] = None
        try:
            loop.run_until_complete(task)
        except BaseException as raised:
            error = raised
            while isinstance(error, BaseExceptionGroup):  # its text would say only that there are errors
                error = error.exceptions[0]
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            arrived.put((False, error))

    thread = threading.Thread(target=run, name="crawl", daemon=True)
    thread.start()
    try:
        while True:
            is_value, value = arrived.get()
            if not is_value:
                if value is not None:
                    raise value  # type: ignore[misc]
                return
            size, room = load(value)  # type: ignore[arg-type]
            yield value  # type: ignore[misc]
            value = None  # a body is not to be kept while the next one is waited for
            if size:
                _tell(loop, functools.partial(take, size, room))
    finally:
        _tell(loop, task.cancel)
        thread.join()


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed: there is nobody to tell
        loop.call_soon_threadsafe(call)
