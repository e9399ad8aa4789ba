"""Describe each block by numbers that mean the same on any site.

Left out one at a time, the groups of features are worth, in points of F1 by outlet-held-out cross-validation: shares of
prose .6, class words .4, place .1, title echo .1, line words .1. Structure carries the weights; wording helps.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from transforms.extract.declared import fold
from transforms.extract.segment import HEADINGS, Block, Container, Segments
from transforms.extract.vocabulary import ACTS, APART, BIT, BODY_LIKE, COOKIES, FURNITURE, GROUPS, acts_named

_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_STOP = re.compile(r"[.!?…。！？।؟۔]")
_COMMA = re.compile(r"[,;،؛、，]")
_ENDS = re.compile(r"[.!?…。！？।؟۔]['\"”’»)\]]*\s*$")
_OPENING_QUOTES: Final = tuple("\"“„«‘'‹「")
_URLISH = re.compile(r"https?://|www\.|@\w|\w@\w")
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")

_BLOCK_TAGS: Final = tuple(
    "p div li td h1 h2 h3 h4 blockquote pre figcaption span dd section article th dt".split()
)  # fmt: skip
_AROUND_TAGS: Final = tuple(
    "nav aside footer header figure form table ul blockquote article main details ol li a".split()
)
_AROUND_BIT: Final = {tag: 1 << position for position, tag in enumerate(_AROUND_TAGS)}
_INLINE_GROUPS: Final = ("related", "share", "meta", "caption", "bio", "signup", "hidden", "intro")
_FURNITURE_TAGS: Final = frozenset(("nav", "aside", "footer", "form", "figure", "figcaption"))

# A container that holds this share of the page's prose is the article, or holds it: its name says nothing.
_WHOLE: Final = 0.5
# So is one whose kind (tag and class) holds this share together: an article cut into slices.
_SPREAD: Final = 0.3
_BESIDE: Final = 250  # characters of prose from which there may be an article beside a container
_APART: Final = sum(APART.values())
_PROLIFIC: Final = APART["readers"] | APART["stream"] | APART["person"] | APART["cookies"]
_SIGNUP: Final = 1 << ACTS.index("signup")
_SHORT_HEADING: Final = 6  # words: of the dev pages' 26 containers with such a heading, none holds text of the article
_WALL: Final = 200  # characters: longer blocks that speak of registers and subscribers are of the article now and then
_MAIN: Final = 0.6  # share of the clean prose that the main container holds
_FAR: Final = 99  # blocks: further away makes no difference
_HEAD: Final = 300  # characters of a block that its pattern features look at
_QUOTED: Final = 40  # characters of a block looked up in JSON-LD's body and in the description


class Hints(NamedTuple):
    """What the page declares about its article, folded to single spaces."""

    title: str
    body: str  # JSON-LD articleBody
    lead: str  # description


class Weighable(NamedTuple):
    """The blocks worth weighing, and a row of features (`NAMES`) for each."""

    blocks: Sequence[Block]
    rows: npt.NDArray[np.float64]
    whole: bool = True  # False where the entries of a live blog were left out


def describe(segments: Segments, hints: Hints) -> Weighable:
    """Return what the weights need to know of a page's blocks."""
    if not segments.blocks:
        return Weighable([], np.zeros((0, len(NAMES))))
    page = _Page(segments, hints)
    blocks = [block for block in segments.blocks if not page.is_hopeless(block)]
    rows = np.array([page.row(block) for block in blocks]).reshape(len(blocks), len(NAMES))
    streams = any(
        container.apart and container.prose and container.groups & APART["stream"] for container in segments.containers
    )
    return Weighable(blocks, rows, whole=not streams)


def mark_furniture(containers: Sequence[Container], others: Set[Container] = frozenset()) -> None:
    """Settle which containers are furniture by name or tag, sparing any that holds the article itself.

    `others` are those that hold other articles: they stand apart.
    """
    total = max((container.prose for container in containers), default=0) or 1
    prose_of_kind: Counter[str] = Counter()
    for container in containers:
        prose_of_kind[container.kind] += container.prose
    headline = next((c.first for c in containers if c.tag == "h1" and c.first >= 0), -1)
    for container in containers:
        around = container.parent
        holds_article = _holds_article(container, total, prose_of_kind, headline)
        suspect = 0 if holds_article else container.groups & ~BODY_LIKE
        named = not holds_article and (container.tag in _FURNITURE_TAGS or bool(suspect & FURNITURE))
        hidden = container.furniture and not holds_article
        container.suspect = suspect | (around.suspect if around else 0)
        apart = container in others or _stands_apart(container, total, headline)
        container.apart = apart or bool(around and around.apart)
        container.furniture = named or hidden or container.apart or bool(around and around.furniture)


def _stands_apart(container: Container, total: int, headline: int) -> bool:
    """Whether a container is named outright as what stands beside articles, and an article can stand beside it.

    On the annotated pages 268,000 characters stand in such containers; 1,800 of them are in articles, too, most of
    them quoted from there by readers.
    """
    if not container.groups & _APART or container.groups & BODY_LIKE or total - container.prose < _BESIDE:
        return False
    if headline >= 0 and container.first <= headline <= container.last:
        return False
    # Readers, tickers and lawyers may write more than the author; only a headline elsewhere tells them from an article.
    return container.prose < _WHOLE * total or (headline >= 0 and bool(container.groups & _PROLIFIC))


def _name_by_text(blocks: Sequence[Block]) -> None:
    """A container that opens with "Sign up for our newsletter" is as good as named so; so is a dialog about cookies."""
    for block in blocks:
        if COOKIES.search(block.text):
            for at in block.container.chain():
                if at.groups & BIT["consent"]:
                    at.groups |= APART["cookies"]
        around = block.container.parent
        if block.container.tag in HEADINGS and around is not None and around.first == block.index:
            words = [word.lower() for word in _WORD.findall(block.text[:_HEAD])]
            if 0 < len(words) <= _SHORT_HEADING and acts_named(words) & _SIGNUP:
                around.groups |= APART["appeal"]


def _is_wall(block: Block) -> bool:
    """Whether a line in a container named after a paywall asks for a subscription. Nobody keeps such a line."""
    if block.chars > _WALL or not block.container.suspect & BIT["wall"]:
        return False
    return bool(acts_named([word.lower() for word in _WORD.findall(block.text)]) & _SIGNUP)


def other_articles(segments: Segments, title: str) -> frozenset[Container]:
    """Return the <article> elements beside the one that holds the title: the next story, teasers, readers' comments.

    On the annotated pages 79,000 characters of prose stand in such elements; 700 of them are in articles, too, quoted
    from there by readers.
    """
    echo = fold(title)
    headings = [block for block in segments.blocks if block.container.tag in HEADINGS]
    headline = next((b for b in headings if fold(b.text) == echo), None)
    headline = headline or next((b for b in headings if b.container.tag == "h1"), None)
    if headline is None:
        return frozenset()
    outermost = [
        container
        for container in segments.containers
        if container.tag == "article" and all(at.tag != "article" for at in islice(container.chain(), 1, None))
    ]
    own = next((at for at in outermost if at.first <= headline.index <= at.last), None)
    if own is None or own.prose < _BESIDE:
        return frozenset()
    return frozenset(container for container in outermost if container is not own)


def _holds_article(container: Container, total: int, prose_of_kind: Mapping[str, int], headline: int) -> bool:
    if container.groups & BIT["comment"]:
        # Readers may write more than the author: only the headline tells a page from its comments.
        if headline >= 0:
            return container.first <= headline <= container.last
        return container.prose >= 0.9 * total
    if container.prose >= _WHOLE * total:
        return True
    if container.groups & BIT["body"] and container.prose >= 0.2 * total:
        return True
    return (
        prose_of_kind[container.kind] >= _SPREAD * total
        and container.prose > 0.7 * container.chars
        and container.links < 0.15 * container.chars
        and container.tag not in _FURNITURE_TAGS
    )


def sum_clean_prose(blocks: Sequence[Block]) -> int:
    """Add the prose outside furniture to each container above it; return the page's."""
    total = 0
    for block in blocks:
        if block.prose and not block.container.furniture:
            total += block.chars
            for container in block.container.chain():
                container.clean += block.chars
    return total


def main_container(containers: Sequence[Container], total: int) -> Container:
    """Return the deepest container that still holds most of the clean prose."""
    best = containers[0]
    for container in containers:
        if container.clean and container.clean >= _MAIN * total and container.depth >= best.depth:
            best = container
    return best


class _Page:
    """What a block's features need to know of the page around it."""

    def __init__(self, segments: Segments, hints: Hints) -> None:
        blocks = segments.blocks
        _name_by_text(blocks)
        mark_furniture(segments.containers, other_articles(segments, hints.title))
        self.total = sum_clean_prose(blocks) or 1
        self.main = main_container(segments.containers, self.total)
        self.hints = hints
        self.title_words = frozenset(word.lower() for word in _WORD.findall(hints.title))
        prose = [block.index for block in blocks if self._is_clean(block)]
        self.first, self.last = (prose[0], prose[-1]) if prose else (0, len(blocks) - 1)
        self.count = len(blocks)
        self.copies = Counter(block.text for block in blocks)
        self.kinds: dict[str, list[int]] = {}  # characters, characters of clean prose, blocks
        for block in blocks:
            sums = self.kinds.setdefault(block.container.kind, [0, 0, 0])
            sums[0] += block.chars
            sums[1] += block.chars if block.prose and not block.container.furniture else 0
            sums[2] += 1
        self.before = self._gaps(blocks)
        self.after = self._gaps(blocks[::-1])[::-1]
        self._container_rows: dict[Container, list[float]] = {}

    def row(self, block: Block) -> list[float]:
        container = block.container
        shared = self._container_rows.get(container)
        if shared is None:
            shared = self._container_rows[container] = self._container_features(container)
        return [*self._text_features(block), *shared, *self._place_features(block)]

    def is_hopeless(self, block: Block) -> bool:
        """Furniture that need not be weighed: two blocks of three, holding .4 % of what people keep."""
        if block.container.apart or _is_wall(block):
            return True
        if block.prose:
            return False
        outside = not self._in_main(block)
        furniture = block.container.furniture
        return (block.link > 0.5 * block.chars and (outside or furniture)) or (outside and furniture)

    def _in_main(self, block: Block) -> bool:
        return self.main.first <= block.index <= self.main.last

    def _is_clean(self, block: Block) -> bool:
        return block.prose and not block.container.furniture and self._in_main(block)

    def _gaps(self, blocks: Sequence[Block]) -> list[int]:
        """Blocks between each block and the last clean prose before it."""
        out, gap = [], _FAR
        for block in blocks:
            out.append(gap)
            gap = 0 if self._is_clean(block) else min(gap + 1, _FAR)
        return out

    def _text_features(self, block: Block) -> list[float]:
        text, chars = block.text, block.chars
        head = text[:_HEAD]
        words = _WORD.findall(text[: 2 * _HEAD])
        count = len(words) or 1
        low = [word.lower() for word in words] if chars < 400 else []
        titled = sum(word in self.title_words for word in low) / count
        covered = len(self.title_words.intersection(low)) / len(self.title_words) if self.title_words else 0.0
        acts = acts_named(low) if low else 0
        upper = sum(word.isupper() and len(word) > 1 for word in words) / count
        opening = text[:_QUOTED]
        return [
            math.log1p(chars),
            math.log1p(count),
            chars < 25,
            chars < 80,
            chars > 200,
            block.link / chars,
            block.link > 0.9 * chars,
            block.links > 0,
            min(block.links, 8) / 8,
            block.bold / chars,
            block.bold > 0.9 * chars,
            upper,
            upper > 0.8,
            sum(word[0].isupper() for word in words) / count,
            bool(_ENDS.search(text[-12:])),
            min(len(_STOP.findall(head)), 6) / 6,
            min(len(_COMMA.findall(head)), 8) / 8,
            len(_DIGIT.findall(head)) / len(head),
            text.startswith(_OPENING_QUOTES),
            bool(_URLISH.search(head)),
            bool(_DATE.search(head)),
            covered,
            covered > 0.8 and titled > 0.7,
            covered > 0.6,
            "|" in head or "•" in head or "·" in head,
            text.endswith(":"),
            text.endswith("?"),
            self.copies[text] > 1,
            chars > 20 and opening in self.hints.body,
            bool(self.hints.body),
            chars > 30 and opening in self.hints.lead,
            block.prose,
            block.container.tag in HEADINGS,
            *[block.container.tag == tag for tag in _BLOCK_TAGS],
            *[acts >> position & 1 for position in range(len(ACTS))],
            *[bool(block.inline & BIT[group]) for group in _INLINE_GROUPS],
        ]

    def _container_features(self, container: Container) -> list[float]:
        """What the containers of a block say; the same for all blocks of a container."""
        chain = list(container.chain())
        near = around = names = 0
        for level, at in enumerate(chain):
            if at.prose < _WHOLE * self.total or at.tag in ("article", "main"):
                around |= _AROUND_BIT.get(at.tag, 0)
            names |= at.groups
            if level < 3:
                near |= at.groups
        parent, grand = chain[min(1, len(chain) - 1)], chain[min(2, len(chain) - 1)]
        shares = [at.clean / self.total for at in chain[:5]]
        kind = self.kinds.get(container.kind, [1, 0, 1])
        return [
            *[bool(container.groups & bit) for bit in BIT.values()],
            *[bool(near & container.suspect & bit) for bit in BIT.values()],
            *[bool(container.suspect & bit) for bit in BIT.values()],
            *[bool(around & bit) for bit in _AROUND_BIT.values()],
            *shares,
            *[1.0] * (5 - len(shares)),
            bool(names & BIT["body"]),
            any("LiveBlog" in at.itemtype for at in chain),
            self.main in chain,
            container.furniture,
            container is self.main,
            parent is self.main,
            grand is self.main,
            (container.depth - self.main.depth) / 8,
            container.links / max(container.chars, 1),
            parent.links / max(parent.chars, 1),
            grand.links / max(grand.chars, 1),
            parent.clean / max(parent.chars, 1),
            grand.clean / max(grand.chars, 1),
            math.log1p(parent.chars),
            math.log1p(parent.blocks),
            math.log1p(grand.blocks),
            kind[1] / self.total,
            kind[1] / max(kind[0], 1),
            math.log1p(kind[2]),
        ]

    def _place_features(self, block: Block) -> list[float]:
        at, first, last = block.index, self.first, self.last
        before, after = self.before[at], self.after[at]
        return [
            at / self.count,
            at < first,
            at > last,
            first <= at <= last,
            min(max((at - first) / max(last - first, 1), -1), 2),
            math.log1p(max(first - at, 0)),
            math.log1p(max(at - last, 0)),
            math.log1p(before),
            math.log1p(after),
            before == 0,
            after == 0,
            before == 0 and after == 0,
            before > 5 and after > 5,
            self._in_main(block),
            at == first,
            at == last,
            math.log1p(last - at) if at <= last else 0.0,
        ]


NAMES: Final = (
    *"log_chars log_words under_25 under_80 over_200 link all_link has_link links bold all_bold".split(),
    *"upper all_upper capital ends stops commas digits quote urlish date title_cover title_echo title_some".split(),
    *"bars colon question copy in_json has_json in_lead prose heading".split(),
    *[f"tag_{tag}" for tag in _BLOCK_TAGS],
    *[f"act_{act}" for act in ACTS],
    *[f"inline_{group}" for group in _INLINE_GROUPS],
    *[f"own_{group}" for group in GROUPS],
    *[f"near_{group}" for group in GROUPS],
    *[f"suspect_{group}" for group in GROUPS],
    *[f"in_{tag}" for tag in _AROUND_TAGS],
    *"share_0 share_1 share_2 share_3 share_4 in_body liveblog in_main furniture is_main parent_main".split(),
    *"grand_main depth container_link parent_link grand_link parent_clean grand_clean parent_chars".split(),
    *"parent_blocks grand_blocks kind_share kind_clean kind_count".split(),
    *"place before_first after_last between rel_place to_first past_last gap_before gap_after".split(),
    *"touch_before touch_after touch_both remote in_main_span is_first is_last to_last".split(),
)
