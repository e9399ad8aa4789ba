"""Dedup under Beam: versions, copies, and history, the same in one run or in several."""

import pickle
import random
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.adapters import find_edges, sign_documents
from schemas.records import Article, Cluster, ClusterAlias, Origin, Signature, Skip, SkipReason, VersionState
from schemas.settings_files import load_settings
from transforms.dedup import Dedup
from transforms.dedup.cluster import place
from transforms.dedup.decide import Edge
from transforms.dedup.signature import sign
from transforms.dedup.transform import FindEdges, FindPairs
from transforms.identity import article_id, content_hash
from transforms.state import Delta, Store, to_scalars

SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").dedup
HOUR = 3600


def words(seed: int, count: int = 160) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("abcdefghilmnoprstu", k=draw.randint(3, 9))) for _ in range(count)]


def story(seed: int, *, keep: float = 1.0, more: int = 0) -> str:
    """A text of random words; of its first `keep`, with `more` words of its own after."""
    text = words(seed)
    return " ".join(text[: int(len(text) * keep)] + words(seed + 1_000_003, more))


def article(outlet: str, slug: str, text: str, hour: int, *, source: str = "", link: Optional[str] = None) -> Article:
    url = f"https://{outlet}.example/{slug}"
    identity, at = article_id(url), Timestamp(hour * HOUR)
    origin = Origin(outlet, f"https://{outlet}.example/rss", slug, link or url, at, "en")
    return Article(
        origin, identity, 0, url, url, f"Title of {slug}", "", "", [], "", [], "", "news", text, "", [], source, at,
        "feed", None, at, "en", 1.0, content_hash(text), None, "", None, None, "trafilatura", 1.0, [], [], 200, None, None,
    )  # fmt: skip


class KeepFn(beam.DoFn):
    """Write each element to a file of its own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def process(self, element: Any) -> None:
        Path(self.folder, uuid.uuid4().hex).write_bytes(pickle.dumps(element))


class Outcome(NamedTuple):
    articles: dict[str, Article]
    skips: list[Skip]
    signatures: list[Signature]
    clusters: list[Cluster]
    aliases: list[ClusterAlias]


class Runs(NamedTuple):
    """A dataset's runs: each one's outcome is what the next one finds in the store."""

    folder: Path
    store: Store

    def run(self, *articles: Article, workers: int = 1) -> Outcome:
        args = ["--runner=FnApiRunner"]
        if workers > 1:
            args += ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers}"]
        folders = [Path(tempfile.mkdtemp(dir=self.folder)) for _ in Outcome._fields]
        with beam.Pipeline(options=PipelineOptions(args)) as pipeline:
            outputs = pipeline | beam.Create(articles) | Dedup(self.store, SETTINGS)
            for name, folder, output in zip(Outcome._fields, folders, outputs, strict=True):
                output | f"Keep {name}" >> beam.ParDo(KeepFn(str(folder)))
        kept, skips, signatures, clusters, aliases = (
            [pickle.loads(f.read_bytes()) for f in folder.iterdir()] for folder in folders
        )
        versions = [
            VersionState(a.article_id, a.version, a.content_hash, a.origin.outlet, a.canonical_url, a.fetched_at)
            for a in kept
        ]
        self.store.apply(
            uuid.uuid4().hex, Delta(versions=[to_scalars(version) for version in versions], signatures=signatures)
        )
        return Outcome({a.article_id: a for a in kept}, skips, signatures, clusters, aliases)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    store = Store(tmp_path / "state.sqlite")
    yield Runs(tmp_path, store)
    store.close()


def test_the_fullest_text_of_an_address_stays_and_the_others_are_skipped(runs: Runs) -> None:
    full = article("wadi", "talks", story(1), 1)
    teaser = article("wadi", "talks", story(1, keep=0.3), 0, link="https://wadi.example/talks?from=mail")
    outcome = runs.run(teaser, full)
    assert [a.text for a in outcome.articles.values()] == [full.text]
    assert outcome.skips == [Skip("dedup", SkipReason.SAME_ARTICLE, teaser.origin)]
    assert [s.article_id for s in outcome.signatures] == [full.article_id]


def test_an_unchanged_text_is_skipped_and_a_changed_one_is_the_next_version(runs: Runs) -> None:
    first = article("wadi", "talks", story(1), 1)
    assert runs.run(first).articles[first.article_id].version == 1
    again = runs.run(first)
    assert (again.articles, again.signatures) == ({}, [])
    assert again.skips == [Skip("dedup", SkipReason.UNCHANGED, first.origin)]
    longer = runs.run(article("wadi", "talks", story(1, more=40), 2)).articles[first.article_id]
    assert longer.version == 2
    assert longer.change_ratio == pytest.approx(0.2, abs=0.1)
    other = runs.run(article("wadi", "talks", story(2), 3)).articles[first.article_id]
    assert (other.version, other.change_ratio) == (3, 1.0)


def test_how_much_a_new_version_changes_is_not_known_where_the_one_before_is_forgotten(runs: Runs) -> None:
    first = article("wadi", "talks", story(1), 1)
    runs.run(first)
    runs.store.forget_signatures(first.fetched_at + HOUR)
    later = runs.run(article("wadi", "talks", story(1, more=40), 2)).articles[first.article_id]
    assert (later.version, later.change_ratio) == (2, None)


def test_each_output_keeps_the_type_of_its_record(tmp_path: Path) -> None:
    pipeline = beam.Pipeline(runner="FnApiRunner")  # built, never run
    outputs = (
        pipeline | beam.Create([], reshuffle=False).with_output_types(Article) | Dedup(Store(tmp_path / "s"), SETTINGS)
    )
    assert [output.element_type for output in outputs] == [Article, Skip, Signature, Cluster, ClusterAlias]


def test_the_pairs_that_beam_finds_are_those_that_are_found_in_memory(tmp_path: Path) -> None:
    texts = [story(seed, keep=keep, more=more) for seed in range(4) for keep, more in ((1.0, 0), (0.8, 9), (0.5, 30))]
    docs = [
        {
            "id": str(n),
            "text": text,
            "title": "",
            "url": f"https://o{n}.example/{n}",
            "outlet": f"o{n}",
            "published": None,
        }
        for n, text in enumerate(texts)
    ]
    signatures = sign_documents(docs)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        edges = pipeline | beam.Create(signatures).with_output_types(Signature) | FindPairs(SETTINGS)
        edges | beam.ParDo(KeepFn(str(tmp_path)))
    found = [pickle.loads(file.read_bytes()) for file in tmp_path.iterdir()]

    def ends(edges: Iterable[Edge]) -> set[tuple[frozenset[str], bool]]:
        return {(frozenset((edge.a.article_id, edge.b.article_id)), edge.verdict.same) for edge in edges}

    assert len(found) > 6
    assert ends(found) == ends(find_edges(signatures))


def test_copies_meet_in_one_cluster_and_say_what_they_are(runs: Runs) -> None:
    first = article("wadi", "talks", story(1), 1)
    copies = {
        "exact": article("dune", "a", story(1).upper().replace(" ", "\n"), 2),
        "repost": article("oasis", "b", story(1, more=20), 3),
        "syndicated": article("spring", "c", story(1, keep=0.9, more=9), 4, source="Reuters"),
        "excerpt": article("well", "d", story(1, keep=0.4), 5),
        "update": article("wadi", "talks-resume", story(1, more=60), 6)._replace(title=first.title),
    }
    alone = article("wadi", "rain", story(2), 1)
    found = runs.run(*copies.values(), alone, first).articles
    assert {found[a.article_id].duplicate_kind: a for a in copies.values()} == copies
    assert {found[a.article_id].duplicate_of for a in copies.values()} == {first.article_id}
    assert {found[a.article_id].cluster_id for a in [first, *copies.values()]} == {first.article_id}
    assert found[first.article_id].duplicate_of is None
    assert found[copies["repost"].article_id].syndication_source == "Reuters"
    assert (found[alone.article_id].cluster_id, found[alone.article_id].duplicate_of) == (alone.article_id, None)


def test_a_story_of_a_hundred_copies_is_one_cluster(runs: Runs) -> None:
    copies = [article(f"outlet-{n}", "a", story(1, keep=1 - n / 300, more=n % 5), n % 9) for n in range(100)]
    assert len({a.cluster_id for a in runs.run(*copies).articles.values()}) == 1


def test_a_template_with_other_numbers_is_another_article(runs: Runs) -> None:
    report = " ".join(f"{' '.join(words(n, 30))} %d" for n in range(8))
    days = [article("wadi", f"day-{n}", report % tuple(range(n, n + 8)), n) for n in (1, 2)]
    found = runs.run(*(day._replace(title="Daily report") for day in days)).articles
    assert all(a.cluster_id == a.article_id for a in found.values())


def test_a_copy_of_a_stored_article_joins_its_cluster(runs: Runs) -> None:
    first, copy = article("wadi", "talks", story(1), 5), article("dune", "a", story(1, more=9), 2)
    runs.run(first)
    outcome = runs.run(copy)
    assert outcome.articles[copy.article_id].cluster_id == first.article_id  # stable, though the copy is dated earlier
    assert [s.article_id for s in outcome.signatures] == [copy.article_id]


def test_a_story_that_links_two_stored_clusters_makes_them_one(runs: Runs) -> None:
    left, right = article("wadi", "a", story(1, keep=0.9), 1), article("dune", "b", story(2, keep=0.9), 2)
    runs.run(left, right)
    outcome = runs.run(article("oasis", "c", story(1) + " " + story(2), 3))
    assert {a.cluster_id for a in outcome.articles.values()} == {left.article_id}
    assert {s.cluster_id for s in outcome.signatures} == {left.article_id}
    assert right.article_id in {s.article_id for s in outcome.signatures}


def test_briefs_over_a_footer_that_three_stories_have_stay_apart_in_one_run_and_later(runs: Runs) -> None:
    footer = "\n\n".join([" ".join(words(90, 120)), " ".join(words(91, 40))])
    briefs = [
        article("wadi", f"b{n}", f"{' '.join(words(n, 12))}\n\n{footer}", n)._replace(title=" ".join(words(50 + n, 5)))
        for n in range(5)
    ]
    first = runs.run(*briefs[:3])
    second = runs.run(briefs[3])
    third = runs.run(briefs[4])
    for outcome in (first, second, third):
        assert all(a.cluster_id == a.article_id for a in outcome.articles.values())
        assert all(s.footer for s in outcome.signatures)


def test_clusters_that_are_linked_are_walked_once_however_many_of_them_the_run_meets(
    runs: Runs, tmp_path: Path
) -> None:
    """A text of two halves links two stories; average link leaves the later one a cluster of its own."""
    halves = f"{story(1, keep=0.6)} {story(2, keep=0.6)}"
    stored = runs.run(
        article("wadi", "a", story(1), 1), article("dune", "b", halves, 2), article("oasis", "c", story(2), 3)
    )
    assert len({s.cluster_id for s in stored.signatures}) == 2
    new = [sign(article(f"well-{n}", "d", story(n, more=5), 5), SETTINGS) for n in (1, 2)]
    found = tmp_path / "edges"
    found.mkdir()
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        edges = pipeline | beam.Create(new).with_output_types(Signature) | FindEdges(runs.store, SETTINGS)
        edges | beam.ParDo(KeepFn(str(found)))
    pairs = [(edge.a.outlet, edge.b.outlet) for edge in (pickle.loads(file.read_bytes()) for file in found.iterdir())]
    assert len(pairs) == len(set(map(frozenset, pairs))) == 6


def test_history_beyond_the_lookback_is_not_searched(runs: Runs) -> None:
    old, copy = article("wadi", "a", story(1), 1), article("dune", "b", story(1), 24 * 31)
    runs.run(old)
    assert runs.run(copy).articles[copy.article_id].cluster_id == copy.article_id


def some_day() -> list[Article]:
    """Stories with their copies, cuts and write-throughs, of several outlets."""
    draw = random.Random(7)
    return [
        article(f"outlet-{draw.randrange(9)}", f"s{n}-{m}", story(n, keep=draw.uniform(0.5, 1), more=draw.randrange(40)), n + m)
        for n in range(8)
        for m in range(draw.randrange(1, 6))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("one-run")
    return Runs(folder, Store(folder / "whole.sqlite")).run(*some_day())


@settings(max_examples=2, deadline=None, database=None)
@given(st.permutations(some_day()), st.integers(0, 5), st.integers(1, 3))
def test_order_replays_and_workers_change_nothing(
    one_run: Outcome, day: list[Article], again: int, workers: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), Store(Path(folder, "state.sqlite")))
        found = runs.run(*day, *day[:again], workers=workers)
        replayed = runs.run(*day[::3])
        runs.store.close()
    assert found.articles == one_run.articles
    assert sorted(found.signatures) == sorted(one_run.signatures)
    assert sorted(found.clusters) == sorted(one_run.clusters)
    assert (replayed.articles, replayed.signatures, replayed.clusters, replayed.aliases) == ({}, [], [], [])


SIGNED = [sign(article, SETTINGS) for article in some_day()]
EDGES = frozenset(find_edges(SIGNED))
PLACES = set(place(EDGES, SETTINGS.cluster_cut))


@settings(max_examples=40, deadline=None, database=None)
@given(st.permutations(SIGNED), st.integers(0, 5))
def test_the_order_of_texts_and_replays_change_no_edge_and_no_place(day: list[Signature], again: int) -> None:
    """The same claim on the pure functions, where many orders cost little."""
    edges = find_edges([*day, *day[:again]])
    assert {edge for edge in edges if edge.a.article_id != edge.b.article_id} == EDGES
    assert set(place(edges, SETTINGS.cluster_cut)) == PLACES


@pytest.mark.parametrize(("parts", "shuffle"), [(3, False), (5, True)], ids=["3 in order", "5 shuffled"])
def test_runs_in_parts_give_the_clusters_of_one_run_and_rows_that_say_so(
    runs: Runs, one_run: Outcome, parts: int, shuffle: bool
) -> None:
    day = some_day()
    random.Random(3).shuffle(day) if shuffle else None
    latest, rows = dict[str, str](), {a.article_id: a.article_id for a in day}
    for part in range(parts):
        outcome = runs.run(
            *day[part::parts] if shuffle else day[part * len(day) // parts : (part + 1) * len(day) // parts]
        )
        latest |= {s.article_id: s.cluster_id for s in outcome.signatures}
        rows |= {member.article_id: cluster.cluster_id for cluster in outcome.clusters for member in cluster.members}
    assert rows == latest
    assert groups(latest) == groups({name: a.cluster_id for name, a in one_run.articles.items()})
    everything = [s for a in day for s in runs.store.signatures_of(a.article_id, Timestamp(0))]
    anew = {p.article_id: p.cluster_id for p in place(find_edges(everything), SETTINGS.cluster_cut)}
    assert groups({a.article_id: anew.get(a.article_id, a.article_id) for a in day}) == groups(latest)


def test_a_rewritten_article_still_links_what_its_earlier_text_was_a_copy_of(runs: Runs) -> None:
    """Versions count as one article, also where the new text has nothing of the old one."""
    first, copy = article("wadi", "a", story(1), 1), article("dune", "b", story(1, more=9), 2)
    runs.run(first, copy)
    outcome = runs.run(article("wadi", "a", story(2), 3), article("oasis", "c", story(2, more=9), 4))
    assert {a.cluster_id for a in outcome.articles.values()} == {first.article_id}
    assert [[(m.outlet, m.version) for m in cluster.members] for cluster in outcome.clusters] == [
        [("wadi", 2), ("dune", 1), ("oasis", 1)]
    ]


def groups(cluster_of: dict[str, str]) -> set[frozenset[str]]:
    members = defaultdict[str, set[str]](set)
    for name, cluster in cluster_of.items():
        members[cluster].add(name)
    return {frozenset(group) for group in members.values()}
