"""History: the stored texts that this run's articles have to do with, and what these have to do with each other.

A cluster is a function of all its members. So whatever is linked to a new article, over any number of steps, is
compared again: the clusters come out as if all had arrived in one run.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Union

from schemas.records import Signature
from schemas.settings import DedupSettings
from transforms.dedup.decide import Edge, Head, connect, unpack

Search = Callable[[Signature], Iterable[Signature]]
"""The stored signatures that share an anchor with a given one, and those of its article's other versions."""

MAX_LINKED: Final = 20_000  # stored texts that one walk takes up; their packed signatures are 50 MB


def walk(
    start: Iterable[Signature], search: Search, settings: DedupSettings, max_linked: int = MAX_LINKED
) -> Iterator[Edge]:
    """Yield the edges among all stored signatures linked to those of `start`, over any number of steps.

    An edge is given when the second of its ends is looked at, so that what is held are names, and the signatures that
    are still to be looked at. Beyond `max_linked` texts no more are taken up.
    """
    waiting = sorted(start, key=text_key)
    known, done = {text_key(signature) for signature in waiting}, set[tuple[str, int]]()
    while waiting:
        signature = waiting.pop()
        profile, here = unpack(signature), text_key(signature)
        done.add(here)
        for other in search(signature):
            key = text_key(other)
            if key == here or (key in known and key not in done):
                continue
            edge = connect(profile, True, unpack(other), True, settings)
            if edge is None:
                continue
            if key in done:
                yield edge
            elif edge.verdict.same and len(known) < max_linked:
                known.add(key)
                waiting.append(other)


def edges_to(new: Signature, found: Iterable[Signature], settings: DedupSettings) -> Iterator[Edge]:
    """Yield the edges between `new` and those stored signatures of `found` that have something in common with it."""
    profile = unpack(new)
    for signature in found:
        edge = connect(profile, False, unpack(signature), True, settings)
        if edge is not None:
            yield edge


def text_key(text: Union[Signature, Head]) -> tuple[str, int]:
    """Return what tells a text from all others: its article, and which version of it."""
    return text.article_id, text.version
