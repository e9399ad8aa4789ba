"""The write stage under Beam: every entry accounted for, rows once, state from the commit."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
import duckdb
import pytest
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import PipelineVisitor
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import DatasetError
from schemas.records import (
    Article,
    Caption,
    Cluster,
    ClusterAlias,
    DocumentEntity,
    Entity,
    FeedState,
    LinkState,
    Origin,
    Reject,
    RejectReason,
    Signature,
    Skip,
    SkipReason,
    TaggedArticle,
    Tally,
)
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write import Dataset, Harvest, Recovery, Write, prepare, recover
from transforms.write.manifest import StagedFile

NOON = Timestamp(1_760_011_200)  # 2025-10-09 12:00 UTC
SETTINGS = WriteSettings(shards=1, max_rows_per_file=3, compression_level=1, min_free_bytes=0)


def origin(number: int, outlet: str = "gazette") -> Origin:
    return Origin(
        outlet, f"https://{outlet}.example/rss", f"guid-{number}", f"https://{outlet}.example/{number}", NOON, "en"
    )


def tagged(number: int, outlet: str = "gazette", **changes: Any) -> TaggedArticle:
    url = f"https://{outlet}.example/{number}"
    name = f"{outlet}-{number}"
    article = Article(
        origin=origin(number, outlet), article_id=name, version=1, url=url, canonical_url=url,
        title=f"Shelling near Kobani, day {number}", subtitle="", description="", authors=["A. Writer"], section="",
        tags=[], image_url="", article_type="news", text=f"Number {number}.\n\nA second paragraph.", dateline="",
        captions=[Caption("A street", "")], syndication_source="", published_at=NOON + number, published_at_source="meta",
        modified_at=None, fetched_at=NOON + 60, language="en", language_confidence=0.9, content_hash=f"hash-{number}",
        change_ratio=None, cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main",
        extraction_quality=0.8, warnings=[], removals=[], http_status=200, etag='"e"', last_modified=None,
    )._replace(**changes)  # fmt: skip
    entity = Entity("kobani", "place", "Kobani", "title", 14, 20, 1.0, "alias")
    document = DocumentEntity("kobani", "place", 1, True, False, 0.5, ["syria"])
    return TaggedArticle(article, [entity], [document], 0.7, "g1")


def signature(number: int, outlet: str = "gazette") -> Signature:
    name = f"{outlet}-{number}"
    return Signature(name, 1, outlet, name, "T", [number], b"\x01", "{}", 3, NOON + number, NOON + 60, "", lines=[])


def feed(outlet: str = "gazette") -> FeedState:
    url = f"https://{outlet}.example/rss"
    return FeedState(
        url, outlet, url, None, None, 200, "fetched", NOON, NOON, NOON, NOON + 1800, 1800.0, 0, False, 9, ""
    )


def reject(number: int, subject: str = "entry") -> Reject:
    where = origin(number)
    return Reject("fetch", RejectReason.TIMEOUT, where, subject, where.link, "20 s", True, NOON + 5)


class Batch(NamedTuple):
    """A harvest of plain lists."""

    articles: Sequence[TaggedArticle] = ()
    skips: Sequence[Skip] = ()
    rejects: Sequence[Reject] = ()
    entries: Sequence[Tally] = ()
    feed_states: Sequence[FeedState] = ()
    signatures: Sequence[Signature] = ()
    clusters: Sequence[Cluster] = ()
    aliases: Sequence[ClusterAlias] = ()


DAY = Batch(
    articles=[*(tagged(n) for n in range(1, 6)), tagged(1, "courier"), tagged(7, published_at=None)],
    skips=[Skip("fresh", SkipReason.SEEN, origin(20)), Skip("fetch", SkipReason.NOT_MODIFIED, origin(21))],
    rejects=[reject(30), reject(0, "feed")],
    entries=[Tally("gazette", "entry", "", 4), Tally("gazette", "entry", "", 5), Tally("courier", "entry", "", 1)],
    feed_states=[feed(), feed("courier")],
    signatures=[signature(n) for n in range(1, 6)],
)


class Place(NamedTuple):
    dataset: Dataset
    store: Store

    def write(self, batch: Batch, run_id: str = "run-1", workers: int = 1, **options: Any) -> None:
        args = ["--runner=FnApiRunner"]
        if workers > 1:
            args += ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
        with beam.Pipeline(options=PipelineOptions(args)) as pipeline:
            kinds = Batch.__annotations__
            harvest = Harvest(
                *(
                    pipeline | name >> beam.Create(list(values)).with_output_types(kinds[name].__args__[0])
                    for name, values in batch._asdict().items()
                )
            )
            committed = harvest | "Write" >> Write(
                self.dataset, run_id, self.store, SETTINGS.model_copy(update=options), "0.1"
            )
            if workers == 1:  # assert_that's functions live in this module, which worker processes cannot import
                assert_that(committed, equal_to([run_id]))

    def files(self, table: str = "") -> set[str]:
        root = Path(self.dataset.root)
        return {str(path.relative_to(root)) for path in (root / table).rglob("*") if path.is_file()}

    def manifest(self, run_id: str = "run-1") -> Any:
        return json.loads((self.dataset.manifests / f"{run_id}.json").read_text())

    def rows(self, query: str) -> list[Any]:
        source = f"read_parquet('{self.dataset.root}/articles/date=*/outlet=*/*.parquet', hive_partitioning=true)"
        return duckdb.connect().execute(query.replace("ARTICLES", source)).fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    dataset = Dataset(str(tmp_path / "data"))
    prepare(dataset)
    store = Store(dataset.state)
    yield Place(dataset, store)
    store.close()


def test_rows_lie_in_their_partitions_in_files_of_bounded_length(place: Place) -> None:
    place.write(DAY)
    day = "articles/date=2025-10-09"
    assert place.files("articles") == {
        f"{day}/outlet=courier/part-run-1-000-00.parquet",
        f"{day}/outlet=gazette/part-run-1-000-00.parquet",
        f"{day}/outlet=gazette/part-run-1-000-01.parquet",
    }
    assert place.files("rejects") == {"rejects/date=2025-10-09/part-run-1-000-00.parquet"}
    rows = place.rows(
        "select outlet, outlet_id, article_id, published_at_source, date::varchar from ARTICLES order by 3"
    )
    assert ("courier", "courier", "courier-1", "meta", "2025-10-09") in rows
    assert ("gazette", "gazette", "gazette-7", "fetch", "2025-10-09") in rows
    assert len(rows) == 7


def test_the_manifest_says_what_became_of_every_entry(place: Place) -> None:
    place.write(DAY)
    manifest = place.manifest()
    assert manifest["counts"] == {
        "entries": 10, "articles": 7, "skips": {"fetch.not_modified": 1, "fresh.seen": 1},
        "rejects": {"fetch.timeout": 1},
    }  # fmt: skip
    assert manifest["by_outlet"]["courier"] == {"entries": 1, "articles": 1, "skips": {}, "rejects": {}}
    assert manifest["feeds"] == {"fetched": 2}
    assert {file["path"] for file in manifest["files"]} == {path for path in place.files() if path.endswith(".parquet")}


def test_nothing_is_left_over_after_a_commit(place: Place) -> None:
    place.write(DAY)
    assert not list(place.dataset.staging.iterdir())
    assert not list(place.dataset.meta.rglob("*.draft"))
    assert recover(place.dataset, place.store) == Recovery([], [], [])


def test_the_state_follows_the_commit(place: Place) -> None:
    place.write(DAY)
    assert place.store.feeds() == {state.url: state for state in DAY.feed_states}
    links = place.store.links([origin(n).link for n in (1, 20, 21, 30)])
    assert links[origin(1).link] == LinkState(
        origin(1).link, "gazette", NOON, "article", "", "gazette-1", 0, False, '"e"', None, NOON + 60
    )
    assert origin(20).link not in links  # seen: nothing new to keep
    assert links[origin(21).link].outcome == "skip"
    assert links[origin(30).link].tries == 1
    assert place.store.versions(["gazette-1"])["gazette-1"].content_hash == "hash-1"
    assert place.store.signatures([3], NOON) == [signature(3)]


def test_a_link_that_fails_again_has_failed_twice(place: Place) -> None:
    batch = Batch(rejects=[reject(30)], entries=[Tally("gazette", "entry", "", 1)])
    place.write(batch, "run-1")
    place.write(batch, "run-2")
    assert place.store.links([origin(30).link])[origin(30).link].tries == 2


def test_a_run_that_brought_nothing_is_committed_too(place: Place) -> None:
    place.write(Batch(feed_states=[feed()]))
    assert place.manifest()["counts"] == {"entries": 0, "articles": 0, "skips": {}, "rejects": {}}
    assert list(place.store.feeds()) == [feed().url]


def test_a_decided_run_id_is_refused_before_anything_is_read(place: Place) -> None:
    place.write(DAY)
    with pytest.raises(DatasetError, match="already committed"):
        place.write(DAY)


@pytest.mark.parametrize(
    "entries",
    [
        [Tally("gazette", "entry", "", 10), Tally("courier", "entry", "", 1)],
        [Tally("gazette", "entry", "", 10)],  # right in sum, wrong by outlet
    ],
    ids=["one too many", "another outlet's"],
)
def test_nothing_is_committed_where_counts_do_not_add_up(place: Place, entries: list[Tally]) -> None:
    with pytest.raises(RuntimeError, match="CountsDoNotAddUp"):
        place.write(DAY._replace(entries=entries))
    assert place.files("articles") == set()
    assert place.store.applied() == set()
    assert recover(place.dataset, place.store) == Recovery([], ["run-1"], [])
    assert not list(place.dataset.staging.iterdir())


def test_an_article_version_cannot_be_there_twice(place: Place) -> None:
    twice = Batch(
        articles=[tagged(1), tagged(1, published_at=NOON - 86_400)], entries=[Tally("gazette", "entry", "", 2)]
    )
    with pytest.raises(ValueError, match="is there twice"):
        place.write(twice)
    assert place.files("articles") == set()


def test_a_stored_version_is_not_written_again(place: Place) -> None:
    one = Batch(articles=[tagged(1)], entries=[Tally("gazette", "entry", "", 1)])
    place.write(one, "run-1")
    two = one._replace(articles=[tagged(1), tagged(2)], entries=[Tally("gazette", "entry", "", 2)])
    place.write(two, "run-2")
    assert place.rows("select article_id, run_id from ARTICLES order by 1") == [
        ("gazette-1", "run-1"),
        ("gazette-2", "run-2"),
    ]
    assert place.manifest("run-2")["counts"]["skips"] == {"write.unchanged": 1}
    assert place.store.versions(["gazette-1", "gazette-2"]).keys() == {"gazette-1", "gazette-2"}


def test_what_a_manifest_holds_is_not_written_again_before_it_is_in_the_state(place: Place) -> None:
    """As an engine does that goes back to a checkpoint: the first commit was decided, and then its worker was lost."""
    one = Batch(articles=[tagged(1)], entries=[Tally("gazette", "entry", "", 1)])
    place.write(one, "run-1")
    place.store.close()
    for file in [*place.dataset.meta.glob("state.sqlite*"), place.dataset.done / "run-1.json"]:
        file.unlink()
    place.write(one, "run-2")
    assert place.rows("select article_id, run_id from ARTICLES") == [("gazette-1", "run-1")]
    assert place.manifest("run-2")["counts"]["skips"] == {"write.unchanged": 1}


def test_two_workers_and_two_shards_write_the_same_rows(place: Place) -> None:
    place.write(DAY, workers=2, shards=2)
    assert len(place.rows("select distinct article_id, version from ARTICLES")) == 7
    assert place.manifest()["counts"]["entries"] == 10
    assert len(place.store.links([end.article.origin.link for end in DAY.articles])) == 7


def test_every_collection_of_the_stage_keeps_its_record_and_coder(place: Place) -> None:
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    kinds = {name: hint.__args__[0] for name, hint in Batch.__annotations__.items()}
    harvest = Harvest(*(pipeline | name >> beam.Create([]).with_output_types(kind) for name, kind in kinds.items()))
    write = Write(place.dataset, "run", place.store, SETTINGS, "0.1")
    assert (harvest | "Write" >> write).element_type is str
    files, tallies = dict[str, Any](), dict[str, Any]()

    class Look(PipelineVisitor):  # type: ignore[misc]
        def visit_transform(self, node: Any) -> None:
            for output in node.outputs.values():
                if node.full_label.endswith("/Stage"):
                    files[node.full_label] = output.element_type
                if node.full_label.endswith("/Tally"):
                    tallies[node.full_label] = output.element_type

    pipeline.visit(Look())
    assert len(files) == 10
    assert set(files.values()) == {StagedFile}
    assert set(tallies.values()) == {Tally}
    assert type(registry.get_coder(StagedFile)).__name__ == "RowCoder"
