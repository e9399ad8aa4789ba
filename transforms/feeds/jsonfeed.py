"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from transforms.feeds.model import RawFeed, RawItem
from transforms.feeds.text import absolute_link
from transforms.feeds.xmlfeed import permalink
from transforms.jsontext import whole_characters

_ITEMS = re.compile(r'"items"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,?\s*")
_DECODER = json.JSONDecoder(strict=False)  # raw line breaks inside strings are common


def read_json(text: str, url: str, max_items: int) -> Optional[RawFeed]:
    """Return the JSON Feed in `text`, whole items only where it is cut off, or None where it is none."""
    feed = _load(whole_characters(text))
    if feed is None or "jsonfeed.org" not in str(feed.get("version")) or not isinstance(feed.get("items", []), list):
        return None
    items = [item for item in feed.get("items", []) if isinstance(item, dict)]
    return RawFeed(
        title=_string(feed, "title"),
        language=_string(feed, "language"),
        items=[_item(item, url) for item in items[:max_items]],
        dropped=max(0, len(items) - max_items),
    )


def _load(text: str) -> Optional[dict[str, Any]]:
    try:
        data = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _whole_part(text)
    return data if isinstance(data, dict) else None


def _whole_part(text: str) -> Optional[dict[str, Any]]:
    """The head before "items", and the items up to the first that cannot be read."""
    start = _ITEMS.search(text)
    if not start:
        return None
    try:
        head = _DECODER.decode(text[: start.start()].rstrip().rstrip(",") + "}")
    except (ValueError, RecursionError):
        return None
    return {**head, "items": list(_objects(text, start.end()))}


def _objects(text: str, position: int) -> Iterator[Any]:
    while True:
        try:
            item, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield item
        gap = _NEXT.match(text, position)
        position = gap.end() if gap else position


def _item(item: Mapping[str, Any], url: str) -> RawItem:
    item_id = _string(item, "id")
    authors = item.get("authors")  # 1.1; 1.0 has one "author"
    authors = authors if isinstance(authors, list) else [item.get("author")]
    tags = item.get("tags")
    content = _string(item, "content_html") or _paragraphs(_string(item, "content_text"))
    own = absolute_link(_string(item, "url"), url) or permalink(item_id, url)
    return RawItem(
        link=own or absolute_link(_string(item, "external_url"), url),
        id=item_id,
        title=_string(item, "title"),
        published=[_string(item, "date_published"), _string(item, "date_modified")],
        updated=_string(item, "date_modified"),
        summary=_string(item, "summary"),
        content=content,
        authors=[_string(author, "name") for author in authors if isinstance(author, dict)],
        tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
    )  # fmt: skip


def _paragraphs(text: str) -> str:
    """Plain text as HTML, so that `content` is always markup."""
    return "".join(f"<p>{html.escape(part)}</p>" for part in text.splitlines() if part.strip())


def _string(data: Mapping[str, Any], key: str) -> str:
    """A string, or a number written as one: JSON Feed 1.0 lets ids be numbers."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)
