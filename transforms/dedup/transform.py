"""Dedup under Beam: versions of one address, then near-duplicates in this run and in the stored history.

Near-duplicates are found on signatures. Edges between them are clustered (`components`), and what comes out meets the
articles again by their id. All of that is joins and no side inputs: Beam's Flink runner fails to carry records into
those of a stream.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any, Final, Literal, Union

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.utils.timestamp import Duration, Timestamp

from schemas.records import Article, Signature, Skip, SkipReason
from schemas.settings import DedupSettings
from transforms.dedup.cluster import Placement
from transforms.dedup.components import ALIASES, CLUSTERS, MOVED, ClusterEdges
from transforms.dedup.decide import Edge, connect, unpack
from transforms.dedup.footer import Foot, feet, is_footer, with_footer
from transforms.dedup.history import edges_to, text_key, walk
from transforms.dedup.signature import attribution, sign
from transforms.dedup.version import choose, next_version
from transforms.state import Store

SKIPS: Final = "skips"
FEET: Final = "feet"


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
    """`sign` for Beam; the lines at the articles' feet, by their keys, leave under `FEET`."""

    def __init__(self, settings: DedupSettings) -> None:
        self.settings = settings

    def process(self, article: Article) -> Iterator[Union[Signature, TaggedOutput[Literal["feet"], tuple[int, Foot]]]]:
        signature = sign(article, self.settings)
        yield signature
        for foot in feet(signature, article.text, self.settings):
            yield TaggedOutput(FEET, foot)


class FooterFn(beam.DoFn):
    """`is_footer` for Beam: `(line, feet)` in, the line's shingles in each article out where it is its outlet's."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.footers = Metrics.counter("dedup", "footer_lines")

    def process(self, group: tuple[int, Iterable[Foot]]) -> Iterator[tuple[str, bytes]]:
        line, found = group[0], list(group[1])
        stored = [Foot(text.article_id, text.title, text.lead, b"") for text in self.store.carriers(line)]
        if is_footer([*found, *stored]):
            self.footers.inc()
            for foot in found:
                yield foot.article_id, foot.shingles


def mark_footer(group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Signature]:
    """Give a signature its footer: `(id, {"signatures", "lines"})` in."""
    _, joined = group
    for signature in joined["signatures"]:
        yield with_footer(signature, list(joined["lines"]))


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
    """The edges of a new signature into the stored history."""

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        self.store = store
        self.settings = settings

    def process(self, signature: Signature) -> Iterator[Edge]:
        since = _since(signature.fetched_at, self.settings)
        yield from edges_to(signature, stored_near(self.store, since, self.settings, signature), self.settings)


def by_stored_component(edge: Edge) -> Iterator[tuple[str, Edge]]:
    """Key an edge into the history by the stored component that it leads to, to be walked once for all its clusters."""
    if edge.verdict.same:
        yield (edge.a if edge.a.stored else edge.b).component, edge


class WalkFn(beam.DoFn):
    """`walk` for Beam: `(stored component, edges that lead to it)` in, the edges in the history from there on out."""

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        self.store = store
        self.settings = settings

    def process(self, group: tuple[str, Iterable[Edge]]) -> Iterator[Edge]:
        reached, first = set[tuple[str, int]](), Timestamp(1 << 40)
        for edge in group[1]:
            for head in (edge.a, edge.b):
                if head.stored:
                    reached.add(text_key(head))
                else:
                    first = min(first, head.fetched_at)
        start = [found for key in sorted(reached) if (found := self.store.signature(*key)) is not None]
        search = partial(stored_near, self.store, _since(first, self.settings), self.settings)
        yield from walk(start, search, self.settings)


def stored_near(store: Store, since: Timestamp, settings: DedupSettings, signature: Signature) -> list[Signature]:
    """Return the stored signatures that share an anchor with `signature`, and those of its article's versions."""
    sharing = store.signatures(signature.anchors, since, settings.max_anchor_records)
    versions = store.signatures_of(signature.article_id, since)
    return list({text_key(found): found for found in (*sharing, *versions)}.values())


def place_article(group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Article]:
    """Give an article its place: `(id, {"articles", "places"})` in; one that is alone has none."""
    article_id, joined = group
    alone = Placement(article_id, article_id, None, None, "")
    found = next(iter(joined["places"]), alone)
    for article in joined["articles"]:
        yield article._replace(
            cluster_id=found.cluster_id,
            duplicate_of=found.duplicate_of,
            duplicate_kind=found.kind,
            syndication_source=attribution(article) or found.source,
        )


def place_signature(group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Signature]:
    """Give a signature the cluster of its article: `(id, {"signatures", "places"})` in; one that is alone keeps it."""
    _, joined = group
    for signature in joined["signatures"]:
        found = next(iter(joined["places"]), None)
        yield signature._replace(cluster_id=found.cluster_id, component=found.component) if found else signature


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
    """Articles in; `(articles, skips, signatures, clusters, aliases)` out.

    Articles leave with version, change ratio and cluster. Near-duplicates are marked, not dropped; skipped is only what
    led to the same address as another article of the run, or has the text that is stored. The signatures are those of
    the new articles, and stored ones that change their cluster: each replaces the one of its article and version.
    Clusters are those that are not as they were before the run.
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
        signatures = versions.articles | "Sign" >> Sign(self.store, self.settings)
        edges = signatures | "FindEdges" >> FindEdges(self.store, self.settings)
        clusters = edges | "ClusterEdges" >> ClusterEdges(self.store, self.settings)
        placed = (
            {"articles": versions.articles | "KeyArticles" >> beam.Map(_article_by_id), "places": clusters.places}
            | "JoinPlaces" >> beam.CoGroupByKey()
            | "PlaceArticles" >> beam.FlatMap(place_article)
        )
        own = (
            {"signatures": signatures | "KeySignatures" >> beam.Map(_signature_by_id), "places": clusters.places}
            | "JoinClusters" >> beam.CoGroupByKey()
            | "PlaceSignatures" >> beam.FlatMap(place_signature)
        )
        signed = (own, clusters[MOVED]) | "AllSignatures" >> beam.Flatten()
        return placed, versions[SKIPS], signed, clusters[CLUSTERS], clusters[ALIASES]


class Sign(beam.PTransform[Any, Any]):
    """Articles of one run in; their signatures out, with what in them is their outlets' footers."""

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        super().__init__()
        self.store = store
        self.settings = settings

    def expand(self, articles: PCollection[Article]) -> Any:
        signed = articles | "SignText" >> beam.ParDo(SignFn(self.settings)).with_outputs(FEET, main="signatures")
        lines = signed[FEET] | "GroupByLine" >> beam.GroupByKey() | "Learn" >> beam.ParDo(FooterFn(self.store))
        by_id = signed.signatures | "KeyById" >> beam.Map(_signature_by_id)
        return (
            {"signatures": by_id, "lines": lines}
            | "JoinLines" >> beam.CoGroupByKey()
            | "MarkFooter" >> beam.FlatMap(mark_footer)
        )


class FindEdges(beam.PTransform[Any, Any]):
    """Signatures of one run, one an article, in; all edges that their clusters need out, from the history too."""

    def __init__(self, store: Store, settings: DedupSettings) -> None:
        super().__init__()
        self.store = store
        self.settings = settings

    def expand(self, signatures: PCollection[Signature]) -> Any:
        into_history = signatures | "SearchHistory" >> beam.ParDo(SearchFn(self.store, self.settings))
        within_history = (
            into_history
            | "KeyByStoredComponent" >> beam.FlatMap(by_stored_component)
            | "GroupByStoredComponent" >> beam.GroupByKey()
            | "WalkHistory" >> beam.ParDo(WalkFn(self.store, self.settings))
        )
        pairs = signatures | "FindPairs" >> FindPairs(self.settings)
        return (pairs, into_history, within_history) | "AllEdges" >> beam.Flatten()
