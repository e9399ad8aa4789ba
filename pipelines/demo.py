"""The demo web: outlets of our own invention, served on loopback over real HTTP.

Its data lie in `config/demo/`: outlets (`web.toml`), stories (Markdown after a TOML head), the words that sites put
around them (`labels.toml`) and the sites' templates. All dates are fixed, so every run meets the same web. It has what
the real one has: wire copies, a correction, a moved page, a missing one, a paywall, a link listed twice, a closed feed,
pages that robots.txt forbids, conditional requests and gzip.
"""

import errno
import gzip
import hashlib
import ipaddress
import json
import threading
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Optional, Self
from urllib.parse import urlsplit

import jinja2
from pydantic import AwareDatetime

from schemas.errors import ConfigError
from schemas.settings import Model, Outlet

HTML: Final = "text/html; charset=utf-8"
FEED_TYPES: Final = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
_PICTURE: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><path fill="#789" d="M0 0h16v9H0z"/></svg>'
)
_TRACKING: Final = "?utm_source=social&utm_medium=feed&fbclid=demo"
_RELATED: Final = 4  # teasers on a page
_IDLE_S: Final = 30.0  # a connection without a request is closed after this long


class Block(NamedTuple):
    """A part of a story's body."""

    kind: Literal["paragraph", "heading", "picture"]
    text: str
    credit: str = ""


class StoryHead(Model):
    """The TOML head of a story's file."""

    title: str
    published: AwareDatetime
    updated: Optional[AwareDatetime] = None
    authors: tuple[str, ...] = ()
    section: str
    tags: tuple[str, ...] = ()
    summary: str
    path: str  # where its page is
    source: str = ""  # whom a repost names at its end
    moved_from: str = ""  # the feed lists this path, which redirects to `path`
    listed_twice: bool = False  # the second time with tracking parameters
    paywalled: bool = False  # the page shows one paragraph
    missing: bool = False  # the feed lists it, the page answers 404


class Story(StoryHead):
    """A story, ready for the templates."""

    slug: str
    blocks: tuple[Block, ...]

    @property
    def modified(self) -> datetime:
        """When the page last changed."""
        return self.updated or self.published


class Site(Model):
    """An outlet's table in `web.toml`."""

    slug: str
    name: str
    country: str
    language: str
    style: Literal["wire", "broadsheet", "portal", "blog"]
    feeds: dict[str, Literal["rss", "atom", "json"]]  # by path
    full_content: bool = False
    gone: tuple[str, ...] = ()  # feeds that answer 410
    disallow: tuple[str, ...] = ()  # robots.txt


class Item(NamedTuple):
    """A feed's entry for a story."""

    story: Story
    link: str  # path and query
    suffix: str  # of the entry's id


class Resource(NamedTuple):
    """What a path answers."""

    status: HTTPStatus
    content_type: str = HTML
    body: bytes = b""
    modified: Optional[datetime] = None
    location: str = ""

    @property
    def etag(self) -> str:
        """A weak validator: the same for the packed and the plain body."""
        return f'W/"{hashlib.sha256(self.body).hexdigest()[:16]}"'


class Seen(NamedTuple):
    """A request that was answered."""

    url: str
    status: int
    conditional: bool  # it asked only for what has changed


def parse_story(text: str, slug: str) -> Story:
    """Return the story of a file: a TOML head between two lines `+++`, then blocks separated by blank lines.

    >>> parse_story('''+++
    ... title = "T"
    ... published = 2026-03-12T08:00:00Z
    ... section = "World"
    ... summary = "S"
    ... path = "/t"
    ... +++
    ... ![A bridge | R. Saleh]
    ...
    ... One.''', "t").blocks
    (Block(kind='picture', text='A bridge', credit='R. Saleh'), Block(kind='paragraph', text='One.', credit=''))
    """
    _, head, body = text.split("+++\n", 2)
    blocks = tuple(_block(" ".join(part.split())) for part in body.split("\n\n") if part.strip())
    return Story(slug=slug, blocks=blocks, **tomllib.loads(head))


def _block(text: str) -> Block:
    if text.startswith("## "):
        return Block("heading", text.removeprefix("## "))
    if text.startswith("!["):
        caption, _, credit = text.removeprefix("![").removesuffix("]").partition(" | ")
        return Block("picture", caption, credit)
    return Block("paragraph", text)


def read_stories(folder: Path, *, advanced: bool) -> tuple[Story, ...]:
    """Return the stories of an outlet's folder, newest first; corrected ones (`.v2.md`) only once `advanced`."""
    files = {path.name.removesuffix(".md"): path for path in folder.glob("*.md")}
    originals = {slug: path for slug, path in files.items() if not slug.endswith(".v2")}
    chosen = {slug: files.get(f"{slug}.v2", path) if advanced else path for slug, path in originals.items()}
    stories = [parse_story(path.read_text("utf-8"), slug) for slug, path in chosen.items()]
    return tuple(sorted(stories, key=lambda story: (story.published, story.slug), reverse=True))


class Publisher:
    """Renders an outlet's whole site from the data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labels = tomllib.loads((folder / "labels.toml").read_text("utf-8"))
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )

    def publish(self, site: Site, base: str, *, advanced: bool) -> dict[str, Resource]:
        """Return what each path of `site` answers when it is served at `base` (scheme, host and port)."""
        stories = read_stories(self.folder / "stories" / site.slug, advanced=advanced)
        newest = max(story.modified for story in stories)
        frame = {"outlet": site, "labels": self.labels[site.language], "base": base}

        def render(template: str, **context: Any) -> bytes:
            return self.templates.get_template(template).render(frame, **context).encode()

        robots = "\n".join(["User-agent: *", *(f"Disallow: {path}" for path in site.disallow or ("",))])
        pages = {
            "/": Resource(HTTPStatus.OK, HTML, render("home.html", stories=stories), newest),
            "/robots.txt": Resource(HTTPStatus.OK, "text/plain", robots.encode()),
            "/assets/picture.svg": Resource(HTTPStatus.OK, "image/svg+xml", _PICTURE),
            "": Resource(HTTPStatus.NOT_FOUND, HTML, render("not_found.html")),
        }
        pages |= {path: Resource(HTTPStatus.GONE, "text/plain", b"closed") for path in site.gone}
        items = [item for story in stories for item in _items(story)]
        for path, kind in site.feeds.items():
            if kind == "json":
                body = self._json_feed(site, base, path, items)
            else:
                body = render(f"{kind}.xml", path=path, items=items, newest=newest)
            pages[path] = Resource(HTTPStatus.OK, f"{FEED_TYPES[kind]}; charset=utf-8", body, newest)
        for story in stories:
            if story.moved_from:
                pages[story.moved_from] = Resource(HTTPStatus.MOVED_PERMANENTLY, location=base + story.path)
            if not story.missing:
                address = base + story.path
                page = render(
                    f"{site.style}.html",
                    story=story,
                    address=address,
                    linked_data=_linked_data(story, site, address),
                    related=[other for other in stories if other is not story][:_RELATED],
                )
                pages[story.path] = Resource(HTTPStatus.OK, HTML, page, story.modified)
        return pages

    def _json_feed(self, site: Site, base: str, path: str, items: Sequence[Item]) -> bytes:
        body = self.templates.get_template("story.html").make_module().body  # type: ignore[attr-defined]
        entries = [
            {
                "id": f"{site.slug}-{story.slug}{suffix}",
                "url": base + link,
                "title": story.title,
                "summary": story.summary,
                "date_published": story.published.isoformat(),
                "date_modified": story.modified.isoformat(),
                "authors": [{"name": author} for author in story.authors],
                "tags": story.tags,
                **({"content_html": str(body(story.blocks))} if site.full_content else {}),
            }
            for story, link, suffix in items
        ]
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": site.name,
            "language": site.language,
            "home_page_url": f"{base}/",
            "feed_url": base + path,
            "items": entries,
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _items(story: Story) -> list[Item]:
    items = [Item(story, story.moved_from or story.path, "")]
    if story.listed_twice:
        items.append(Item(story, story.path + _TRACKING, "-social"))
    return items


def _linked_data(story: Story, site: Site, address: str) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": story.title,
        "description": story.summary,
        "url": address,
        "inLanguage": site.language,
        "datePublished": story.published.isoformat(),
        "dateModified": story.modified.isoformat(),
        "author": [{"@type": "Person", "name": author} for author in story.authors],
        "publisher": {"@type": "NewsMediaOrganization", "name": site.name},
        "isAccessibleForFree": not story.paywalled,
    }
    return jinja2.utils.htmlsafe_json_dumps(data)


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
        resource = pages.get(path, pages[""])
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
    return Outlet(slug=site.slug, name=site.name, country=site.country, language=site.language, home=home, feeds=feeds)
