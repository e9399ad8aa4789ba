"""Footer: lines that an outlet puts under its articles, which make no two of them one.

Under a brief an outlet's appeal, its archive links and its rights are most of the text. A line at the foot of three
different stories of one outlet is such a line, whether they stand in this run or in the history. Between articles of
the outlet its shingles do not count, whether or not scrub leaves the line in the text.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from apache_beam.coders import RowCoder, registry

from schemas.records import Signature
from schemas.settings import DedupSettings
from transforms.dedup.decide import like_titles, title_words
from transforms.dedup.signature import MAX_CHARS, fold_lines, foot_lines, halves, window_hashes
from transforms.repeats import STORIES, line_key

_LOOKED_AT: Final = 64  # texts with a line: three of different stories, or it is a story's own


class Foot(NamedTuple):
    """A line at the foot of an article, with what tells the article's story from others of its outlet."""

    article_id: str
    title: str
    lead: bytes  # that of its signature
    shingles: bytes  # those of `Signature.sketch` that begin in the line, in their order


registry.register_coder(Foot, RowCoder)


def feet(signature: Signature, text: str, settings: DedupSettings) -> Iterator[tuple[int, Foot]]:
    """Yield the lines at the foot of a signed text, by their keys in the state."""
    lines = foot_lines(text)
    if not lines:
        return
    letters, starts = fold_lines(lines)
    begun = halves(window_hashes(letters[:MAX_CHARS], settings.shingle_chars))
    sampled = begun <= np.frombuffer(signature.sketch[-4:], "<u4")
    for line, start, end in zip(lines, starts, starts[1:], strict=False):
        shingles = begun[start:end][sampled[start:end]].tobytes()
        if shingles:
            key = line_key(signature.outlet, line)
            yield key, Foot(signature.article_id, signature.title, signature.lead, shingles)


def is_footer(found: Iterable[Foot]) -> bool:
    """Tell whether a line is its outlet's, from all articles that it was found in: any three of different stories do.

    Articles are of different stories where their openings have nothing in common and their titles are not alike.
    """
    texts = sorted({(foot.article_id, foot.title, foot.lead) for foot in found})[:_LOOKED_AT]
    unpacked = (
        _Text(name, title_words(title), frozenset(np.frombuffer(lead, "<u4").tolist())) for name, title, lead in texts
    )
    return _different(list(unpacked), STORIES)


class _Text(NamedTuple):
    article_id: str
    title: frozenset[str]
    lead: frozenset[int]


def _different(texts: Sequence[_Text], stories: int) -> bool:
    """Tell whether there are so many texts no two of which are of one story."""
    if stories == 1:
        return bool(texts)
    return any(
        _different([other for other in texts[number:] if not _one_story(text, other)], stories - 1)
        for number, text in enumerate(texts, 1)
    )


def _one_story(a: _Text, b: _Text) -> bool:
    return a.article_id == b.article_id or not a.lead.isdisjoint(b.lead) or like_titles(a.title, b.title)


def with_footer(signature: Signature, lines: Iterable[bytes]) -> Signature:
    """Return `signature` with the shingles of those of its `lines` that are its outlet's."""
    footer = np.intersect1d(np.frombuffer(b"".join(lines), "<u4"), np.frombuffer(signature.sketch, "<u4"))
    return signature._replace(footer=footer.tobytes())
