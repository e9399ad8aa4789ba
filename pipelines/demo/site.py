"""The sites of the demo web: what each path of an outlet answers, from stories and templates."""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Optional

import jinja2
from pydantic import AwareDatetime

from schemas.settings import Model

HTML: Final = "text/html; charset=utf-8"
FEED_TYPES: Final = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
NOT_FOUND: Final = ""  # the path whose resource answers for every unknown one
_PICTURE: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><path fill="#789" d="M0 0h16v9H0z"/></svg>'
)
_TRACKING: Final = "?utm_source=social&utm_medium=feed&fbclid=demo"
_RELATED: Final = 4  # teasers on a page


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
            NOT_FOUND: Resource(HTTPStatus.NOT_FOUND, HTML, render("not_found.html")),
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
