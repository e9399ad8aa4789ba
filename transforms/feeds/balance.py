"""Broken markup to well-formed markup: elements closed, attributes quoted, prefixes declared.

For feeds that an XML parser refuses. What a feed means is clearer than what its tags say: a title cannot hold a guid,
an item cannot hold an item, so an element that was left open ends where the next of its kind begins.
"""

import re
from collections.abc import Iterator
from typing import Final

MAX_DEPTH: Final = 200  # nested elements; deeper ones lose their tags and keep their text

# Elements of an item that hold text or HTML, never one another. An author holds a name: the one exception.
_FIELDS: Final = frozenset(
    ("title", "link", "description", "guid", "pubdate", "summary", "id", "updated", "published", "issued", "modified",
     "created", "category", "comments", "enclosure", "content:encoded", "content", "author", "contributor", "name",
     "dc:creator", "dc:date", "dc:subject", "dc:title", "dc:description", "feedburner:origlink", "lastbuilddate",
     "language", "ttl", "copyright", "generator")
)  # fmt: skip
_PEOPLE: Final = frozenset(("author", "contributor"))
_ITEMS: Final = frozenset(("item", "entry"))
_HOLD_ITEMS: Final = frozenset(("channel", "feed", "rss", "rdf:rdf"))

_NAME: Final = r"[a-zA-Z_][a-zA-Z0-9_.-]*(?::[a-zA-Z_][a-zA-Z0-9_.-]*)?"
_MARKUP = re.compile(  # a tag ends before the next "<", so each character is looked at a bounded number of times
    r"<!\[CDATA\[|<!--|<\?[^<>]*>|<![^<>]*>"  # the first two are followed to their own ends
    rf"|</(?P<end>{_NAME})[^<>]*(?:>|(?=<))"
    rf"|<(?P<start>{_NAME})(?P<attributes>(?:\"[^\"<]*\"|'[^'<]*'|[^\"'<>])*|[^<>]*)>"
)
_ATTRIBUTE = re.compile(rf"({_NAME})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")

_NAMESPACES: Final = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "media": "http://search.yahoo.com/mrss/",
    "atom": "http://www.w3.org/2005/Atom",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
}


def balanced(text: str) -> str:
    """Return the document in `text`, which begins with its root element, made well-formed.

    >>> balanced("<rss><item><title>A<dc:date>2026</item><item>B")
    '<rss xmlns:dc="http://purl.org/dc/elements/1.1/"><item><title>A</title><dc:date>2026</dc:date></item><item>B</item></rss>'
    """
    return _Balancer(text).document()


class _Balancer:
    """One walk over the tags, with the stack of what is open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[str] = []
        self.prefixes: set[str] = set()

    def document(self) -> str:
        pieces = self._pieces()
        root = next((piece for piece in pieces if piece), "")
        rest = "".join(pieces)  # the whole walk: now all prefixes are known
        declarations = "".join(
            f' xmlns:{prefix}="{_NAMESPACES.get(prefix, "urn:undeclared:" + prefix)}"'
            for prefix in sorted(self.prefixes)
            if f" xmlns:{prefix}=" not in root
        )
        return re.sub(r"/?>$", lambda end: declarations + end[0], root) + rest

    def _pieces(self) -> Iterator[str]:
        position = 0
        while found := _MARKUP.search(self.text, position):
            yield self._plain(position, found.start())
            position = found.end()
            if found["start"]:
                yield from self._start(found["start"], found["attributes"])
            elif found["end"]:
                yield from self._close(found["end"])
            elif found[0] == "<![CDATA[":
                end = self.text.find("]]>", position)
                yield self.text[found.start() : end if end >= 0 else None] + "]]>"
                position = end + 3 if end >= 0 else len(self.text)
            elif found[0] == "<!--":
                end = self.text.find("-->", position)
                position = end + 3 if end >= 0 else len(self.text)
            if not self.open:
                return  # the root is closed: what follows is junk
        yield self._plain(position, len(self.text))
        yield from self._until(0)

    def _plain(self, start: int, end: int) -> str:
        return self.text[start:end].replace("<", "&lt;").replace("]]>", "]]&gt;")

    def _start(self, name: str, attributes: str) -> Iterator[str]:
        yield from self._until(self._end_of_sibling(name.lower()))
        if len(self.open) >= MAX_DEPTH:
            return
        inner = attributes.rstrip()
        empty = inner.endswith("/")
        values: dict[str, str] = {}
        for key, double, single, bare in _ATTRIBUTE.findall(inner.removesuffix("/")):
            values.setdefault(key, (double or single or bare).replace('"', "&quot;"))
        self.prefixes.update(key.partition(":")[0] for key in (name, *values) if ":" in key)
        self.prefixes -= {"xmlns", "xml"}
        pairs = "".join(f' {key}="{value}"' for key, value in values.items())
        yield f"<{name}{pairs}{'/' * empty}>"
        if not empty:
            self.open.append(name)

    def _end_of_sibling(self, name: str) -> int:
        """The depth to which elements end before `name` can begin."""
        if name in _ITEMS:
            holders = (depth for depth in range(len(self.open), 0, -1) if self.open[depth - 1].lower() in _HOLD_ITEMS)
            return next(holders, 1 if self.open else 0)
        if name in _FIELDS:
            return self._outermost(_FIELDS - _PEOPLE if name == "name" else _FIELDS, self._depth_of_item())
        return len(self.open)

    def _depth_of_item(self) -> int:
        return next((depth for depth, name in enumerate(self.open) if name.lower() in _ITEMS), 0)

    def _outermost(self, names: frozenset[str], above: int) -> int:
        depths = (depth for depth in range(above, len(self.open)) if self.open[depth].lower() in names)
        return next(depths, len(self.open))

    def _close(self, name: str) -> Iterator[str]:
        """End `name` and all that is open in it; a closing tag without its opening one is left out."""
        for depth in range(len(self.open) - 1, -1, -1):
            if self.open[depth].lower() == name.lower():
                yield from self._until(depth)
                return

    def _until(self, depth: int) -> Iterator[str]:
        while len(self.open) > depth:
            yield f"</{self.open.pop()}>"
