"""Sitemaps, sitemap indexes and Google's news sitemaps (https://www.sitemaps.org/protocol.html)."""

from typing import Any, Optional

from lxml import etree

from transforms.feeds.dates import parse_date
from transforms.feeds.model import Feed, FeedItem
from transforms.feeds.text import absolute_link, plain_text


def read_sitemap(text: str, url: str, max_items: int) -> Optional[Feed]:
    """Return the sitemap in `text`, or None where its root is none of a sitemap.

    Where there are more URLs than `max_items` the newest stay. A plain sitemap's lastmod becomes `updated` and never
    `published`: it moves with each change of the page.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    kind = _local(root) if root is not None else ""
    if kind not in ("urlset", "sitemapindex"):
        return None
    found = [item for element in root if (item := _item(element, url)).link]
    if kind == "sitemapindex":
        return Feed("", None, [], children=[item.link for item in _newest_first(found)[:max_items]])
    items = found if len(found) <= max_items else _newest_first(found)[:max_items]
    language = next((said for element in root if (said := _texts(element).get("language"))), None)
    return Feed("", language, items, dropped=len(found) - len(items))


def _newest_first(items: list[FeedItem]) -> list[FeedItem]:
    """By date; undated ones keep their order, at the end."""
    return sorted(items, key=lambda item: -float(item.published or item.updated or 0))


def _item(element: Any, url: str) -> FeedItem:
    texts = _texts(element)
    return FeedItem(
        link=absolute_link(texts.get("loc", ""), url),
        title=plain_text(texts.get("title", "")),
        id="",
        published=parse_date(texts.get("publication_date", "")),
        updated=parse_date(texts.get("lastmod", "")),
        summary="",
        content="",
        authors=[],
        tags=[tag for word in texts.get("keywords", "").split(",") if (tag := plain_text(word))],
    )


def _texts(element: Any) -> dict[str, str]:
    """Texts by local name of a <url> and the <news:news> in it; pictures and videos have titles of their own."""
    texts: dict[str, str] = {}
    for child in element:
        name = _local(child)
        if name in ("loc", "lastmod"):
            texts.setdefault(name, child.text or "")
        elif name == "news":
            for leaf in child.iter():
                if (key := _local(leaf)) in ("title", "publication_date", "keywords", "language"):
                    texts.setdefault(key, leaf.text or "")
    return texts


def _local(element: Any) -> str:
    """The name without its namespace, lower-case; "" for comments and the like."""
    return str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
