"""Cut a page into text blocks, each with the chain of containers that holds it.

One pass over the tree. Whatever weighs the text later reads blocks and never the tree again, which keeps a page under
the cost of one trafilatura call.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any, Final, Optional

from transforms.extract.vocabulary import BIT, groups_named

MAX_BLOCKS: Final = 20_000  # what lies beyond is not read; the longest page of the benchmarks has 3,700
HEADINGS: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SILENT: Final = frozenset(
    "script style noscript template svg iframe embed input select option textarea head link meta math map datalist "
    "progress img source".split()
)
# Read only where they hold prose: a page may close them too late, and the article is inside then.
_SWALLOWING: Final = frozenset("nav button object audio video canvas picture".split())
_INLINE: Final = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small "
    "span strike strong sub sup time tt u var wbr".split()
)
_NAMING: Final = ("class", "id", "role", "itemprop", "data-testid", "data-component", "aria-label", "property")
_BREAK: Final = "\0"  # stands for <br>; no text holds NUL
_BLANKS = re.compile(r"[ \t\r\n\f\v\u00a0\u200b\ufeff]+")
_HIDING = re.compile(r"display:\s*none|visibility:\s*hidden")
_SENTENCE_END: Final = tuple(".!?…:;。！？»”\"')]।؟۔")
_FIRST_IDEOGRAPH: Final = "\u2e7f"  # from here on a character says about as much as three Latin letters
_PROSE: Final = 60  # Latin letters
_LONG_PROSE: Final = 160  # the same; needs no full stop at its end
_SWALLOWED: Final = 300  # characters in its paragraphs from which a menu is more than a menu, a button than a button

_LOOKED_AT: Final = 1_000  # paragraphs of such an element; they may be nested, hundreds of levels deep


class Container:
    """A block-level element: what its names say, and how much text lies below it."""

    __slots__ = (
        "apart", "blocks", "chars", "clean", "depth", "first", "furniture", "groups", "itemtype", "kind", "last",
        "links", "parent", "prose", "suspect", "tag",
    )  # fmt: skip

    def __init__(self, parent: "Optional[Container]", tag: str, groups: int, hidden: bool, itemtype: str, kind: str):
        self.parent, self.tag, self.groups, self.itemtype, self.kind = parent, tag, groups, itemtype, kind
        self.depth: int = parent.depth + 1 if parent else 0
        self.chars = self.links = self.prose = self.blocks = 0  # below it: characters, those in links, of prose; blocks
        self.clean = 0  # characters of prose outside furniture
        self.first = self.last = -1  # indexes of the blocks below it
        self.apart = False  # it stands beside the article, as `features` settles
        self.furniture = hidden  # hidden now; `features` settles what else is furniture
        self.suspect = 0  # groups other than body's that it or a container above it is named after

    def chain(self) -> "Iterator[Container]":
        """Yield this container and those around it, innermost first."""
        at: Optional[Container] = self
        while at is not None:
            yield at
            at = at.parent


class Block:
    """A run of inline text inside one container; `index` is its place on the page."""

    __slots__ = ("bold", "chars", "container", "index", "inline", "link", "links", "prose", "text")

    def __init__(self, container: Container, text: str, link: int, bold: int, links: int, inline: int, index: int):
        self.container, self.text, self.index = container, text, index
        self.chars = len(text)
        self.link, self.bold = min(link, self.chars), min(bold, self.chars)  # characters in links, in bold
        self.links, self.inline = links, inline  # number of links; groups that every inline element around it names
        size = self.chars if text.isascii() else self.chars + sum(2 for c in text if c > _FIRST_IDEOGRAPH)
        ends = text.endswith(_SENTENCE_END)
        self.prose = size >= _PROSE and link < 0.4 * self.chars and (size > _LONG_PROSE or ends)


class Segments:
    """The blocks and containers of a page, in document order."""

    def __init__(self, blocks: list[Block], containers: list[Container], *, cut: bool) -> None:
        self.blocks, self.containers = blocks, containers
        self.cut = cut  # elements that are nested too deep were left out
        for block in blocks:
            prose = block.chars if block.prose else 0
            for container in block.container.chain():
                if container.first < 0:
                    container.first = block.index
                container.last = block.index
                container.chars += block.chars
                container.links += block.link
                container.prose += prose
                container.blocks += 1


def segment(root: Any, max_depth: int) -> Segments:
    """Return the first `MAX_BLOCKS` blocks of a tree, read down to `max_depth` nested elements."""
    return _Walk(max_depth).run(root)


class _Inside:
    """What the text directly in an element is inside of."""

    __slots__ = ("bold", "container", "depth", "inline", "link")

    def __init__(self, container: Optional[Container], link: bool, bold: bool, inline: int, depth: int) -> None:
        self.container, self.link, self.bold, self.inline, self.depth = container, link, bold, inline, depth


class _Walk:
    """Walks a tree with a stack of its own: no nesting exhausts Python's."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._containers: list[Container] = []
        self._blocks: list[Block] = []
        self._parts: list[str] = []
        self._link = self._bold = self._links = 0
        self._inline = -1  # all bits set: no text yet
        self._cut = False

    def run(self, root: Any) -> Segments:
        # Each item is an element to enter, the element whose end is reached, or the text after an element.
        stack: list[tuple[Any, _Inside]] = [(root, _Inside(None, False, False, 0, 0))]
        while stack and len(self._blocks) < MAX_BLOCKS:
            item, inside = stack.pop()
            if type(item) is str:
                self._add(item, inside)
            elif item is None:
                self._flush(inside.container)
            else:
                self._enter(item, inside, stack)
        return Segments(self._blocks, self._containers, cut=self._cut)

    def _enter(self, element: Any, around: _Inside, stack: list[tuple[Any, _Inside]]) -> None:
        tag = element.tag
        if tag in _SILENT or not isinstance(tag, str):
            return
        if around.depth >= self._max_depth:
            self._cut = True
            return
        if tag in _SWALLOWING and not _holds_prose(element):
            return
        if tag == "br":
            self._break(around.container)
            return
        if tag in _INLINE:
            inside = self._inline_element(element, tag, around)
        else:
            self._flush(around.container)
            container = _container(element, tag, around.container)
            self._containers.append(container)
            inside = _Inside(container, around.link, around.bold, around.inline, around.depth + 1)
            stack.append((None, inside))
        for child in reversed(element):
            if child.tail:
                stack.append((child.tail, inside))
            stack.append((child, inside))
        if element.text:
            self._add(element.text, inside)

    def _inline_element(self, element: Any, tag: str, around: _Inside) -> _Inside:
        inline = around.inline
        if name := element.get("class"):
            inline |= groups_named(name)
        if tag == "time":
            inline |= BIT["meta"]
        link = tag == "a" and not _holds_links(element)
        self._links += link
        return _Inside(
            around.container, around.link or link, around.bold or tag in ("b", "strong"), inline, around.depth + 1
        )

    def _add(self, text: str, inside: _Inside) -> None:
        self._parts.append(text)
        size = len(text.strip())
        if size:
            if inside.link:
                self._link += size
            if inside.bold:
                self._bold += size
            self._inline &= inside.inline

    def _break(self, container: Optional[Container]) -> None:
        """End a line; at the second <br> in a row the block."""
        while self._parts and not self._parts[-1].strip(" \t\r\n"):
            self._parts.pop()
        if self._parts and self._parts[-1] == _BREAK:
            self._flush(container)
        else:
            self._parts.append(_BREAK)

    def _flush(self, container: Optional[Container]) -> None:
        """End the block under way."""
        if self._parts and container is not None:
            lines = (_BLANKS.sub(" ", line).strip() for line in "".join(self._parts).split(_BREAK))
            text = "\n".join(line for line in lines if line)
            if any(c.isalnum() for c in text):
                inline = max(self._inline, 0)
                self._blocks.append(
                    Block(container, text, self._link, self._bold, self._links, inline, len(self._blocks))
                )
        self._parts = []
        self._link = self._bold = self._links = 0
        self._inline = -1


def _holds_links(link: Any) -> bool:
    """Whether links stand inside a link: the page has closed it too late, as it may be around a whole article."""
    return next(islice(link.iter("a"), 1, None), None) is not None


def _holds_prose(element: Any) -> bool:
    paragraphs = islice(element.iter("p"), _LOOKED_AT)
    return any(chars >= _SWALLOWED for chars in accumulate(len(paragraph.text or "") for paragraph in paragraphs))


def _container(element: Any, tag: str, parent: Optional[Container]) -> Container:
    if not element.attrib:
        return Container(parent, tag, 0, False, "", tag + ".")
    get = element.get
    names = "|".join([value for value in map(get, _NAMING) if value])
    style = get("style")
    hidden = bool(style and _HIDING.search(style)) or get("hidden") is not None or get("aria-hidden") == "true"
    kind = f"{tag}.{get('class') or ''}"
    return Container(parent, tag, groups_named(names) if names else 0, hidden, get("itemtype") or "", kind)
