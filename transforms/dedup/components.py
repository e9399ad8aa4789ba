"""Clustering under Beam: edges in, component by component, the places of articles out.

What tells the components is a table of the ids of articles with company.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Union

import apache_beam as beam
from apache_beam.coders import registry
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from schemas.records import Cluster, ClusterAlias, Signature
from schemas.settings import DedupSettings
from transforms.dedup.cluster import Placement, place
from transforms.dedup.decide import Edge, Head
from transforms.dedup.forest import Connect, Forest
from transforms.dedup.history import MAX_LINKED, text_key
from transforms.dedup.story import changed
from transforms.state import Store

MOVED: Final = "moved"
CLUSTERS: Final = "clusters"
ALIASES: Final = "aliases"

_PACKED: Final = registry.get_coder(Edge)
"""What meets under one key is of several types, and Beam pickles such. [One more text in a story of 285 near-equal
ones, 19,400 edges: 7.0 s of CPU pickled, 4.1 s packed]"""

_Moved = TaggedOutput[Literal["moved"], Signature]
_Changed = TaggedOutput[Literal["clusters"], Cluster]
_Merged = TaggedOutput[Literal["aliases"], ClusterAlias]


def same_pairs(edge: Edge) -> Iterator[tuple[str, str]]:
    """The two articles of an edge, where they are the same in other words."""
    if edge.verdict.same:
        yield edge.a.article_id, edge.b.article_id


def by_component(group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[tuple[str, bytes]]:
    """Key the edges of an article by its component: `(id of a, {"edges", "roots"})` in. Edges are packed."""
    _, joined = group
    for component in joined["roots"]:  # one, or none where the article is the same as no other
        for edge in joined["edges"]:
            yield component, edge


class ClusterFn(beam.DoFn):
    """`place` and `changed` over a component's edges: places of the run's articles, by article id.

    In come `(component, {"edges", "members"})`, edges packed; those that lead out of it are left out. Stored signatures
    that change their cluster leave under `MOVED`, what a run has made of clusters under `CLUSTERS` and `ALIASES`.
    """

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        self.store = store
        self.settings = settings
        self.clustered = Metrics.counter("dedup", "clustered")
        self.moved = Metrics.counter("dedup", "moved")
        self.merged = Metrics.counter("dedup", "merged")
        self.incomplete = Metrics.counter("dedup", "incomplete")

    def process(
        self, group: tuple[str, Mapping[str, Iterable[Any]]]
    ) -> Iterator[Union[tuple[str, Placement], _Moved, _Changed, _Merged]]:
        _, joined = group
        members, heads, edges = set(joined["members"]), dict[Head, Head](), list[Edge]()
        for edge in map(_PACKED.decode, joined["edges"]):
            if edge.b.article_id in members:  # its edges share an article's head: most of a big component's memory
                edges.append(edge._replace(a=heads.setdefault(edge.a, edge.a), b=heads.setdefault(edge.b, edge.b)))
        places = {each.article_id: each for each in place(edges, self.settings.cluster_cut)}
        for head in sorted(heads, key=text_key):
            at = places[head.article_id]
            if head.stored and (head.cluster_id, head.component) != (at.cluster_id, at.component or at.cluster_id):
                signature = self.store.signature(head.article_id, head.version)
                if signature is not None:
                    self.moved.inc()
                    placed = signature._replace(cluster_id=at.cluster_id, component=at.component)
                    moved: _Moved = TaggedOutput(MOVED, placed)
                    yield moved
        for article_id in sorted({head.article_id for head in heads if not head.stored}):
            self.clustered.inc()
            yield article_id, places[article_id]
        clusters, aliases = changed(edges, places, MAX_LINKED)
        for cluster in clusters:
            self.incomplete.inc(int(not cluster.complete))
            now: _Changed = TaggedOutput(CLUSTERS, cluster)
            yield now
        for alias in aliases:
            self.merged.inc()
            merged: _Merged = TaggedOutput(ALIASES, alias)
            yield merged


class ClusterEdges(beam.PTransform[Any, Any]):
    """Edges in; `ClusterFn`'s outputs out.

    Edges never meet on one key: a component is clustered where its own do. Which one an edge belongs to is told by a
    table of article ids, taken apart into its lines.
    """

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        super().__init__()
        self.store = store
        self.settings = settings

    def expand(self, edges: PCollection[Edge]) -> Any:
        linked = edges | "SamePairs" >> beam.FlatMap(same_pairs)
        roots = (
            linked | "Connect" >> beam.CombineGlobally(Connect()).without_defaults() | "Roots" >> beam.FlatMap(_roots)
        )
        by_first = edges | "KeyByFirst" >> beam.Map(_edge_by_first)
        in_component = (
            {"edges": by_first, "roots": roots}
            | "JoinRoots" >> beam.CoGroupByKey()
            | "KeyByComponent" >> beam.FlatMap(by_component)
        )
        members = roots | "KeyByRoot" >> beam.Map(_member_by_root)
        return (
            {"edges": in_component, "members": members}
            | "GroupByComponent" >> beam.CoGroupByKey()
            | "Cluster"
            >> beam.ParDo(ClusterFn(self.store, self.settings)).with_outputs(MOVED, CLUSTERS, ALIASES, main="places")
        )


def _edge_by_first(edge: Edge) -> tuple[str, bytes]:
    return edge.a.article_id, _PACKED.encode(edge)


def _roots(forest: Forest) -> Iterator[tuple[str, str]]:
    yield from forest.items()


def _member_by_root(line: tuple[str, str]) -> tuple[str, str]:
    article_id, root = line
    return root, article_id
