"""The one `get()`: a single guarded request, without redirects or retries. Everything that goes out passes here."""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Optional, Self

import aiohttp

from schemas.records import RejectReason
from schemas.settings import HttpSettings
from transforms.failure import FetchFailed
from transforms.fetch.guard import GuardedResolver, GuardedSockets, Lookup, SystemLookup, check_url
from transforms.fetch.unpack import ACCEPTED, unpack

_CHUNK = 1 << 16
_SMALL: Final = 1 << 20  # bytes; one page in twenty is larger
_LARGE: Final = 4  # bodies larger than that in memory at a time, from all hosts: bombs come from many at once


class Room:
    """Leave for the body of one answer to be large; while it is waited for, the answer's clock stands still."""

    def __init__(self, places: asyncio.Semaphore, clock: asyncio.Timeout) -> None:
        self._places, self._clock, self._taken = places, clock, False

    async def take(self) -> None:
        """Wait until few enough others have theirs."""
        if not self._taken:
            now, until = asyncio.get_running_loop().time, self._clock.when()
            left_s = until - now() if until is not None else 0.0
            self._clock.reschedule(None)
            await self._places.acquire()
            self._taken = True
            self._clock.reschedule(now() + left_s)

    def leave(self) -> None:
        """Let the next one have it: the body is dropped, or read."""
        if self._taken:
            self._taken = False
            self._places.release()


class Response(NamedTuple):
    """An answer. `body` is unpacked, and empty unless the status is 200. Who has read it calls `room.leave`."""

    url: str
    status: int
    headers: Mapping[str, str]  # names in lower case; of several fields of a name, the first
    body: bytes
    cookies: Mapping[str, str]
    room: Optional[Room] = None


class Client:
    """Asks for one URL at a time, within the bounds of `HttpSettings`.

    No redirects, no retries, no cookies of its own, no proxy or netrc from the environment; TLS is verified.
    """

    def __init__(
        self, http: HttpSettings, lookup: Optional[Lookup] = None, tls: Optional[ssl.SSLContext] = None
    ) -> None:
        self.http = http
        self.networks = [ipaddress.ip_network(block) for block in http.allow_networks]
        self.lookup = lookup
        self.tls = tls

    async def __aenter__(self) -> Self:
        self.system = SystemLookup(self.http.connect_s)
        self.places = asyncio.Semaphore(self.http.max_connections)
        self.large = asyncio.Semaphore(_LARGE)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=GuardedResolver(self.networks, self.lookup or self.system),
                socket_factory=GuardedSockets(self.networks),
                ssl=self.tls or True,
                limit=0,  # `places` bounds them, before the clock of a request runs
                force_close=True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": self.http.agent, "Accept-Encoding": ACCEPTED},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.http.connect_s),
            max_line_size=self.http.max_header_bytes,
            max_field_size=self.http.max_header_bytes,
        )
        # aiohttp repeats a GET at once, by itself, when the server closes the connection: that passes by every limit,
        # and there is no public way to say no.
        self.session._retry_connection = False
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        self.system.close()

    async def get(
        self, url: str, headers: Mapping[str, str], answered: Callable[[], None], cut_at: Optional[int] = None
    ) -> Response:
        """Return the answer to one GET; `answered` is called when the answer begins.

        A body longer than `cut_at` bytes is cut there instead of refused.

        Raises:
            FetchFailed: no answer, or one that breaks a bound.
        """
        checked = check_url(url)
        room: Optional[Room] = None
        kept = False
        try:
            async with self.places, asyncio.timeout(self.http.deadline_s) as clock:
                room = Room(self.large, clock)
                async with self.session.get(checked, headers=headers, allow_redirects=False) as answer:
                    answered()
                    fields = {name.lower(): _readable(value) for name, value in reversed(list(answer.headers.items()))}
                    cookies = {name: _readable(morsel.value) for name, morsel in answer.cookies.items()}
                    coding = fields.get("content-encoding", "")
                    body = await self._read(answer, None if coding else cut_at, room) if answer.status == 200 else b""
                if coding:
                    body = await self._unpack(body, coding, room)
            body = body[:cut_at]
            kept = cut_at is None and len(body) > _SMALL
        except TimeoutError as error:
            raise FetchFailed(
                RejectReason.TIMEOUT, f"no whole answer within {self.http.deadline_s} s", transient=True, later=True
            ) from error
        except aiohttp.ClientError as error:
            raise _explain(error) from error
        except OSError as error:
            raise FetchFailed(
                RejectReason.CONNECTION_FAILED, f"{type(error).__name__}: {error}", transient=True
            ) from error
        finally:
            if room is not None and not kept:
                room.leave()
        return Response(url, answer.status, fields, body, cookies, room)

    async def _unpack(self, packed: bytes, coding: str, room: Room) -> bytes:
        """Unpack a little first: what a small body may become, only its unpacking tells."""
        try:
            return await asyncio.to_thread(unpack, packed, coding, min(_SMALL, self.http.max_body_bytes))
        except FetchFailed as failure:
            if failure.reason != RejectReason.TOO_LARGE:
                raise
        await room.take()
        return await asyncio.to_thread(unpack, packed, coding, self.http.max_body_bytes)

    async def _read(self, answer: aiohttp.ClientResponse, cut_at: Optional[int], room: Room) -> bytes:
        most = self.http.max_wire_bytes
        if cut_at is None and (answer.content_length or 0) > most:
            raise FetchFailed(RejectReason.TOO_LARGE, f"{answer.content_length} bytes announced")
        body = bytearray()
        async for chunk in answer.content.iter_chunked(_CHUNK):
            body += chunk
            if cut_at is not None and len(body) > cut_at:
                return bytes(body[:cut_at])
            if len(body) > _SMALL:
                await room.take()
            if len(body) > most:
                raise FetchFailed(RejectReason.TOO_LARGE, f"more than {most} bytes on the wire")
        return bytes(body)


def _readable(field: str) -> str:
    """A header's value as text: bytes that are no UTF-8 come as lone surrogates, which no file or coder would take."""
    raw = field.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _explain(error: aiohttp.ClientError) -> FetchFailed:
    detail = f"{type(error).__name__}: {error}"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return FetchFailed(RejectReason.DNS_FAILURE, detail, transient=True)
        case aiohttp.ClientSSLError():
            return FetchFailed(RejectReason.TLS_FAILURE, detail)
        case aiohttp.InvalidURL():
            return FetchFailed(RejectReason.BAD_URL, detail)
        case aiohttp.ClientPayloadError():
            return FetchFailed(RejectReason.TRUNCATED, detail, transient=True)
        case aiohttp.ClientResponseError():  # no HTTP, or headers beyond the bound
            reason = RejectReason.TOO_LARGE if "more than" in str(error) else RejectReason.CONNECTION_FAILED
            return FetchFailed(reason, detail)
    return FetchFailed(RejectReason.CONNECTION_FAILED, detail, transient=True)
