"""History: the stored texts that this run's articles have to do with, and what these have to do with each other.

A cluster is a function of all its members. So whatever is linked to a new article, over any number of steps, is
compared again: the clusters come out as if all had arrived in one run.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from schemas.records import Signature
from schemas.settings import DedupSettings
from transforms.dedup.decide import Edge, connect, unpack

Search = Callable[[Signature], Iterable[Signature]]
"""The stored signatures that share an anchor with a given one."""

MAX_LINKED: Final = 20_000  # stored signatures that one run looks at; 50 MB


def closure(found: Iterable[Signature], search: Search, settings: DedupSettings) -> tuple[list[Signature], list[Edge]]:
    """Return all stored signatures linked to those `found`, over any number of steps, with the edges among them."""
    known = {_key(signature): unpack(signature) for signature in found}
    waiting = sorted(known)
    edges = dict[tuple[tuple[str, int], tuple[str, int]], Edge]()
    while waiting and len(known) <= MAX_LINKED:
        at = waiting.pop()
        for signature in search(known[at].signature):
            key = _key(signature)
            pair = (min(at, key), max(at, key))
            if key == at or pair in edges:
                continue
            profile = known.get(key) or unpack(signature)
            edge = connect(known[at], True, profile, True, settings)
            if edge is None:
                continue
            if key not in known and edge.verdict.same:
                known[key] = profile
                waiting.append(key)
            if key in known:
                edges[pair] = edge
    return [profile.signature for profile in known.values()], list(edges.values())


def edges_to(new: Signature, found: Iterable[Signature], settings: DedupSettings) -> Iterator[tuple[Signature, Edge]]:
    """Yield the stored signatures of `found` that have something in common with `new`, each with its edge."""
    profile = unpack(new)
    for signature in found:
        edge = connect(profile, False, unpack(signature), True, settings)
        if edge is not None:
            yield signature, edge


def _key(signature: Signature) -> tuple[str, int]:
    return signature.article_id, signature.version
