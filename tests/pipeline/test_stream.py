"""Windows of a stream, with time under control: each is committed once, whatever comes late, twice or out of order."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Union

import apache_beam as beam
import duckdb
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream as Timeline
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import CountsDoNotAddUp
from schemas.records import (
    Article,
    Cluster,
    ClusterAlias,
    FeedState,
    Member,
    Origin,
    Reject,
    Removal,
    Signature,
    Skip,
    TaggedArticle,
    Tally,
)
from schemas.settings import WriteSettings
from schemas.settings_files import load_settings
from transforms.dedup import Dedup
from transforms.state import Store
from transforms.write import Dataset, Harvest, prepare
from transforms.write.window import Batch, WriteWindows, commit_window

NOON = Timestamp(1_760_011_200)  # 2025-10-09 12:00 UTC
MINUTE = 60
SETTINGS = WriteSettings(shards=1, max_rows_per_file=100, compression_level=1, min_free_bytes=0)
DEDUP = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").dedup
DAY = 24 * 60  # minutes
Element = Union[Tally, TaggedArticle]


def origin(name: str) -> Origin:
    return Origin("gazette", "https://gazette.example/rss", name, f"https://gazette.example/{name}", NOON, "en")


def tagged(name: str, text: str = "Shelling near Kobani.", version: int = 1, minute: int = 1) -> TaggedArticle:
    url = f"https://gazette.example/{name}"
    article = Article(
        origin=origin(name), article_id=name, version=version, url=url, canonical_url=url, title="A day", subtitle="",
        description="", authors=[], section="", tags=[], image_url="", article_type="news", text=text, dateline="",
        captions=[], syndication_source="", published_at=NOON, published_at_source="meta", modified_at=None,
        fetched_at=NOON + minute * MINUTE, language="en", language_confidence=0.9, content_hash=f"hash of {text}",
        change_ratio=None, cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main",
        extraction_quality=0.8, warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip
    return TaggedArticle(article, [], [], 0.7, "g1")


def signature(name: str, version: int = 1) -> Signature:
    return Signature(name, version, "gazette", name, "A day", [1, 2], b"", "{}", 2, NOON, NOON, "")


def listed(n: int = 1) -> Tally:
    return Tally("gazette", "entry", "", n)


def batch(*articles: TaggedArticle) -> Batch:
    signatures = [signature(one.article.article_id, one.article.version) for one in articles]
    return Batch(articles, [], [], [listed(len(articles))], [], signatures, [], [])


class Place(NamedTuple):
    dataset: Dataset
    store: Store

    def commit(self, commit_id: str, what: Batch) -> bool:
        return commit_window(self.dataset, self.store, commit_id, what, SETTINGS, "0.1.0")

    def stream(self, events: Timeline) -> None:
        """Run the events through `WriteWindows`, in windows of five minutes."""
        options = PipelineOptions(["--streaming"])
        with beam.Pipeline(runner="BundleBasedDirectRunner", options=options) as pipeline:
            elements = pipeline | events | beam.WindowInto(FixedWindows(5 * MINUTE))
            _ = harvest(elements) | WriteWindows(self.dataset, self.store, SETTINGS, "0.1.0")

    def refine(self, events: Timeline) -> None:
        """The same, with versions and copies found in the state that the windows before have left."""
        options = PipelineOptions(["--streaming"])
        with beam.Pipeline(runner="BundleBasedDirectRunner", options=options) as pipeline:
            came = harvest(pipeline | events | beam.WindowInto(FixedWindows(5 * MINUTE)))
            articles = came.articles | beam.Map(lambda one: one.article).with_output_types(Article)
            unique, skips, signatures, clusters, aliases = articles | Dedup(self.store, DEDUP)
            refined = came._replace(
                articles=unique | "Tag" >> beam.Map(_untagged), skips=skips, signatures=signatures, clusters=clusters,
                aliases=aliases,
            )  # fmt: skip
            _ = refined | WriteWindows(self.dataset, self.store, SETTINGS, "0.1.0")

    def rows(self, table: str = "articles", columns: str = "article_id, version, text") -> list[tuple[Any, ...]]:
        files = f"{self.dataset.root}/{table}/**/*.parquet"
        query = f"SELECT {columns} FROM read_parquet('{files}') ORDER BY ALL"
        return duckdb.connect().execute(query).fetchall()

    def counts(self) -> dict[str, dict[str, Any]]:
        manifests = sorted(self.dataset.manifests.glob("*.json"))
        return {path.stem: json.loads(path.read_text())["counts"] for path in manifests}


def _untagged(article: Article) -> TaggedArticle:
    return TaggedArticle(article, [], [], 0.7, "g1")


def words(seed: int) -> str:
    """A text of a hundred made-up words, which has nothing in common with that of another seed."""
    draw = random.Random(seed)
    return " ".join("".join(draw.choices("abcdefghilmnoprstu", k=draw.randint(3, 9))) for _ in range(100))


def harvest(elements: Any) -> Harvest:
    def of(kind: type) -> Any:
        return elements | kind.__name__ >> beam.Filter(lambda one: isinstance(one, kind)).with_output_types(kind)

    kinds = (TaggedArticle, Skip, Reject, Tally, FeedState, Signature, Cluster, ClusterAlias)
    return Harvest(*map(of, kinds))


def at(minutes: float, *elements: Element) -> Sequence[TimestampedValue]:
    return [TimestampedValue(element, NOON + minutes * MINUTE) for element in elements]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    dataset = Dataset(str(tmp_path / "data"))
    prepare(dataset)
    return Place(dataset, Store(dataset.state))


def test_each_window_is_one_commit_that_adds_up(place: Place) -> None:
    events = Timeline().advance_watermark_to(NOON)
    events = events.add_elements(at(1, tagged("a"), listed())).add_elements(at(6, tagged("b"), tagged("c"), listed(2)))
    place.stream(events.advance_watermark_to_infinity())
    assert [row[0] for row in place.rows()] == ["a", "b", "c"]
    assert {name: (n["entries"], n["articles"]) for name, n in place.counts().items()} == {
        "stream-20251009T120500Z": (1, 1),
        "stream-20251009T121000Z": (2, 2),
    }


def test_windows_are_told_apart_by_time_not_by_arrival(place: Place) -> None:
    events = Timeline().advance_watermark_to(NOON)
    events = events.add_elements(at(6, tagged("later"), listed())).add_elements(at(1, tagged("earlier"), listed()))
    place.stream(events.advance_watermark_to_infinity())
    assert [n["articles"] for n in place.counts().values()] == [1, 1]
    assert [row[0] for row in place.rows()] == ["earlier", "later"]


def test_what_comes_late_changes_no_window_that_is_committed(place: Place) -> None:
    events = Timeline().advance_watermark_to(NOON)
    events = events.add_elements(at(1, tagged("a"), listed())).advance_watermark_to(NOON + 5 * MINUTE)
    events = events.add_elements(at(2, tagged("too-late"), listed()))
    place.stream(events.advance_watermark_to_infinity())
    assert [row[0] for row in place.rows()] == ["a"]
    assert list(place.counts()) == ["stream-20251009T120500Z"]


def test_an_update_that_another_window_wrote_already_becomes_the_version_after_it(place: Place) -> None:
    events = Timeline().advance_watermark_to(NOON)
    events = events.add_elements(at(1, tagged("a"), listed())).advance_watermark_to(NOON + 5 * MINUTE)
    events = events.add_elements(at(6, tagged("a", "One dead.", 2), listed())).advance_watermark_to(NOON + 10 * MINUTE)
    events = events.add_elements(at(11, tagged("a", "Two dead.", 2), listed()))
    place.stream(events.advance_watermark_to_infinity())
    assert place.rows() == [("a", 1, "Shelling near Kobani."), ("a", 2, "One dead."), ("a", 3, "Two dead.")]


def test_updates_that_arrive_before_what_they_update_get_their_versions_by_time(place: Place) -> None:
    first, second, third = (tagged("a", words(seed), minute=minute) for seed, minute in ((1, 1), (2, 6), (3, 11)))
    events = Timeline().advance_watermark_to(NOON)
    events = events.add_elements(at(11, third, listed())).add_elements(at(6, second, listed()))
    events = events.add_elements(at(1, first, listed()))
    for minutes in (5, 10, 15):
        events = events.advance_watermark_to(NOON + minutes * MINUTE)
    place.refine(events.advance_watermark_to_infinity())
    assert place.rows() == [("a", 1, words(1)), ("a", 2, words(2)), ("a", 3, words(3))]


def test_a_copy_is_found_until_its_story_has_expired_by_event_time(place: Place) -> None:
    days = (0, 1, DEDUP.lookback_days + 1.5)  # the last one is out of the second one's reach, too
    events = Timeline()
    for name, day in zip("abc", days, strict=True):
        article = tagged(name, words(1), minute=int(day * DAY)).article
        one = _untagged(article._replace(title="", published_at=article.fetched_at))
        events = events.advance_watermark_to(NOON + int(day * DAY) * MINUTE).add_elements(at(day * DAY, one, listed()))
        events = events.advance_watermark_to(NOON + int(day * DAY + 5) * MINUTE)
    place.refine(events.advance_watermark_to_infinity())
    assert place.rows(columns="article_id, cluster_id, duplicate_of") == [
        ("a", "a", None),
        ("b", "a", "a"),
        ("c", "c", None),
    ]


def test_a_text_read_again_after_a_rollback_is_written_once(place: Place) -> None:
    assert place.commit("stream-1", batch(tagged("a")))
    assert place.commit("stream-2", batch(tagged("a"), tagged("b")))
    assert [row[:2] for row in place.rows()] == [("a", 1), ("b", 1)]
    assert place.counts()["stream-2"]["skips"] == {"write.unchanged": 1}


def test_a_replay_of_an_older_version_is_not_written_again(place: Place) -> None:
    older, newer = tagged("a"), tagged("a", "One dead.", 1, minute=6)  # both windows found the article new
    for number, one in enumerate([older, newer, tagged("a", "Two dead.", 3, minute=11), older, newer, older]):
        assert place.commit(f"stream-{number}", batch(one))
    assert place.rows() == [("a", 1, "Shelling near Kobani."), ("a", 2, "One dead."), ("a", 3, "Two dead.")]
    assert [row[1] for row in place.rows("signatures", "article_id, version")] == [1, 2, 3]
    assert place.counts()["stream-5"]["skips"] == {"write.unchanged": 1}
    assert place.store.versions("a")["a"].version == 3


def test_an_outlet_that_goes_back_to_an_earlier_text_makes_a_new_version_of_it(place: Place) -> None:
    place.commit("stream-1", batch(tagged("a")))
    place.commit("stream-2", batch(tagged("a", "One dead.", 2, minute=6)))
    back = tagged("a", version=1, minute=11)  # from a window that knew of no version yet
    for number in (3, 4):
        place.commit(f"stream-{number}", batch(back))
    assert [row[1:] for row in place.rows()] == [
        (1, "Shelling near Kobani."),
        (2, "One dead."),
        (3, "Shelling near Kobani."),
    ]


def test_a_member_of_a_cluster_is_named_by_the_version_that_its_text_has(place: Place) -> None:
    place.commit("stream-1", batch(tagged("a")))
    late = tagged("a", "One dead.", 1, minute=6)
    place.commit("stream-2", batch(late))
    members = [Member(name, 1, "gazette", None if name == "a" else "repost", NOON, None, None) for name in "ab"]
    place.commit("stream-3", batch(late, tagged("b"))._replace(clusters=[Cluster("a", members, complete=True)]))
    in_cluster = place.rows("clusters", "unnest([(m.article_id, m.version) FOR m IN members])")
    assert in_cluster == [(("a", 2),), (("b", 1),)]


def test_a_window_that_is_run_again_changes_nothing(place: Place) -> None:
    assert place.commit("stream-1", batch(tagged("a")))
    before = place.rows(), place.counts()
    assert not place.commit("stream-1", batch(tagged("a"), tagged("seen only the second time")))
    assert (place.rows(), place.counts()) == before


def test_a_window_whose_counts_do_not_add_up_is_not_committed(place: Place) -> None:
    with pytest.raises(CountsDoNotAddUp):
        place.commit("stream-1", batch(tagged("a"))._replace(entries=[listed(2)]))
    assert place.counts() == {}


def test_signatures_lines_and_clusters_follow_their_articles(place: Place) -> None:
    place.commit("stream-1", batch(tagged("a"), tagged("b")))
    removed = [Removal("scrub.teaser", "Read more")]
    again = [one._replace(article=one.article._replace(removals=removed)) for one in (tagged("a"), tagged("b", "New."))]
    members = [Member(name, 1, "gazette", None if name == "a" else "repost", NOON, None, None) for name in "abc"]
    place.commit("stream-2", batch(*again, tagged("c"))._replace(clusters=[Cluster("a", members, complete=True)]))
    assert place.rows("signatures", "article_id, version") == [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
    assert place.rows("removals", "article_id, version") == [("b", 2)]
    in_cluster = place.rows("clusters", "unnest([(m.article_id, m.version) FOR m IN members])")
    assert in_cluster == [(("a", 1),), (("b", 2),), (("c", 1),)]
    assert {name: state.version for name, state in place.store.versions("abc").items()} == {"a": 1, "b": 2, "c": 1}


def test_a_window_that_brought_only_entries_without_end_is_loud(place: Place) -> None:
    events = Timeline().advance_watermark_to(NOON).add_elements(at(1, listed()))
    with pytest.raises(Exception, match="gazette"):
        place.stream(events.advance_watermark_to_infinity())
    assert place.counts() == {}
