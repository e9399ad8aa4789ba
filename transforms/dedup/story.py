"""Story: what a run has made of each cluster it changed, and which clusters have become part of others.

A cluster is written again, whole, by every run that changes it. So the newest row that names an article says where it
is, and no earlier row needs a change.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.records import Cluster, ClusterAlias, Member
from schemas.rows import shown_time
from transforms.dedup.cluster import Placement
from transforms.dedup.decide import Edge, Head


def changed(
    edges: Collection[Edge], places: Mapping[str, Placement], max_linked: int
) -> tuple[list[Cluster], list[ClusterAlias]]:
    """Return the clusters of one component that are not as they are stored, and what has merged into them.

    `places` are those that `place` gives for `edges`. An article that is new and alone makes no cluster.
    """
    texts = {(head.article_id, head.version, head.stored): head for edge in edges for head in (edge.a, edge.b)}
    newest, before, seen = dict[str, Head](), dict[str, str](), dict[str, Timestamp]()
    for head in sorted(texts.values(), key=lambda head: (head.version, not head.stored)):
        newest[head.article_id] = head
        at = shown_time(head.published_at, head.fetched_at)
        seen[head.article_id] = min(at, seen.get(head.article_id, at))
        if head.stored:
            before[head.article_id] = head.cluster_id
    old, now = _grouped(before), _grouped({name: place.cluster_id for name, place in places.items()})
    linked = Counter(head.component for head in texts.values() if head.stored)  # a walk takes up those of one component
    complete = max(linked.values(), default=0) < max_linked
    nearest = _nearest(edges, places)
    clusters = []
    for cluster_id, names in sorted(now.items()):
        fresh = any(not newest[name].stored for name in names)
        alone = len(names) == 1 and before.get(names[0], cluster_id) == cluster_id and len(old.get(cluster_id, ())) <= 1
        if alone or (not fresh and names == old.get(cluster_id)):
            continue
        members = [_member(newest[name], seen[name], places[name], nearest.get(name)) for name in names]
        clusters.append(Cluster(cluster_id, sorted(members, key=_age), complete))
    aliases = []
    merged_at = max(head.fetched_at for head in texts.values())
    for cluster_id in sorted(old.keys() - now.keys()):
        names = old[cluster_id]
        heir = cluster_id if cluster_id in names else min(names, key=lambda name: (seen[name].micros, name))
        aliases.append(ClusterAlias(cluster_id, places[heir].cluster_id, merged_at))
    return clusters, aliases


def _grouped(cluster_of: Mapping[str, str]) -> defaultdict[str, list[str]]:
    groups = defaultdict[str, list[str]](list)
    for name, cluster_id in sorted(cluster_of.items()):
        groups[cluster_id].append(name)
    return groups


def _nearest(edges: Iterable[Edge], places: Mapping[str, Placement]) -> dict[str, tuple[float, float, str]]:
    """For each article containment and Jaccard similarity with the member it has most in common with, and that one."""
    best = dict[str, tuple[float, float, str]]()
    for edge in edges:
        a, b = edge.a.article_id, edge.b.article_id
        if a == b or not edge.verdict.same or places[a].cluster_id != places[b].cluster_id:
            continue
        for one, other in ((a, b), (b, a)):
            found = (edge.verdict.containment, edge.verdict.jaccard, other)
            best[one] = max(best.get(one, found), found)
    return best


def _member(head: Head, seen_at: Timestamp, place: Placement, nearest: Optional[tuple[float, float, str]]) -> Member:
    containment, _, match = nearest or (None, None, None)
    return Member(head.article_id, head.version, head.outlet, place.kind, seen_at, match, containment)


def _age(member: Member) -> tuple[int, str]:
    return member.seen_at.micros, member.article_id
