"""Guard: which URLs and which addresses may be asked at all.

A feed may point anywhere: at the machine's own services, at a cloud's metadata, at a file. Names are resolved in one
place, and what that place has checked is what is connected to, so a name that changes its address in between gains
nothing. The socket has the last word: an address that reaches it by any other way, such as a spelling that one library
takes for a name and the next for an address, is refused there.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Union
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from schemas.records import RejectReason
from transforms.fetch.failure import FetchFailed

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Name and port in, addresses out; raises OSError where there are none."""
Target = tuple[Union[int, socket.AddressFamily], Union[int, socket.SocketKind], int, str, tuple[Any, ...]]
"""What `getaddrinfo` says of an address: family, kind, protocol, name, and the address itself."""

MAX_URL_CHARS: Final = 4_096  # servers commonly refuse 8 KiB request lines; no article needs half of that
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_UNICAST6: Final = ipaddress.ip_network("2000::/3")  # all of IPv6 that is given out: IANA, RFC 4291 section 2.4


def check_url(url: str) -> SplitResult:
    """Return the parts of a URL that may be asked.

    Raises:
        FetchFailed: bad_url: not http or https, no host, credentials in it, too long, or an address in an odd spelling.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        url.encode()  # lone surrogates
    except ValueError as error:
        raise FetchFailed(RejectReason.BAD_URL, str(error)) from error
    if len(url) > MAX_URL_CHARS:
        raise FetchFailed(RejectReason.BAD_URL, f"longer than {MAX_URL_CHARS} characters")
    if parts.scheme not in ("http", "https") or not host:
        raise FetchFailed(RejectReason.BAD_URL, f"not http or https: {url[:100]}")
    if "@" in parts.netloc:
        raise FetchFailed(RejectReason.BAD_URL, "carries credentials")
    if _looks_like_address(host):
        try:
            ipaddress.ip_address(host)
        except ValueError as error:  # "2130706433" and "127.1" are ways to say 127.0.0.1
            raise FetchFailed(RejectReason.BAD_URL, f"an address in an odd spelling: {host[:60]}") from error
    return parts


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


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver for the addresses of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class GuardedResolver(AbstractResolver):
    """Resolves names for aiohttp, and hands on only addresses that may be asked."""

    def __init__(self, networks: Sequence[Network], lookup: Lookup = look_up) -> None:
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
            raise FetchFailed(RejectReason.ADDRESS_REFUSED, f"{host} is {', '.join(addresses[:3])}")
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
            raise FetchFailed(RejectReason.ADDRESS_REFUSED, address)
        return socket.socket(family, kind, protocol)
