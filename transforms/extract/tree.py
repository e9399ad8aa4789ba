"""Bytes to an element tree, at bounded cost.

A page is cut after a number of tags, which bounds the tree and all that walks it later; its text is bounded by the size
of what was fetched. libxml2 reads in linear time and gives up beyond 2,048 nested elements, with one exception: each
attribute is appended by walking the list of those before it, so that a tag of n attributes costs n². A page for which
that could matter is read through callbacks instead, which keep the first attributes of each tag only.
"""

import re
from typing import Any, Final

from lxml import etree
from lxml import html as lxml_html

from schemas.records import RejectReason
from transforms.extract.errors import NoArticle

_MAX_TAGS: Final = 100_000  # opening and closing; the largest page of the benchmarks has 41,000
_MAX_ATTRIBUTES: Final = 64  # of one tag, on pages read through callbacks
# Appending to n attributes takes 2.1 ns × n² (measured). A name in a tag is distinct, ends at one of the separators
# below, and takes 5 bytes or more; so reading takes at most 2.1 ns × distinct words × bytes / 5, here 2 seconds.
_MAX_WORK: Final = 5e9
# libxml2 drops what follows </html>; browsers, and pages put together from two documents, do not.
_ENDS = re.compile(rb"</(?:body|html)\s{0,9}>", re.I)
_SEPARATORS: Final = bytes.maketrans(b"/>=", b"   ")
_NOT_HTML: Final = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF")


def parse(data: bytes) -> Any:
    """Return the root element of a page in UTF-8.

    Raises:
        NoArticle: no_text for a page without elements, parse_failed for other formats.
    """
    if data.lstrip()[:8].startswith(_NOT_HTML):
        raise NoArticle(RejectReason.PARSE_FAILED, f"not HTML: starts with {data.lstrip()[:8]!r}")
    data = _ENDS.sub(b"", _cut(data))
    options = {"encoding": "utf-8", "remove_comments": True, "remove_pis": True, "huge_tree": True}
    target = {"target": _Builder()} if _may_be_quadratic(data) else {}
    try:
        root = lxml_html.document_fromstring(data, parser=lxml_html.HTMLParser(**options, **target))
    except (etree.ParserError, etree.XMLSyntaxError) as error:  # "Document is empty"
        raise NoArticle(RejectReason.NO_TEXT, str(error)) from error
    except (ValueError, AssertionError, etree.LxmlError) as error:
        raise NoArticle(RejectReason.PARSE_FAILED, f"{type(error).__name__}: {error}") from error
    if root is None:
        raise NoArticle(RejectReason.NO_TEXT, "no elements")
    return root


def _cut(data: bytes) -> bytes:
    """What comes before the first tag too many. "<" in scripts counts too: it costs a megabyte of them to matter."""
    if data.count(b"<") <= _MAX_TAGS:
        return data
    return b"<".join(data.split(b"<", _MAX_TAGS + 1)[:-1])


def _may_be_quadratic(data: bytes) -> bool:
    if len(data) ** 2 / 5 < _MAX_WORK:
        return False
    return len(data) * len(set(data.translate(_SEPARATORS).split())) > _MAX_WORK


class _Builder:
    """Builds the tree from the parser's callbacks."""

    def __init__(self) -> None:
        self._builder = etree.TreeBuilder(element_factory=lxml_html.html_parser.makeelement)
        self._started = False
        self._depth = 0

    def start(self, tag: str, attributes: Any) -> None:
        self._started = True
        self._depth += 1
        items = attributes.items()
        self._builder.start(tag, dict(list(items)[:_MAX_ATTRIBUTES]))

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)

    def data(self, text: str) -> None:
        if self._depth:
            self._builder.data(text)

    def close(self) -> Any:
        return self._builder.close() if self._started else None
