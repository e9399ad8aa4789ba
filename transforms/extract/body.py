"""The text of an article: weigh the blocks of the page, and ask trafilatura where the weights are unsure."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import trafilatura
from trafilatura.settings import Document

from transforms.extract.declared import Declared, as_list, fold, squeeze
from transforms.extract.features import Hints, Weighable, describe
from transforms.extract.model import Floats, Trees, best_cut, load
from transforms.extract.segment import HEADINGS, Block, Segments
from transforms.extract.state import scripts_of, text_in_scripts

_UNSURE: Final = 0.95  # expected F1 under which trafilatura is asked: one page in six
_STILL_UNSURE: Final = 0.935  # expected F1 under which its choice is taken whole
_WITHIN: Final = 0.9  # share of the smaller choice's characters from which it lies within the larger one
_TOO_MUCH: Final = 2.5  # times the smaller choice: of two choices that differ so much, one has gone wrong
_LOST: Final = 0.25  # share of our choice under which trafilatura has lost the article
_SCANT: Final = 250  # characters: a shorter body is more often a failure than a brief
_REPEATED: Final = 160  # characters from which a paragraph is not said twice, but printed twice
_COPY: Final = 0.3  # share of the text from which one block may be a copy of all the others
_SAMPLED: Final = 20  # of the others, looked for in it
_STATE_QUALITY: Final = 0.7  # measured F1 of JSON-LD bodies against gold is .79 to .92; a state is less certain
_LIVE_INTRO: Final = 200  # characters of prose a live page must give before its first entry to stand alone
_MAX_ADVISED: Final = 4_000  # blocks of a page that trafilatura is asked about: its time is not ours to bound


class Body(NamedTuple):
    """What is kept of a page."""

    text: str
    kept: Sequence[Block]
    method: str  # "blocks", "advised" (trafilatura's choice weighed in), "trafilatura" or "scripts"
    quality: float  # expected F1, 0..1
    live: bool = False  # the entries of a live blog were left out


def pick_body(
    segments: Segments, root: Any, declared: Declared, title: str, check: Callable[[], None] = lambda: None
) -> Body:
    """Return the article's text. May spoil `root`: call it last. `check` is called between the steps."""
    scripts = scripts_of(root)
    weighable = candidates(segments, declared, title)
    check()
    body = decide(weighable, _model(), lambda: second_opinion(root, declared.url, title))
    check()
    return or_from_scripts(body, scripts, check)._replace(live=not weighable.whole)


def or_from_scripts(body: Body, scripts: Sequence[str], check: Callable[[], None] = lambda: None) -> Body:
    """Return `body`, or what the page's scripts hold where the markup shows next to no text."""
    if len(body.text) < _SCANT:
        state = text_in_scripts(scripts, check)
        if len(state) > max(_SCANT, 2 * len(body.text)):
            return Body(state, [], "scripts", _STATE_QUALITY)
    return body


def candidates(segments: Segments, declared: Declared, title: str) -> Weighable:
    """Return the blocks that may be of the article, described."""
    hints = Hints(title, squeeze(declared.article("articleBody")), declared.first("description", "og:description"))
    weighable = _before_live_entries(describe(segments, hints), segments, declared)
    echo = fold(title)
    return _keep(weighable, lambda block: block.container.tag not in HEADINGS or fold(block.text) != echo)


def decide(weighable: Weighable, model: Mapping[str, Trees], ask: Callable[[], str]) -> Body:
    """Return the blocks worth keeping; `ask` gives trafilatura's choice and is called where that is needed only.

    Where the weights are unsure, trafilatura's choice is weighed in, unless it is so small a part of ours that it has
    lost the article. Where they stay unsure although they know it, and one of the two choices lies within the other,
    trafilatura's is taken: whole lists and second articles are at stake then, which no weight of single blocks notices.
    It is not taken where one choice is far larger than the other: trafilatura has kept the menus then, or lost most of
    the article. `_UNSURE`, `_LOST` and `_WITHIN` were chosen on the pages that `benchmarks.fit_extraction` scores,
    `_TOO_MUCH` on these pages without their class names and scripts.
    """
    blocks, rows = weighable.blocks, weighable.rows
    may_ask = len(blocks) <= _MAX_ADVISED
    kept: Sequence[Block] = []
    method, quality, told = "blocks", 0.0, ""
    if blocks:
        chars = np.array([block.chars for block in blocks], dtype=float)
        probability = model["alone"].probability(rows)
        bar, quality = best_cut(probability, chars)
        if quality < _UNSURE and may_ask:
            told = ask()
            if len(told) >= _LOST * chars[probability >= bar].sum():
                method, advised = "advised", advice(blocks, told)
                probability = model["advised"].probability(np.concatenate([rows, advised], axis=1))
                bar, quality = best_cut(probability, chars)
                taken, ours = advised[:, 0] > 0, probability >= bar
                smaller, larger = sorted((float(chars[ours].sum()), float(len(told))))
                nested = chars[taken & ours].sum() > _WITHIN * smaller and larger < _TOO_MUCH * smaller
                if nested and quality < _STILL_UNSURE and weighable.whole:
                    return _as_told(told, [block for block, by in zip(blocks, taken, strict=True) if by], quality)
        kept = [block for block, likely in zip(blocks, probability, strict=True) if likely >= bar]
    text = join(kept)
    if len(text) < _SCANT and may_ask:
        told = told or ask()
        if len(told) > 2 * len(text):
            return _as_told(told, [], quality)
    return Body(text, kept, method, quality)


def _as_told(told: str, kept: Sequence[Block], quality: float) -> Body:
    return Body(told.replace("\n", "\n\n"), kept, "trafilatura", quality)


def second_opinion(root: Any, url: str, title: str) -> str:
    """Return what trafilatura's fast pass keeps of a tree (which it may spoil): a paragraph a line, no title."""
    found = trafilatura.bare_extraction(root, url=url, include_comments=False, fast=True, with_metadata=False)
    lines = (found.text or "").split("\n") if isinstance(found, Document) else []
    squeezed = [" ".join(line.removeprefix("- ").split()) for line in lines]
    echo = fold(title)
    return "\n".join(line for line in squeezed if any(map(str.isalnum, line)) and fold(line) != echo)


def advice(blocks: Sequence[Block], told: str) -> Floats:
    """Return for each block whether the other extractor kept it and its neighbours, and how much of the page."""
    if not blocks:
        return np.zeros((0, 4))
    lines = frozenset(told.split("\n"))
    texts = [" ".join(block.text.split()) for block in blocks]
    kept = np.array([float(text in lines if len(text) < 24 else text[:60] in told) for text in texts])
    chars = np.array([block.chars for block in blocks], dtype=float)
    share = np.full(len(kept), (kept * chars).sum() / max(chars.sum(), 1.0))
    return np.stack([kept, np.append(0.0, kept[:-1]), np.append(kept[1:], 0.0), share], axis=1)


def join(kept: Sequence[Block]) -> str:
    """Return the blocks as paragraphs: each long one once, no heading at the end."""
    kept = _without_unbroken_copies(kept)
    paragraphs: dict[str, Block] = {}
    for block in kept:
        again = block.text if block.chars >= _REPEATED else f"{block.index} {block.text}"
        paragraphs.setdefault(again, block)
    blocks = list(paragraphs.values())
    while blocks and blocks[-1].container.tag in HEADINGS:
        blocks.pop()
    return "\n\n".join(block.text for block in blocks)


def _without_unbroken_copies(kept: Sequence[Block]) -> Sequence[Block]:
    """Without a block that is the whole article once more, in one piece: for listening, for machines."""
    chars = sum(block.chars for block in kept)
    copies = [block for block in kept if block.chars > _COPY * chars]
    told = [block.text for block in kept if block.chars >= _REPEATED and block not in copies][:_SAMPLED]
    if len(told) < 2:
        return kept
    return [b for b in kept if b not in copies or sum(text in b.text for text in told) < 0.5 * len(told)]


@lru_cache(maxsize=1)
def _model() -> dict[str, Trees]:
    return load()


def _before_live_entries(weighable: Weighable, segments: Segments, declared: Declared) -> Weighable:
    """Without the blocks from the first declared entry of a live blog on, where the page declares an article as well.

    The article is the introduction then. Where a live blog is all that a page declares, its entries are the text.
    """
    if not any(_is_article_alone(obj) for obj in declared.articles):
        return weighable
    end = _first_live_entry(segments.blocks, _live_entries(declared))
    if end == len(segments.blocks):
        return weighable
    return _keep(weighable, lambda block: block.index < end)._replace(whole=False)


def _keep(weighable: Weighable, wanted: Callable[[Block], bool]) -> Weighable:
    keep = [position for position, block in enumerate(weighable.blocks) if wanted(block)]
    return weighable._replace(blocks=[weighable.blocks[position] for position in keep], rows=weighable.rows[keep])


def _is_article_alone(obj: Mapping[str, Any]) -> bool:
    """Whether a JSON-LD object is an article and no live blog."""
    types = [kind for kind in as_list(obj.get("@type")) if isinstance(kind, str)]
    return any("Article" in kind for kind in types) and "LiveBlogPosting" not in types


def _first_live_entry(blocks: Sequence[Block], entries: frozenset[str]) -> int:
    prose = 0
    for block in blocks if entries else ():
        text = fold(block.text)
        if prose > _LIVE_INTRO and (text in entries or text[:60] in entries):
            return block.index
        prose += block.chars if block.prose else 0
    return len(blocks)


def _live_entries(declared: Declared) -> frozenset[str]:
    """The folded headlines and first words of the entries a live blog declares."""
    out = set[str]()
    for obj in declared.objects:
        for entry in as_list(obj.get("liveBlogUpdate")):
            if isinstance(entry, dict):
                out |= {fold(squeeze(entry.get("headline"))), fold(squeeze(entry.get("articleBody")))[:60]}
    return frozenset(text for text in out if len(text) >= 8)
