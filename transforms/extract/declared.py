"""What a page declares about itself: meta tags, JSON-LD, and the names under which its outlet goes."""

import html
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final, Optional
from urllib.parse import urlsplit

from transforms.jsontext import whole_characters

_MAX_OBJECTS: Final = 500  # of JSON-LD, on one page
_MAX_DEPTH: Final = 4  # of @graph and mainEntity inside each other
_MAX_NAMES: Final = 50
_MAX_SECTION: Final = 200  # characters
_WORD = re.compile(r"\w+")
_QUOTES: Final = str.maketrans(dict.fromkeys('‘’‚‛`´“”„‟«»"', "'") | dict.fromkeys("‐‑‒–—―−", "-"))
_ARTICLE_TYPE = re.compile(r"Article|Posting|Report")
_PAGE_TYPE = re.compile(r"Recipe|WebPage|CreativeWork|HowTo|VideoObject")
_OUTLET_TYPES: Final = frozenset(("Organization", "NewsMediaOrganization", "WebSite"))
_OUTLET_META: Final = ("og:site_name", "application-name", "twitter:site", "publisher", "article:publisher")


def squeeze(text: Any) -> str:
    """Return `text` on one line with its entities resolved, "" for what is no text.

    JSON-LD is often escaped twice.
    """
    return " ".join(html.unescape(html.unescape(text)).split()) if isinstance(text, str) else ""


def fold(text: str) -> str:
    """Return the form in which two spellings of one title are equal."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold().split()).strip(" -|:'")


def as_list(value: Any) -> list[Any]:
    """Return a JSON-LD value, which may be one thing or several, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


class Declared:
    """The meta tags and JSON-LD objects of a page, and the folded names of its outlet."""

    def __init__(self, root: Any, url: str) -> None:
        self.url = url
        self.meta: dict[str, list[str]] = {}
        for element in root.iter("meta"):
            key = element.get("property") or element.get("name") or element.get("itemprop")
            value = squeeze(element.get("content"))
            if key and value:
                self.meta.setdefault(key.strip().lower(), []).append(value)
        self.objects = list(_objects(root))
        rated = sorted(((_rank(obj), n) for n, obj in enumerate(self.objects)), key=lambda pair: (-pair[0], pair[1]))
        self.articles = [self.objects[n] for rank, n in rated if rank]
        title = next(root.iter("title"), None)
        self.title_tag = squeeze("".join(title.itertext())) if title is not None else ""
        self.outlet_names = self._outlet_names()

    def first(self, *keys: str) -> str:
        """Return the content of the first of these meta tags that the page has, "" for none."""
        return next((self.meta[key][0] for key in keys if key in self.meta), "")

    def article(self, key: str) -> Any:
        """Return the value of `key` in the first JSON-LD article that has one, None for none."""
        return next((obj[key] for obj in self.articles if obj.get(key)), None)

    def types(self) -> str:
        """Return all types of the page's JSON-LD articles, separated by blanks."""
        return " ".join(kind for obj in self.articles for kind in as_list(obj.get("@type")) if isinstance(kind, str))

    def section(self) -> str:
        """Return the section that the page stands in, "" where it names none."""
        sections = (squeeze(item) for item in as_list(self.article("articleSection")))
        given = self.first("article:section") or next(filter(None, sections), "") or self.first("content_category")
        return given[:_MAX_SECTION]

    def is_outlet(self, name: str) -> bool:
        """Whether `name` is the outlet's own, in whole or for the most part."""
        flat = _flat(name)
        if not flat:
            return False
        for other in self.outlet_names:
            if flat == other:
                return True
            if len(flat) > 4 and len(other) > 4 and len(flat) < 40 and (flat in other or other in flat):
                return True
        return False

    def _outlet_names(self) -> frozenset[str]:
        names = [value for key in _OUTLET_META for value in self.meta.get(key, ())]
        for obj in self.objects:
            for item in as_list(obj.get("publisher")):
                names.append(squeeze(item.get("name") if isinstance(item, dict) else item))
            if any(kind in _OUTLET_TYPES for kind in as_list(obj.get("@type")) if isinstance(kind, str)):
                names.append(squeeze(obj.get("name")))
        host = (urlsplit(self.url).hostname or "").removeprefix("www.")
        names += [host, host.rsplit(".", 1)[0], *[label for label in host.split(".") if len(label) > 3]]
        return frozenset(flat for name in names[:_MAX_NAMES] if (flat := _flat(name)))


def _flat(name: str) -> str:
    """A name as letters and digits alone: "The Daily-Star" meets dailystar.example by containment."""
    return "".join(_WORD.findall(fold(name[:100])))


def _objects(root: Any) -> Iterator[dict[str, Any]]:
    left = _MAX_OBJECTS
    for script in root.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower() or not script.text:
            continue
        for obj in _flatten(_read_json(script.text), 0):
            if not left:
                return
            left -= 1
            yield obj


def _read_json(text: str) -> Any:
    """JSON as pages have it: strings broken over lines, an object closed twice or ended by a semicolon."""
    text = text.strip().removeprefix("<!--").removeprefix("//<![CDATA[").strip()
    try:
        return json.JSONDecoder(strict=False).raw_decode(whole_characters(text))[0]
    except (ValueError, RecursionError):
        return None


def _flatten(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(data, list):
        for item in data:
            if isinstance(item, dict):
                yield from _flatten(item, depth)
    elif isinstance(data, dict):
        yield data
        if depth < _MAX_DEPTH:
            for key in ("@graph", "mainEntity", "mainEntityOfPage"):
                yield from _flatten(data.get(key), depth + 1)


def _rank(obj: dict[str, Any]) -> int:
    types = " ".join(kind for kind in as_list(obj.get("@type")) if isinstance(kind, str))
    if _ARTICLE_TYPE.search(types):
        return 2
    return 1 if _PAGE_TYPE.search(types) else 0


def named(value: Any) -> Sequence[str]:
    """Return the names in a JSON-LD value of people or organisations."""
    names: list[str] = []
    for item in as_list(value)[:_MAX_NAMES]:
        found: Optional[Any] = item.get("name") if isinstance(item, dict) else item
        names += [name for name in as_list(found)[:_MAX_NAMES] if isinstance(name, str)]
    return [name for name in names if not name.startswith("http")]
