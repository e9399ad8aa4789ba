"""Repeats: lines that an outlet puts at the ends of its articles, learned from the articles themselves.

A short line at the head or the foot of a text that stands in the texts of three different stories of one outlet is the
outlet's own: an appeal, a slogan, a link in words. What the state holds when a run starts decides, so the order of a
run's articles does not matter, and a rerun takes out the same. The hashes of the lines lie in the articles' signatures
and are forgotten with them, after `dedup.lookback_days`; a line that is taken out counts on. An article that is fetched
again after its outlet's line was learned becomes a new version once.
"""

import hashlib
from collections.abc import Container, Iterable, Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection

from schemas.records import Article, Removal
from transforms.identity import content_hash
from transforms.state import Store

RULE: Final = "repeated_line"
STORIES: Final = 3  # different stories of the outlet; two may share a quotation
MAX_CHARS: Final = 200  # a longer line is a paragraph, and may be news that is told again
FOOT_LINES: Final = 8  # lines looked at at the end of a text, here and by dedup: a footer has links, rights, appeals
_HEAD: Final = 2


def line_keys(article: Article) -> list[int]:
    """Return the hashes of the lines that may prove to be the outlet's: those at the ends, and those taken out.

    Of the foot, long ones too: dedup leaves them in the text, but does not count them.
    """
    lines = article.text.split("\n\n")
    ends = [line for line in lines[:_HEAD] if len(line) <= MAX_CHARS] + lines[1:][-FOOT_LINES:]
    kept = [line for line in ends if _fold(line) != _fold(article.title)]
    kept += [removal.text for removal in article.removals if removal.rule == RULE]
    return sorted({line_key(article.origin.outlet, line) for line in kept})


def without_repeats(article: Article, repeated: Container[int], min_chars: int) -> Article:
    """Return the article without the `repeated` lines at its ends, from the outside inwards up to the first other line.

    Where less than `min_chars` would be left the article stays as it is.
    """
    lines = article.text.split("\n\n")

    def count(ends: Iterable[str]) -> int:
        n = 0
        for line in ends:
            if not _may_repeat(line, article.title) or line_key(article.origin.outlet, line) not in repeated:
                break
            n += 1
        return n

    head, foot = count(lines[:_HEAD]), count(reversed(lines[-FOOT_LINES:]))
    text = "\n\n".join(lines[head : len(lines) - foot])
    if not head + foot or len(text) < min_chars:
        return article
    taken = [Removal(RULE, line) for line in [*lines[:head], *lines[len(lines) - foot :]]]
    return article._replace(text=text, content_hash=content_hash(text), removals=[*article.removals, *taken])


def _may_repeat(line: str, title: str) -> bool:
    return len(line) <= MAX_CHARS and _fold(line) != _fold(title)


def line_key(outlet: str, line: str) -> int:
    """Return the hash by which a line of an outlet is known, whatever its case and spaces."""
    digest = hashlib.blake2b(f"{outlet}\n{_fold(line)}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _fold(line: str) -> str:
    return " ".join(line.casefold().split())


class DropRepeatsFn(beam.DoFn):
    """`without_repeats` for Beam, with what the state knows of the outlet's lines."""

    def __init__(self, store: Store, min_chars: int) -> None:
        self.store, self.min_chars = store, min_chars
        self.removed = Metrics.counter("repeats", "removed_lines")

    def process(self, article: Article) -> Iterator[Article]:
        cleaned = without_repeats(article, self.store.repeated(line_keys(article), STORIES), self.min_chars)
        self.removed.inc(len(cleaned.removals) - len(article.removals))
        yield cleaned


class DropRepeats(beam.PTransform[Any, Any]):
    """Articles in, articles out: without the lines that their outlets put under every text."""

    def __init__(self, store: Store, min_chars: int) -> None:
        super().__init__()
        self.store, self.min_chars = store, min_chars

    def expand(self, articles: PCollection[Article]) -> PCollection[Article]:
        lasting: PCollection[Article] = articles | "DropLines" >> beam.ParDo(DropRepeatsFn(self.store, self.min_chars))
        return lasting
