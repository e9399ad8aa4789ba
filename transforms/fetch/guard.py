"""Guard: which URLs and which addresses may be asked at all.

A feed may point anywhere: at the machine's own services, at a cloud's metadata, at a file. Names are resolved in one
place, and what that place has checked is what is connected to, so a name that changes its address in between gains
nothing. The socket has the last word: an address that reaches it by any other way, such as a spelling that one library
takes for a name and the next for an address, is refused there.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Union
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from schemas.records import RejectReason
from transforms.failure import FetchFailed

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Name and port in, addresses out; raises OSError where there are none."""
Target = tuple[Union[int, socket.AddressFamily], Union[int, socket.SocketKind], int, str, tuple[Any, ...]]
"""What `getaddrinfo` says of an address: family, kind, protocol, name, and the address itself."""

MAX_URL_CHARS: Final = 4_096  # servers commonly refuse 8 KiB request lines; no article needs half of that
_MAX_HOST_CHARS: Final = 254  # RFC 1035 section 3.1: 253 and the root's dot
_HOST: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")  # labels as DNS and real hosts have them
_LOOK_UPS: Final = 64  # at once; each is a thread that mostly waits, for a dead name server up to half a minute
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_NOT_PUBLIC: Final = ", no public address; only networks in `http.allow_networks` of the settings are asked besides"
_UNICAST6: Final = ipaddress.ip_network("2000::/3")  # all of IPv6 that is given out: IANA, RFC 4291 section 2.4


def check_url(url: str) -> URL:
    """Return a URL that may be asked, in the form in which aiohttp asks it: the host in ASCII and lower case.

    Raises:
        FetchFailed: bad_url: not http or https, no host or none that DNS could know, credentials in it, too long, or an
            address in an odd spelling.
    """
    if len(url) > MAX_URL_CHARS:
        raise FetchFailed(RejectReason.BAD_URL, f"longer than {MAX_URL_CHARS} characters")
    try:
        url.encode()  # lone surrogates
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise ValueError(f"not http or https: {url[:100]}")
        if "@" in parts.netloc:
            raise ValueError("carries credentials")
        checked = URL(url)
        _check_host(checked.raw_host or "")
        _ = checked.port
    except ValueError as error:
        raise FetchFailed(RejectReason.BAD_URL, str(error)) from error
    return checked


def host_of(url: str) -> str:
    """Return the politeness key of a URL: its host name, "" where it may not be asked.

    Ports of a host share one machine, and so do its name with and without the root's dot behind it.
    """
    try:
        return (check_url(url).raw_host or "").removesuffix(".")
    except FetchFailed:
        return ""


def _check_host(host: str) -> None:
    """Raise ValueError for what is neither a name that DNS can hold nor an address as everybody spells it."""
    if _looks_like_address(host):  # "2130706433" and "127.1" are ways to say 127.0.0.1, "::1%lo" names a network card
        if "%" in host:
            raise ValueError("an address with a zone")
        ipaddress.ip_address(host)
    elif len(host) > _MAX_HOST_CHARS or not _HOST.fullmatch(host):
        raise ValueError(f"no host name: {host[:100]!r}")


def _looks_like_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def is_allowed(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address is public, or inside one of `networks`.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged by itself: the packet may end there.
    """
    ip = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in network for network in networks):
        return True
    given_out = isinstance(ip, ipaddress.IPv4Address) or ip in _UNICAST6
    return given_out and ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _innermost(ip: Address) -> Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


class SystemLookup:
    """The system's resolver, in threads of its own: names that nobody answers for hold up no other work.

    One that does not answer within `seconds` counts as failed; its thread is let go on, for nothing can stop it.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.threads = ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="look-up")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name.

        Raises:
            OSError: it has none, cannot be a name, or nothing answers in time.
        """
        asked = asyncio.get_running_loop().run_in_executor(self.threads, _addresses, host, port)
        try:
            return await asyncio.wait_for(asked, self.seconds)
        except TimeoutError as error:
            raise OSError(f"{host}: no answer within {self.seconds:g} s") from error
        except UnicodeError as error:  # Python's IDNA refuses what DNS could never hold
            raise OSError(f"{host[:100]!r}: {error}") from error

    def close(self) -> None:
        """Wait for nobody."""
        self.threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class GuardedResolver(AbstractResolver):
    """Resolves names for aiohttp, and hands on only addresses that may be asked."""

    def __init__(self, networks: Sequence[Network], lookup: Lookup) -> None:
        self.networks = networks
        self.lookup = lookup

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Return the allowed addresses of `host`.

        Raises:
            FetchFailed: address_refused where it has addresses but none may be asked.
            OSError: it has none.
        """
        addresses = await self.lookup(host, port)
        good = [address for address in addresses if is_allowed(address, self.networks)]
        if not good:
            raise FetchFailed(RejectReason.ADDRESS_REFUSED, f"{host} is {', '.join(addresses[:3])}{_NOT_PUBLIC}")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in good
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is held open."""


class GuardedSockets:
    """Makes the sockets that aiohttp connects, for addresses that may be asked."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = networks

    def __call__(self, target: Target) -> socket.socket:
        """Return a socket for `target`.

        Raises:
            FetchFailed: address_refused.
        """
        family, kind, protocol, _, place = target
        address = str(place[0])
        if not is_allowed(address, self.networks):
            raise FetchFailed(RejectReason.ADDRESS_REFUSED, address + _NOT_PUBLIC)
        return socket.socket(family, kind, protocol)
