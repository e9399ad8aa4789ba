"""Serving the demo web: a host on loopback for each outlet, with validators, 304s and gzip."""

import errno
import gzip
import ipaddress
import threading
import tomllib
from collections.abc import Mapping
from datetime import UTC
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple, Optional, Self
from urllib.parse import urlsplit

from pipelines.demo.site import NOT_FOUND, Publisher, Resource, Site
from schemas.errors import ConfigError
from schemas.settings import Outlet

_IDLE_S: Final = 30.0  # a connection without a request is closed after this long


class Seen(NamedTuple):
    """A request that was answered."""

    url: str
    status: int
    conditional: bool  # it asked only for what has changed


class _Server(ThreadingHTTPServer):
    """One outlet's host."""

    def __init__(self, address: tuple[str, int], seen: list[Seen]) -> None:
        self.pages: Mapping[str, Resource] = {}
        self.seen = seen
        super().__init__(address, _Handler)

    @property
    def base(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    wbufsize = -1  # head and body leave in one packet
    server: _Server

    def do_GET(self) -> None:
        pages, path = self.server.pages, urlsplit(self.path).path
        resource = pages.get(path, pages[NOT_FOUND])
        conditional = "If-None-Match" in self.headers or "If-Modified-Since" in self.headers
        fresh = resource.status == HTTPStatus.OK and _is_fresh(resource, self.headers)
        status = HTTPStatus.NOT_MODIFIED if fresh else resource.status
        body = b"" if fresh else resource.body
        self.server.seen.append(Seen(self.server.base + self.path, status, conditional))
        self.send_response(status)
        if resource.status == HTTPStatus.OK:
            self.send_header("ETag", resource.etag)
            if resource.modified:
                self.send_header("Last-Modified", format_datetime(resource.modified.astimezone(UTC), usegmt=True))
        if resource.location:
            self.send_header("Location", resource.location)
        self.send_header("Vary", "Accept-Encoding")
        if body and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        if not fresh:
            self.send_header("Content-Type", resource.content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: `DemoWeb.seen` holds the requests."""


def _is_fresh(resource: Resource, headers: Message) -> bool:
    """Whether the asker's copy is still good; RFC 9110 section 13.2.2: ETag before date."""
    if (known := headers.get("If-None-Match")) is not None:
        return resource.etag.removeprefix("W/") in known
    if resource.modified is None or (since := headers.get("If-Modified-Since")) is None:
        return False
    try:
        return resource.modified <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # not a date, or one without its zone
        return False


class DemoWeb:
    """The web in `folder`, served while the `with` block lasts.

    Attributes:
        outlets: what to poll; homes and feeds are the served addresses.
        allow_networks: for `HttpSettings.allow_networks`, since loopback is refused otherwise.
        seen: every request answered so far, in order.

    Raises:
        ConfigError: on entering, where an address cannot be listened at.
    """

    def __init__(self, folder: Path, port: Optional[int] = None) -> None:
        """`port` replaces the one in `web.toml`; 0 takes a free one an outlet, for tests that run side by side."""
        self.web_file = folder / "web.toml"
        web = tomllib.loads(self.web_file.read_text("utf-8"))
        self.port = int(web.pop("port"))
        if port is not None:
            self.port = port
        network = ipaddress.ip_network(web.pop("network"))
        self.allow_networks = (str(network),)
        self.seen: list[Seen] = []
        self.outlets: tuple[Outlet, ...] = ()
        self._publisher = Publisher(folder)
        self._sites = [Site(slug=slug, **table) for slug, table in web.items()]
        self._addresses = [str(host) for host, _ in zip(network.hosts(), self._sites, strict=False)]
        self._servers: list[_Server] = []

    def __enter__(self) -> Self:
        try:
            for host in self._addresses:
                self._servers.append(self._listen(host))
        except ConfigError:
            self._close()
            raise
        self._publish(advanced=False)
        self.outlets = tuple(map(_outlet, self._sites, self._servers))
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), name=server.base, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
        self._close()

    def advance(self) -> None:
        """Go on to the next day: corrections appear, in pages and feeds."""
        self._publish(advanced=True)

    def _publish(self, *, advanced: bool) -> None:
        for site, server in zip(self._sites, self._servers, strict=True):
            server.pages = self._publisher.publish(site, server.base, advanced=advanced)

    def _listen(self, host: str) -> _Server:
        try:
            return _Server((host, self.port), self.seen)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = f"{host}:{self.port} is taken"
                remedy = "End the program that listens there, perhaps another demo, or put another port into this file"
            else:
                problem = f"cannot listen at {host}:{self.port}: {error.strerror}"
                remedy = "The demo needs all of 127.0.0.0/8 on the loopback interface, as Linux has it"
            raise ConfigError(str(self.web_file), None, "port", problem, remedy) from error

    def _close(self) -> None:
        for server in self._servers:
            server.server_close()
        self._servers.clear()


def _outlet(site: Site, server: _Server) -> Outlet:
    feeds = tuple(server.base + path for path in (*site.feeds, *site.gone))
    home = f"{server.base}/"
    return Outlet(
        slug=site.slug,
        name=site.name,
        country=site.country,
        language=site.language,
        home=home,
        feeds=feeds,
        full_content=site.full_content,
    )
