"""One host as the worker that owns it sees it: its robots, its gap, its penalties."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Optional
from urllib.parse import urljoin

from apache_beam.coders import RowCoder, registry
from apache_beam.utils.timestamp import Timestamp

from schemas.records import RejectReason
from schemas.settings import HttpSettings
from transforms.failure import FetchFailed
from transforms.fetch.client import Client, Response
from transforms.fetch.guard import check_url, host_of
from transforms.fetch.robots import FORBID, Robots, Rulebook, judge

_ROBOTS_TRIES: Final = 2
_PATIENCE_S: Final = 3.0  # healthy servers begin to answer within one
_MAX_UNANSWERED: Final = 6  # requests in a row; a host that answers every second one only is still worth asking
_HOST_FAILURES: Final = {
    RejectReason.BAD_URL,
    RejectReason.ADDRESS_REFUSED,
    RejectReason.DNS_FAILURE,
    RejectReason.TLS_FAILURE,
}


class HostState(NamedTuple):
    """What one round knows of a host, for the next round, which another worker may run."""

    host: str
    robots: Sequence[Robots]
    not_before: Timestamp  # earliest start of the next request


registry.register_coder(HostState, RowCoder)


class Host:
    """Turns at a host, robots first.

    The gap counts from the end of the last request, and from the start of one still under way, both taken when they
    happened: slots reserved ahead collapse when the event loop is late.
    """

    def __init__(self, name: str, http: HttpSettings, states: Iterable[HostState] = ()) -> None:
        self.name = name
        self.http = http
        self.gap_s = http.gap_s
        self.rulebooks = dict[str, Rulebook]()
        self._unreachable = dict[str, FetchFailed]()
        self._asking = asyncio.Lock()
        self._robots = asyncio.Lock()
        self._under_way = asyncio.Semaphore(http.host_concurrency)
        self._not_before = 0.0  # on the monotonic clock
        self._until = time.monotonic() + http.max_host_s
        self._unanswered = 0  # in a row
        self._closed = ""
        for state in states:
            for robots in state.robots:
                self._learn(robots)
            self.hold(float(state.not_before) - time.time())

    def state(self) -> HostState:
        """Return what the next round has to know."""
        wait_s = self._not_before - time.monotonic()
        books = [book.robots for book in self.rulebooks.values()]
        return HostState(self.name, books, Timestamp.of(time.time() + max(wait_s, 0.0)))

    def hold(self, seconds: float) -> None:
        """Ask nothing for `seconds` from now; never shortens a wait."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def close(self, why: str) -> None:
        """Ask here no more in this round."""
        self._closed = why

    def closed(self) -> str:
        """Return why nothing more should be asked here in this round, "" where nothing speaks against it.

        A round thus ends, whatever a host does: one that is down costs a few deadlines, one that is slow, or lists more
        than it can serve, its share of time.
        """
        if self._unanswered >= _MAX_UNANSWERED:
            return f"{self._unanswered} requests in a row went unanswered"
        if time.monotonic() > self._until:
            return f"its {self.http.max_host_s:g} s are over"
        return self._closed

    async def get(self, url: str, headers: Mapping[str, str], client: Client, cut_at: Optional[int] = None) -> Response:
        """Return the answer to one GET, made when it is this host's turn.

        Raises:
            FetchFailed: as `Client.get`.
        """
        async with self._turn() as next_one:

            def answered() -> None:
                self._unanswered = 0
                next_one()

            self._unanswered += 1  # until it answers
            return await client.get(url, headers, answered, cut_at)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for the host's turn, and keep the gap to the next. Yields what to call when the answer begins.

        Until then nobody else's turn comes, for what was sent may have been read only now. A host that does not begin
        to answer within a few seconds holds the others up no longer.
        """
        async with self._under_way:
            await self._asking.acquire()
            waiting, timer = True, None

            def next_one() -> None:
                nonlocal waiting
                self.hold(self.gap_s)
                if waiting:
                    waiting = False
                    self._asking.release()

            try:
                while (wait_s := self._not_before - time.monotonic()) > 0:
                    await asyncio.sleep(wait_s)
                timer = asyncio.get_running_loop().call_later(_PATIENCE_S, next_one)
                yield next_one
            finally:
                if timer is not None:
                    timer.cancel()
                next_one()

    async def check_robots(self, url: str, client: Client) -> None:
        """Return where robots.txt allows `url`; an origin is asked for it once.

        Raises:
            FetchFailed: robots_disallowed, robots_unreachable, or what stands between us and the host itself.
        """
        origin = str(check_url(url).origin())
        async with self._robots:
            if origin not in self.rulebooks and origin not in self._unreachable:
                try:
                    self._learn(await self._ask_robots(origin, client))
                except FetchFailed as failure:
                    failure.later = True
                    self._unreachable[origin] = failure
        if origin in self._unreachable:
            raise self._unreachable[origin]
        book = self.rulebooks[origin]
        if book.robots.verdict == FORBID:
            raise FetchFailed(RejectReason.ROBOTS_UNREACHABLE, f"{origin}/robots.txt", transient=True, later=True)
        if not book.allows(url):
            raise FetchFailed(RejectReason.ROBOTS_DISALLOWED, f"{origin}/robots.txt forbids it")

    async def _ask_robots(self, origin: str, client: Client) -> Robots:
        """Follow redirects within the host: RFC 9309 section 2.3.1.2 asks for five, and lets us stop at another host,
        where the page's own redirect is judged by that host's rules."""
        url = f"{origin}/robots.txt"
        for _ in range(self.http.max_redirects + 1):
            response = await self._try_robots(url, client)
            target = urljoin(url, response.headers.get("location", "")) if 300 <= response.status < 400 else ""
            if host_of(target) != self.name:
                return judge(origin, response.status, response.body)
            url = target
        return judge(origin, 300, b"")

    async def _try_robots(self, url: str, client: Client) -> Response:
        """One answer in two tries, status 0 where there is none; what keeps us from the host itself is raised."""
        failure: Optional[FetchFailed] = None
        for _ in range(_ROBOTS_TRIES):
            try:
                return await self.get(url, {}, client, cut_at=self.http.robots_max_bytes)
            except FetchFailed as error:
                failure = error
                if error.later or not error.transient:
                    break
        assert failure is not None
        if failure.reason in _HOST_FAILURES:
            raise failure
        return Response(url, 0, {}, b"", {})

    def _learn(self, robots: Robots) -> None:
        book = Rulebook(robots, self.http.agent)
        self.rulebooks[robots.origin] = book
        self.gap_s = max(self.gap_s, min(book.crawl_delay_s() or 0.0, self.http.max_crawl_delay_s))
