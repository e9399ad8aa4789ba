"""Footer: lines that an outlet puts under its articles, which make no two of them one.

Under a brief an outlet's appeal, its archive links and its rights are most of the text. A line at the foot of three
different stories of one outlet is such a line, whether they stand in this run or in the history. Between articles of
the outlet its shingles do not count, whether or not scrub leaves the line in the text.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from apache_beam.coders import RowCoder, registry

from schemas.records import Signature
from schemas.settings import DedupSettings
from transforms.dedup.decide import like_titles, title_words
from transforms.dedup.signature import MAX_CHARS, fold_lines, foot_lines, halves, window_hashes
from transforms.repeats import STORIES, line_key


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


def is_footer(found: Collection[Foot]) -> bool:
    """Tell whether a line is its outlet's, from all articles that it was found in.

    Articles are of different stories where neither their openings nor their titles have anything in common.
    """
    if len(found) < STORIES:
        return False
    stories = dict[str, tuple[frozenset[str], frozenset[int]]]()
    for foot in sorted(found):
        title, lead = title_words(foot.title), frozenset(np.frombuffer(foot.lead, "<u4").tolist())
        if foot.article_id not in stories and not any(
            lead & other or like_titles(title, words) for words, other in stories.values()
        ):
            stories[foot.article_id] = title, lead
        if len(stories) == STORIES:
            return True
    return False


def with_footer(signature: Signature, lines: Iterable[bytes]) -> Signature:
    """Return `signature` with the shingles of those of its `lines` that are its outlet's."""
    footer = np.intersect1d(np.frombuffer(b"".join(lines), "<u4"), np.frombuffer(signature.sketch, "<u4"))
    return signature._replace(footer=footer.tobytes())
