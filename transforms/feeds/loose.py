"""The forgiving reader: feedparser's, for what mending did not make readable, with its known faults fenced in."""

from typing import Any, Final, Optional

from feedparser.api import LooseFeedParser

from transforms.feeds.hints import read_hints
from transforms.feeds.model import RawFeed, RawItem
from transforms.feeds.text import absolute_link
from transforms.feeds.xmlfeed import permalink

MAX_TAGS: Final = 200  # of one item: feedparser compares each new one with all before it


class _Enough(Exception):
    """The bound on items is reached."""


class _GuardedParser(LooseFeedParser):
    """feedparser's loose parser, without what a news reader would not have done."""

    def __init__(self, url: str, max_items: int) -> None:
        super().__init__(url, None, "utf-8", {})
        self.resolve_relative_uris = self.sanitize_html = False  # we take the text out; markup goes nowhere else
        self.max_items = max_items

    def _start_item(self, attrs: dict[str, str]) -> None:
        if len(self.entries) >= self.max_items:
            raise _Enough
        super()._start_item(attrs)

    _start_entry = _start_item

    def _start_media_description(self, attrs: dict[str, str]) -> None:  # else it replaces the item's own summary
        self.push("media_description", 1)

    def _end_media_description(self) -> None:
        self.pop("media_description")

    def _start_media_title(self, attrs: dict[str, str]) -> None:
        self.push("media_title", 1)

    def _end_media_title(self) -> None:
        self.pop("media_title")

    def _add_tag(self, term: Any, scheme: Any, label: Any) -> None:
        if len(self._get_context().setdefault("tags", [])) < MAX_TAGS:
            super()._add_tag(term, scheme, label)


def read_loose(text: str, url: str, max_items: int) -> Optional[RawFeed]:
    """Return what feedparser finds in `text`, None where it finds no item."""
    parser = _GuardedParser(url, max_items)
    dropped = 0
    try:
        parser.feed(text)
        parser.close()
    except _Enough:
        dropped = text.count("<item") + text.count("<entry") - max_items
    except Exception:  # noqa: S110  # it trips over markup in many ways; the items it had read until then are whole
        pass
    if not parser.entries:
        return None
    head = parser.feeddata
    texts = {name: [_plain(head, name.replace(":", "_"))] for name in ("ttl", "sy:updateperiod", "sy:updatefrequency")}
    return RawFeed(
        title=_plain(head, "title"),
        language=_plain(head, "language"),
        items=[_item(entry, url) for entry in parser.entries],
        hints=read_hints(texts),
        dropped=max(0, dropped),
    )


def _item(entry: Any, url: str) -> RawItem:
    item_id = _plain(entry, "id")
    link = _plain(entry, "feedburner_origlink") or _plain(entry, "pheedo_origlink") or _plain(entry, "link")
    link = absolute_link(link, url)
    if not link and dict.get(entry, "guidislink", True):
        link = permalink(item_id, url)
    contents = dict.get(entry, "content") or [{"value": ""}]
    return RawItem(
        link=link,
        id=item_id,
        title=_plain(entry, "title"),
        published=[_plain(entry, name) for name in ("published", "created", "updated") if name in entry],
        updated=_plain(entry, "updated"),
        summary=_plain(entry, "summary"),
        content=contents[0]["value"],
        authors=[name for author in dict.get(entry, "authors", ()) if (name := author.get("name") or "")]
        or ([_plain(entry, "author")] if "author" in entry else []),
        tags=[tag["term"] for tag in dict.get(entry, "tags", ()) if tag["term"]],
    )


def _plain(data: Any, key: str) -> str:
    """The value feedparser stored, without the stand-ins that its dictionary makes up for missing keys."""
    value = dict.get(data, key)
    return value if isinstance(value, str) else ""
