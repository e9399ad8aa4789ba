"""Dedup under Beam: versions of one address, then near-duplicates in this run and in the stored history.

The text crosses one shuffle, by article id. Near-duplicates are found on signatures; only edges, and the stored
signatures they touch, meet on one key to be clustered. What comes out goes back to the articles as a side input that
holds the articles with company alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any, Final, Literal, Union

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsDict, PCollection, TaggedOutput
from apache_beam.utils.timestamp import Duration, Timestamp

from schemas.records import Article, Signature, Skip, SkipReason
from schemas.settings import DedupSettings
from transforms.dedup.cluster import Placement, place
from transforms.dedup.decide import Edge, connect, unpack
from transforms.dedup.history import closure, edges_to
from transforms.dedup.signature import attribution, sign
from transforms.dedup.version import choose, next_version
from transforms.state import Store

SKIPS: Final = "skips"
HISTORY: Final = "history"
MOVED: Final = "moved"
_EPOCH = Timestamp(0)


class VersionFn(beam.DoFn):
    """`choose` and `next_version` for Beam: `(article_id, articles)` in, one article at most out."""

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        self.store = store
        self.settings = settings
        self.same_article = Metrics.counter("dedup", "same_article")
        self.unchanged = Metrics.counter("dedup", "unchanged")
        self.updated = Metrics.counter("dedup", "updated")

    def process(
        self, group: tuple[str, Iterable[Article]]
    ) -> Iterator[Union[Article, TaggedOutput[Literal["skips"], Skip]]]:
        article_id, arrived = group
        article, others = choose(arrived)
        for other in others:
            self.same_article.inc()
            yield TaggedOutput(SKIPS, Skip("dedup", SkipReason.SAME_ARTICLE, other.origin))
        known = self.store.versions([article_id]).get(article_id)
        if known is None:
            yield article._replace(version=1, change_ratio=None)
        elif known.content_hash == article.content_hash:
            self.unchanged.inc()
            yield TaggedOutput(SKIPS, Skip("dedup", SkipReason.UNCHANGED, article.origin))
        else:
            self.updated.inc()
            before = self.store.signature(article_id, known.version)
            yield next_version(article, known, before, self.settings)


class SignFn(beam.DoFn):
    """`sign` for Beam."""

    def __init__(self, settings: DedupSettings) -> None:
        self.settings = settings

    def process(self, article: Article) -> Iterator[Signature]:
        yield sign(article, self.settings)


class PairFn(beam.DoFn):
    """`(anchor, article ids)` in, pairs of ids out; an anchor of too many articles is a template's and gives none."""

    def __init__(self, max_records: int) -> None:
        self.max_records = max_records

    def process(self, group: tuple[int, Iterable[str]]) -> Iterator[tuple[str, str]]:
        ids = sorted(group[1])
        if len(ids) <= self.max_records:
            yield from combinations(ids, 2)


def send(group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[tuple[str, Signature]]:
    """Send each signature to its later partners: `(id, {"signatures", "partners"})` in, `(partner, signature)` out."""
    _, joined = group
    for signature in joined["signatures"]:
        for partner in sorted(set(joined["partners"])):
            yield partner, signature


class ConnectFn(beam.DoFn):
    """Compare: `(id, {"signatures", "earlier"})` in, the edges between the two out."""

    def __init__(self, settings: DedupSettings) -> None:
        self.settings = settings

    def process(self, group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Edge]:
        _, joined = group
        for signature in joined["signatures"]:
            profile = unpack(signature)
            for earlier in joined["earlier"]:
                edge = connect(unpack(earlier), False, profile, False, self.settings)
                if edge is not None:
                    yield edge


class SearchFn(beam.DoFn):
    """The edges of a new signature into the stored history; the stored signatures they touch under `HISTORY`."""

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        self.store = store
        self.settings = settings

    def process(self, signature: Signature) -> Iterator[Union[Edge, TaggedOutput[Literal["history"], Signature]]]:
        since = _since(signature.fetched_at, self.settings)
        found = self.store.signatures(signature.anchors, since, self.settings.max_anchor_records)
        for stored, edge in edges_to(signature, found, self.settings):
            yield edge
            if edge.verdict.same:
                yield TaggedOutput(HISTORY, stored)


class ClusterFn(beam.DoFn):
    """`closure` and `place` over all edges of the run: places by article id.

    Stored signatures that change their cluster leave under `MOVED`.
    """

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        self.store = store
        self.settings = settings
        self.clustered = Metrics.counter("dedup", "clustered")
        self.moved = Metrics.counter("dedup", "moved")

    def process(
        self, group: tuple[int, Mapping[str, Iterable[Any]]]
    ) -> Iterator[Union[tuple[str, Placement], TaggedOutput[Literal["moved"], Signature]]]:
        _, joined = group
        edges = list[Edge](joined["edges"])
        new = {head.article_id: head.fetched_at for edge in edges for head in (edge.a, edge.b) if not head.stored}
        since = _since(min(new.values(), default=_EPOCH), self.settings)
        linked, inner = closure(joined[HISTORY], partial(self._search, since), self.settings)
        placements = {p.article_id: p for p in place([*edges, *inner], self.settings.cluster_cut)}
        for stored in linked:
            if stored.cluster_id != placements[stored.article_id].cluster_id:
                self.moved.inc()
                yield TaggedOutput(MOVED, stored._replace(cluster_id=placements[stored.article_id].cluster_id))
        for article_id in sorted(new):
            self.clustered.inc()
            yield article_id, placements[article_id]

    def _search(self, since: Timestamp, signature: Signature) -> list[Signature]:
        return self.store.signatures(signature.anchors, since, self.settings.max_anchor_records)


def place_article(article: Article, places: Mapping[str, Placement]) -> Article:
    """Return `article` with its place; `places` has those of the articles that are not alone."""
    alone = Placement(article.article_id, article.article_id, None, None, "")
    found = places.get(article.article_id, alone)
    return article._replace(
        cluster_id=found.cluster_id,
        duplicate_of=found.duplicate_of,
        duplicate_kind=found.kind,
        syndication_source=attribution(article) or found.source,
    )


def place_signature(signature: Signature, places: Mapping[str, Placement]) -> Signature:
    """Return `signature` with the cluster of its article."""
    found = places.get(signature.article_id)
    return signature if found is None else signature._replace(cluster_id=found.cluster_id)


def _since(at: Timestamp, settings: DedupSettings) -> Timestamp:
    return at - Duration(seconds=settings.lookback_days * 86_400)


def _article_by_id(article: Article) -> tuple[str, Article]:
    return article.article_id, article


def _signature_by_id(signature: Signature) -> tuple[str, Signature]:
    return signature.article_id, signature


def _ids_by_anchor(signature: Signature) -> Iterator[tuple[int, str]]:
    for anchor in signature.anchors:
        yield anchor, signature.article_id


class FindPairs(beam.PTransform[Any, Any]):
    """Signatures of one run, one an article, in; the edges between them out."""

    def __init__(self, settings: DedupSettings) -> None:
        super().__init__()
        self.settings = settings

    def expand(self, signatures: PCollection[Signature]) -> Any:
        by_id = signatures | "KeyById" >> beam.Map(_signature_by_id)
        partners = (
            signatures
            | "KeyByAnchor" >> beam.FlatMap(_ids_by_anchor)
            | "GroupByAnchor" >> beam.GroupByKey()
            | "PairIds" >> beam.ParDo(PairFn(self.settings.max_anchor_records))
        )
        sent = (
            {"signatures": by_id, "partners": partners}
            | "JoinPartners" >> beam.CoGroupByKey()
            | "SendToPartners" >> beam.FlatMap(send)
        )
        return (
            {"signatures": by_id, "earlier": sent}
            | "JoinEarlier" >> beam.CoGroupByKey()
            | "Compare" >> beam.ParDo(ConnectFn(self.settings))
        )


class Dedup(beam.PTransform[Any, Any]):
    """Articles in; `(articles, skips, signatures)` out.

    Articles leave with version, change ratio and cluster. Near-duplicates are marked, not dropped; skipped is only what
    led to the same address as another article of the run, or has the text that is stored. The signatures are those of
    the new articles, and stored ones that change their cluster: each replaces the one of its article and version.
    """

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        super().__init__()
        self.store = store
        self.settings = settings

    def expand(self, articles: PCollection[Article]) -> Any:
        versions = (
            articles
            | "KeyById" >> beam.Map(_article_by_id)
            | "GroupById" >> beam.GroupByKey()
            | "ChooseVersion" >> beam.ParDo(VersionFn(self.store, self.settings)).with_outputs(SKIPS, main="articles")
        )
        signatures = versions.articles | "Sign" >> beam.ParDo(SignFn(self.settings))
        pairs = signatures | "FindPairs" >> FindPairs(self.settings)
        history = signatures | "SearchHistory" >> beam.ParDo(SearchFn(self.store, self.settings)).with_outputs(
            HISTORY, main="edges"
        )
        edges = (pairs, history.edges) | "AllEdges" >> beam.Flatten()
        clusters = (
            {
                "edges": edges | "GatherEdges" >> beam.WithKeys(0),
                HISTORY: history[HISTORY] | "GatherHistory" >> beam.WithKeys(0),
            }
            | "Gather" >> beam.CoGroupByKey()
            | "Cluster" >> beam.ParDo(ClusterFn(self.store, self.settings)).with_outputs(MOVED, main="places")
        )
        places = AsDict(clusters.places)
        placed = versions.articles | "PlaceArticles" >> beam.Map(place_article, places)
        signed = signatures | "PlaceSignatures" >> beam.Map(place_signature, places)
        return placed, versions[SKIPS], (signed, clusters[MOVED]) | "AllSignatures" >> beam.Flatten()
