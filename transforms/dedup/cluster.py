"""Cluster: from pairs to stories, and what each member is to the story's canonical article.

Single links chain: each write-through of a running story shares half of the one before, and the first and the last
share nothing. So components of accepted pairs are cut by average link (UPGMA: Sokal and Michener, 1958): two groups
join while the mean weight over all their pairs, absent ones counted as 0, is at least `cut`. [Wire precision .997,
single link .74]
"""

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from statistics import median
from typing import Final, NamedTuple, Optional

from apache_beam.coders import RowCoder, registry

from transforms.dedup.decide import Edge, Head, Verdict, moment
from transforms.dedup.forest import Forest, link, root

Pair = tuple[str, str]
"""Two article ids, the smaller first."""

_COMPLETE: Final = 0.6  # of the median length: shorter members are excerpts, no canonical articles
_TAKEN_OUT: Final = 0.9  # containment: a text so much of which stands in a longer one of its outlet says nothing new
_SAME_TEXT: Final = 0.995  # Jaccard: as near to 1 as a sketch of some hundred hashes can tell


class Placement(NamedTuple):
    """Where an article belongs; `duplicate_of` and `kind` are None for the canonical article itself."""

    article_id: str
    cluster_id: str
    duplicate_of: Optional[str]
    kind: Optional[str]  # exact, syndicated, repost, excerpt, update
    source: str  # whom the cluster names as the origin of the text, "" where nobody
    component: str = ""  # oldest of the clusters that copies link to this one, over any number of steps; "": it is that


registry.register_coder(Placement, RowCoder)


def place(edges: Iterable[Edge], cut: float) -> Iterator[Placement]:
    """Yield the place of each article that stands in an edge; all others are alone in their cluster.

    A pure function of the set of edges: their order does not matter. Versions of an article count as one: what any of
    them has in common with another article, the article has.
    """
    heads, verdicts = dict[str, Head](), dict[Pair, Verdict]()
    for edge in edges:
        for head in (edge.a, edge.b):
            heads[head.article_id] = _merge(heads.get(head.article_id, head), head)
        pair = edge.a.article_id, edge.b.article_id
        verdicts[pair] = max(verdicts.get(pair, edge.verdict), edge.verdict, key=_strength)
    linked = components(heads, (pair for pair, verdict in verdicts.items() if verdict.same))
    group_of = {name: number for number, component in enumerate(linked) for name in component}
    weights = defaultdict[int, dict[Pair, float]](dict)
    for (a, b), verdict in verdicts.items():
        if a != b and group_of[a] == group_of[b]:
            weights[group_of[a]][a, b] = verdict.weight
    for number, component in enumerate(linked):
        groups = average_link({name: heads[name].length for name in component}, weights[number], cut)
        clusters = [sorted((heads[name] for name in group), key=_age) for group in groups]
        inside, taken, oldest = frozenset(component), set[str](), ""
        for members in sorted(clusters, key=lambda cluster: _age(cluster[0])):
            cluster_id = _cluster_id(members, inside, taken)
            yield from (place._replace(component=oldest) for place in _describe(members, cluster_id, verdicts))
            oldest = oldest or cluster_id


def _merge(a: Head, b: Head) -> Head:
    """Two versions as one article: the newer text, the older times, and the cluster that is stored."""
    newer, older = (a, b) if a.version >= b.version else (b, a)
    published = [head.published_at for head in (a, b) if head.published_at is not None]
    known = newer if newer.stored else older
    return newer._replace(
        published_at=min(published, default=None),
        fetched_at=min(a.fetched_at, b.fetched_at),
        cluster_id=known.cluster_id,
        stored=known.stored,
    )


def _strength(verdict: Verdict) -> tuple[bool, float, float, float]:
    return verdict.same, verdict.weight, verdict.containment, verdict.jaccard


def components(nodes: Iterable[str], pairs: Iterable[Pair]) -> list[list[str]]:
    """Return the connected components of a graph, each sorted, in order of their first nodes."""
    forest: Forest = {name: name for name in nodes}
    for pair in pairs:
        link(forest, *pair)
    groups = defaultdict[str, list[str]](list)
    for name in sorted(forest):
        groups[root(forest, name)].append(name)
    return list(groups.values())


def average_link(lengths: Mapping[str, int], weights: Mapping[Pair, float], cut: float) -> list[list[str]]:
    """Return the groups into which average link with `cut` parts the articles of `lengths`; ties fall by their names.

    A pair counts by the square root of the length of its shorter text, as its containment is the surer the more there
    is to sample: a teaser that has no word of another excerpt says little about it.
    """
    groups = {name: [name] for name in lengths}
    sizes = {name: _Sizes([max(1, length) ** 0.5]) for name, length in lengths.items()}
    between = defaultdict[str, dict[str, float]](dict)  # sums of sized weights between groups
    for (a, b), weight in sorted(weights.items()):
        between[a][b] = between[b][a] = weight * sizes[a].smaller(sizes[b])
    queue = [(-weight, a, b, 1, 1) for (a, b), weight in weights.items() if weight >= cut]
    heapq.heapify(queue)
    while queue:
        _, a, b, size_a, size_b = heapq.heappop(queue)
        if len(groups.get(a, ())) != size_a or len(groups.get(b, ())) != size_b:
            continue  # one of the two has grown or gone since
        groups[a] += groups.pop(b)
        sizes[a] = _Sizes([*sizes[a].ordered, *sizes.pop(b).ordered])
        del between[a][b], between[b][a]
        for other, weight in between.pop(b).items():
            between[a][other] = between[other][a] = between[a].get(other, 0.0) + weight
            del between[other][b]
        for other, weight in between[a].items():
            mean = weight / sizes[a].smaller(sizes[other])
            if mean >= cut:
                low, high = sorted((a, other))
                heapq.heappush(queue, (-mean, low, high, len(groups[low]), len(groups[high])))
    return list(groups.values())


class _Sizes:
    """The sizes of a group's texts, ready for adding up the smaller ones of all pairs with another group."""

    def __init__(self, sizes: Iterable[float]) -> None:
        self.ordered = sorted(sizes)
        self.sums = list(accumulate(self.ordered, initial=0.0))

    def smaller(self, other: "_Sizes") -> float:
        """The sum of the smaller size over all pairs of one text of each group."""
        few, many = sorted((self, other), key=lambda group: len(group.ordered))
        total = 0.0
        for size in few.ordered:
            below = bisect_left(many.ordered, size)
            total += many.sums[below] + size * (len(many.ordered) - below)
        return total


def canonical(members: Sequence[Head]) -> Head:
    """Return the member that the others are copies of: complete, naming no other source, earliest."""
    length = median(member.length for member in members)
    return min(members, key=lambda m: (m.length < _COMPLETE * length, bool(m.canonical_hint), *_age(m)))


def _age(member: Head) -> tuple[int, str]:
    return moment(member).micros, member.article_id


def _cluster_id(members: Sequence[Head], component: Collection[str], taken: set[str]) -> str:
    """The id that the oldest stored member already has; for a new cluster that of its oldest member.

    Where a stored cluster falls apart, the part that holds the article named by the id keeps it; where none does, the
    oldest part. `taken` holds the ids of the component's older clusters.
    """
    old = next((member.cluster_id for member in members if member.stored), None)
    held = any(member.article_id == old for member in members)
    wanted = members[0].article_id if old is None or old in taken or (old in component and not held) else old
    taken.add(wanted)
    return wanted


def _describe(members: Sequence[Head], cluster_id: str, verdicts: Mapping[Pair, Verdict]) -> Iterator[Placement]:
    first = canonical(members)
    source = first.canonical_hint or next((m.canonical_hint for m in members if m.canonical_hint), "")
    for member in members:
        if member is first:
            yield Placement(member.article_id, cluster_id, None, None, first.canonical_hint)
            continue
        a, b = sorted((member.article_id, first.article_id))
        kind = _kind(member, first, verdicts.get((a, b)))
        yield Placement(member.article_id, cluster_id, first.article_id, kind, source)


def _kind(member: Head, first: Head, verdict: Optional[Verdict]) -> str:
    """What `member` is to the canonical article `first`.

    exact: the same text. excerpt: clearly shorter, and of the same outlet only where it has nothing of its own.
    update: another address of the same outlet, with changed text. syndicated: either names an agency or another
    source. repost: the rest.
    """
    if verdict and verdict.jaccard >= _SAME_TEXT:
        return "exact"
    shorter = member.length < _COMPLETE * first.length
    if member.outlet == first.outlet:
        return "excerpt" if shorter and verdict and verdict.containment >= _TAKEN_OUT else "update"
    if shorter:
        return "excerpt"
    return "syndicated" if member.canonical_hint or first.canonical_hint else "repost"
