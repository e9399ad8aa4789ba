"""Compaction, vacuum, verification, publishing: rows stay what they are, and every fault is found."""

import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.utils.timestamp import Timestamp
from typer.testing import CliRunner

from pipelines.maintenance import maintenance_app
from pipelines.publish import open_table, publish
from schemas.errors import DatasetError, LockHeld
from schemas.parquet import ARTICLES, SCHEMA_VERSION, SCHEMAS
from schemas.records import Article, FeedState, Origin, Signature, TaggedArticle, Tally
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write import Dataset, live_files, load_manifests, lock, prepare, recover
from transforms.write.compact import ORDER, Compacted, compact, vacuum
from transforms.write.ends import link_of_article, version_of
from transforms.write.stage import TABLES, StageDeltaFn, Stager, StageTableFn, partition
from transforms.write.transform import commit
from transforms.write.verify import verify

NOON = Timestamp(1_760_011_200)  # 2025-10-09 12:00 UTC
SETTINGS = WriteSettings(shards=1, max_rows_per_file=100, compression_level=1, min_free_bytes=0)
REPOSITORY = Path(__file__).parents[2]
RUNS, OUTLETS = 4, ("courier", "gazette")


def article(run: int, outlet: str) -> TaggedArticle:
    name = f"{outlet}-{run}"
    url = f"https://{outlet}.example/{run}"
    origin = Origin(outlet, f"https://{outlet}.example/rss", name, url, NOON, "en")
    bare = Article(
        origin=origin, article_id=name, version=1, url=url, canonical_url=url, title=name, subtitle="", description="",
        authors=[], section="", tags=[], image_url="", article_type="news", text=f"Some text of {name}. " * 20,
        dateline="", captions=[], syndication_source="", published_at=NOON - run, published_at_source="meta",
        modified_at=None, fetched_at=NOON + 60, language="en", language_confidence=0.9, content_hash=name,
        change_ratio=None, cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main",
        extraction_quality=0.8, warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip
    return TaggedArticle(bare, [], [], 0.0, "g1")


def write(dataset: Dataset, store: Store, run: int) -> None:
    """Commit one article an outlet, with signature and state, as a run does."""
    stager = Stager(dataset, f"run-{run}")
    articles = [article(run, outlet) for outlet in OUTLETS]
    bare = [tagged.article for tagged in articles]
    url = "https://gazette.example/rss"
    feed = FeedState(
        url, "gazette", url, None, None, 200, "fetched", NOON + run, NOON, NOON, NOON, 60.0, 0, False, 9, ""
    )
    tables: dict[str, list[Any]] = {
        "articles": articles,
        "feeds": [feed],
        "signatures": [
            Signature(a.article_id, 1, a.origin.outlet, a.article_id, "", [run], b"", "{}", 9, None, NOON, "")
            for a in bare
        ],
    }
    files = []
    for table, records in tables.items():
        for place in sorted({partition(table, record) for record in records}):
            group = [record for record in records if partition(table, record) == place]
            stage = StageTableFn(stager, table, "0.1", SETTINGS)
            files += stage.process((f"{place}/part-{stager.commit_id}-000", group))
    deltas = {"links": [link_of_article(a) for a in bare], "versions": [version_of(a) for a in bare], "feeds": [feed]}
    for table, states in deltas.items():
        files += StageDeltaFn(stager, table, store).process((f"{table}-000", states))
    commit(dataset, store, stager.commit_id, files, [Tally(o, "entry", "", 1) for o in OUTLETS], "0.1")


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    made = Dataset(str(tmp_path / "data"))
    prepare(made)
    with lock(made) as held:
        with Store(held.state) as store:
            for run in range(RUNS):
                write(held, store, run)
        yield held


def merge(dataset: Dataset, before: str = "2030-01-01") -> list[Compacted]:
    with Store(dataset.state) as store:
        return list(compact(dataset, store, before))


def rows(dataset: Dataset, table: str = "articles") -> list[tuple[Any, ...]]:
    pattern = f"{dataset.root}/{table}/**/*.parquet"
    return duckdb.connect().execute(f"SELECT * FROM read_parquet('{pattern}') ORDER BY ALL").fetchall()


def files(dataset: Dataset, table: str = "articles") -> list[Path]:
    return sorted(path for path in Path(dataset.root, table).rglob("*") if path.is_file())


@pytest.mark.parametrize("table", ["articles", "feeds", "runs", "signatures"])
def test_a_days_files_become_one_a_partition_with_the_same_rows(dataset: Dataset, table: str) -> None:
    before = rows(dataset, table)
    assert len(files(dataset, table)) == RUNS * (2 if table == "articles" else 1)
    merge(dataset)
    assert rows(dataset, table) == before
    assert len(files(dataset, table)) == (2 if table == "articles" else 1)
    assert verify(dataset).faults == []


def test_rows_are_sorted_and_packed_closer(dataset: Dataset) -> None:
    merge(dataset)
    merged = pq.ParquetFile(files(dataset)[0])
    times = merged.read(["published_at"]).column(0).to_pylist()
    assert times == sorted(times)
    assert merged.metadata.row_group(0).column(0).compression == "ZSTD"
    assert merged.schema_arrow.equals(ARTICLES)


def test_days_that_are_not_over_and_partitions_of_one_file_are_left_alone(dataset: Dataset) -> None:
    assert merge(dataset, "2025-10-09") == []
    assert merge(dataset)
    assert merge(dataset) == []


def test_what_comes_late_is_merged_the_next_time(dataset: Dataset) -> None:
    merge(dataset)
    with Store(dataset.state) as store:
        write(dataset, store, RUNS)
    assert len(files(dataset)) == 4
    merge(dataset)
    assert len(files(dataset)) == 2
    assert len(rows(dataset)) == 2 * (RUNS + 1)
    assert verify(dataset).faults == []


def test_replaced_files_stay_until_they_are_vacuumed(dataset: Dataset) -> None:
    done = merge(dataset)
    replaced = dataset.meta / "replaced"
    kept = [path for path in replaced.rglob("*") if path.is_file()]
    assert len(kept) == sum(each.before for each in done)
    assert vacuum(dataset, before=0.0) == 0
    assert vacuum(dataset, before=4e9) == len(kept)
    assert list(replaced.iterdir()) == []
    assert verify(dataset).faults == []


def test_the_state_is_rebuilt_after_a_compaction_and_a_vacuum(dataset: Dataset) -> None:
    merge(dataset)
    vacuum(dataset, before=4e9)
    with Store(dataset.state) as store:
        before = store.feeds(), store.versions(["gazette-1"]), store.signatures([1], NOON), store.applied()
        store.clear()
        recover(dataset, store)
        after = store.feeds(), store.versions(["gazette-1"]), store.signatures([1], NOON), store.applied()
    assert sorted(after[2]) == sorted(before[2])
    assert (*after[:2], after[3]) == (*before[:2], before[3])


def test_a_file_that_no_manifest_names_is_not_swapped_away(dataset: Dataset) -> None:
    stray = files(dataset)[0].with_name("mine.parquet")
    stray.write_bytes(b"somebody's own")
    with pytest.raises(DatasetError, match="no manifest names it"):
        merge(dataset)
    assert stray.exists()
    assert len(rows_of_known(dataset)) == 2 * RUNS


def test_where_folders_cannot_be_swapped_a_compaction_is_refused_and_runs_go_on(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(dataset)

    def refuse(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, "Invalid argument", str(other))

    monkeypatch.setattr("transforms.write.files.exchange", refuse)  # as file systems without RENAME_EXCHANGE answer
    with pytest.raises(DatasetError, match="Invalid argument"):
        merge(dataset)
    with Store(dataset.state) as store:
        assert recover(dataset, store).finished == []
        write(dataset, store, RUNS)
    assert len(rows(dataset)) == len(before) + len(OUTLETS)
    assert verify(dataset).faults == []


def rows_of_known(dataset: Dataset) -> list[str]:
    listed = [str(dataset.path(path)) for path, file in live(dataset).items() if file.table == "articles"]
    return [name for (name,) in duckdb.connect().execute("SELECT article_id FROM read_parquet(?)", [listed]).fetchall()]


def live(dataset: Dataset) -> dict[str, Any]:
    return dict(live_files(load_manifests(dataset)))


def test_a_file_of_an_earlier_version_of_the_columns_reads_and_merges_with_the_new_ones(dataset: Dataset) -> None:
    """Columns are only added: what an old file does not have is null, whoever reads old and new together."""
    [path] = [path for path in files(dataset) if "gazette" in str(path) and "run-0" in path.name]
    new = pq.ParquetFile(path).read()
    added = ARTICLES.get_field_index("gazetteer_version") - 1  # a column that may be null stands in for a new one
    name = ARTICLES.field(added).name
    assert ARTICLES.field(added).nullable
    old = new.drop_columns([name])
    rewrite(dataset, path, old)
    query = f"SELECT count(*), count({name}), min(schema_version) FROM articles"
    connection = duckdb.connect()
    connection.execute(Path(dataset.root, "views.sql").read_text("utf-8"))
    assert connection.execute(query).fetchall() == [(2 * RUNS, 2 * RUNS - 1, SCHEMA_VERSION)]
    merge(dataset)
    assert connection.execute(query).fetchall() == [(2 * RUNS, 2 * RUNS - 1, SCHEMA_VERSION)]
    assert {path.stat().st_size > 0 for path in files(dataset)} == {True}
    assert all(pq.ParquetFile(path).schema_arrow.equals(ARTICLES) for path in files(dataset))


def rewrite(dataset: Dataset, path: Path, table: pa.Table) -> None:
    """Put another content under a committed file, and let its manifest say so."""
    pq.write_table(table, path)
    data, relative = path.read_bytes(), str(path.relative_to(dataset.root))
    for manifest in dataset.manifests.glob("*.json"):
        kept = json.loads(manifest.read_text("utf-8"))
        for file in kept["files"]:
            if file["path"] == relative:
                file |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        manifest.write_text(json.dumps(kept), "utf-8")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def duplicate(path: Path) -> None:
    path.with_name("copy.parquet").write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Path.unlink, "lost"), (truncate, "damaged"), (flip, "damaged"), (duplicate, "unlisted")],
    ids=["lost", "cut off", "one bit", "unlisted"],
)
def test_every_fault_of_a_file_is_found(dataset: Dataset, fault: Callable[[Path], None], kind: str) -> None:
    assert verify(dataset).faults == []
    fault(files(dataset)[0])
    assert [each.kind for each in verify(dataset).faults] == [kind]
    assert bool(verify(dataset, quick=True).faults) == (fault is not flip)


def test_a_damaged_delta_a_lost_manifest_and_wrong_counts_are_found(dataset: Dataset) -> None:
    flip(dataset.path("_meta/delta/run-1/links-000.jsonl.gz"))
    manifest = dataset.manifests / "run-2.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"entries": 2,', '"entries": 3,'), "utf-8")
    (dataset.done / "run-3.json").unlink()
    found = {fault.kind for fault in verify(dataset).faults}
    assert found == {"damaged", "counts", "unfinished", "unlisted"}
    (dataset.manifests / "run-2.json").unlink()
    assert [fault.kind for fault in verify(dataset).faults] == ["manifest"]


def killed_at(number: int, dataset: Dataset) -> int:
    """Compact in a child that dies before its `number`th change of a name; return its exit code."""

    def child() -> None:
        from transforms.write.files import LocalFiles

        left = [number]

        def counted(function: Any) -> Any:
            def call(*args: Any, **options: Any) -> Any:
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **options)

            return call

        for name in ("write", "publish", "swap", "put_away", "settle", "delete", "replace"):
            setattr(LocalFiles, name, counted(getattr(LocalFiles, name)))
        merge(dataset)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    return process.exitcode or 0


def test_a_compaction_killed_on_its_way_is_finished_and_no_row_is_lost_or_doubled(dataset: Dataset) -> None:
    expected, number, codes = rows(dataset), 0, [-signal.SIGKILL]
    while codes[-1] and number < 500:
        number += 4  # every step is the crash matrix's task
        codes.append(killed_at(number, dataset))
        assert rows(dataset) == expected, f"before step {number}"
        with Store(dataset.state) as store:
            recover(dataset, store)
        assert rows(dataset) == expected, f"after the recovery from step {number}"
        assert verify(dataset).faults == []
        if codes[-1]:  # make work for the next one
            with Store(dataset.state) as store:
                write(dataset, store, 100 + number)
            expected = rows(dataset)
    assert len(codes) > 6
    assert set(codes[1:-1]) == {-signal.SIGKILL}


def test_the_commands_say_what_they_did_and_end_with_one_where_something_is_wrong(tmp_path: Path) -> None:
    root = tmp_path / "data"
    prepare(Dataset(str(root)))
    with lock(Dataset(str(root))) as held, Store(held.state) as store:
        write(held, store, 0)
        write(held, store, 1)

    def said(*args: str) -> tuple[int, str]:
        ended = CliRunner().invoke(maintenance_app, [*args, "--output", str(root)])
        return ended.exit_code, ended.output

    code, text = said("verify")
    assert (code, "2 commits, 10 files, 12 rows" in text) == (0, True), text
    code, text = said("compact", "--older-than", "1d")
    assert (code, "articles 2025-10-09: 4 files -> 2" in text) == (0, True), text
    assert said("compact", "--older-than", "1d") == (0, "nothing to compact\n")
    assert said("vacuum", "--older-than", "0h") == (0, "deleted 8 replaced files\n")
    code, text = said("state", "rebuild")
    assert (code, "rebuilt from 5 commits" in text) == (0, True), text
    files(held)[0].unlink()
    code, text = said("verify")
    assert (code, "lost: articles/" in text) == (1, True), text


def published(dataset: Dataset, table: Any) -> list[str]:
    """Publish what is new; return the article ids that the table then holds."""
    list(publish(dataset, table))
    return sorted(table.refresh().scan(selected_fields=("article_id",)).to_arrow().column(0).to_pylist())


@pytest.fixture
def table(dataset: Dataset, tmp_path: Path) -> Any:
    pytest.importorskip("pyiceberg", reason="pyiceberg is not installed: pip install 'newsbeam[iceberg]'")
    return open_table(f"sqlite:///{tmp_path}/catalog.sqlite", (tmp_path / "ice").as_uri(), "news.articles", ARTICLES)


def names(runs: int) -> list[str]:
    return sorted(f"{outlet}-{run}" for outlet in OUTLETS for run in range(runs))


def test_each_run_is_published_once_as_a_snapshot_with_its_id(dataset: Dataset, table: Any) -> None:
    assert published(dataset, table) == names(RUNS)
    assert published(dataset, table) == names(RUNS)
    with Store(dataset.state) as store:
        write(dataset, store, RUNS)
    assert published(dataset, table) == names(RUNS + 1)
    runs = [snapshot.summary.additional_properties["newsbeam.run_id"] for snapshot in table.snapshots()]
    assert runs == [f"run-{run}" for run in range(RUNS + 1)]


def test_a_publication_that_was_cut_off_goes_on_with_the_next_run(dataset: Dataset, table: Any) -> None:
    started = publish(dataset, table)
    assert next(started) == ("run-0", 2)
    started.close()
    assert published(dataset, table) == names(RUNS)


def test_runs_that_a_compaction_has_merged_are_published_with_their_own_rows(dataset: Dataset, table: Any) -> None:
    merge(dataset)
    vacuum(dataset, before=4e9)
    assert [count for _, count in publish(dataset, table)] == [2] * RUNS
    assert published(dataset, table) == names(RUNS)


def test_a_query_for_one_day_and_outlet_plans_only_their_files(dataset: Dataset, table: Any) -> None:
    list(publish(dataset, table))
    scan = table.refresh().scan(row_filter="outlet_id == 'gazette' and published_at < '2025-10-10T00:00:00+00:00'")
    assert len(list(scan.plan_files())) == RUNS
    assert len(list(table.scan().plan_files())) == 2 * RUNS


def test_a_table_of_another_dataset_is_refused(dataset: Dataset, table: Any) -> None:
    with table.transaction() as transaction:
        transaction.set_properties({"newsbeam.last_run": "run-x"})
    with pytest.raises(DatasetError, match="of another dataset"):
        list(publish(dataset, table))


@pytest.mark.parametrize("command", [["compact"], ["vacuum"], ["verify"], ["state", "rebuild"], ["publish", "iceberg"]])
def test_upkeep_beside_a_run_is_refused(dataset: Dataset, command: list[str]) -> None:
    ended = CliRunner().invoke(maintenance_app, [*command, "--output", dataset.root])
    assert isinstance(ended.exception, LockHeld)
    assert len(rows(dataset)) == 2 * RUNS


WORKER = """
import os, signal, sys
from schemas.records import Tally
from transforms.state import Store
from transforms.write import Dataset
from transforms.write.stage import Stager
from transforms.write.transform import commit

dataset = Dataset(sys.argv[1], "", int(sys.argv[2]))
path = "articles/date=2025-10-09/outlet=gazette/part-late.parquet"
file = Stager(dataset, "late").write("articles", "gazette", path, 1, b"rows")
os.kill(os.getpid(), signal.SIGSTOP)
commit(dataset, Store(dataset.state), "late", [file], [Tally("gazette", "entry", "", 1)], "0.1")
"""


def test_a_worker_that_wakes_up_after_the_next_run_has_committed_publishes_nothing(tmp_path: Path) -> None:
    root = Dataset(str(tmp_path / "data"))
    prepare(root)
    with lock(root) as first:
        command = [sys.executable, "-c", WORKER, first.root, str(first.epoch)]
        worker = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        assert os.WIFSTOPPED(os.waitpid(worker.pid, os.WUNTRACED)[1])
    with lock(root) as second, Store(second.state) as store:
        assert recover(second, store).dropped == ["late"]
        write(second, store, 0)
        worker.send_signal(signal.SIGCONT)
        assert "another run took over" in worker.communicate()[1]
        assert worker.returncode == 1
        assert len(rows(second)) == 2
        assert verify(second).faults == []


def test_a_damaged_file_is_found_and_not_packed_anew(dataset: Dataset) -> None:
    flip(files(dataset)[0])
    with pytest.raises(DatasetError, match="sha256 differs"):
        merge(dataset)
    assert [fault.kind for fault in verify(dataset).faults] == ["damaged"]


def test_a_partition_that_someone_deleted_does_not_stop_the_others(dataset: Dataset) -> None:
    shutil.rmtree(files(dataset)[0].parent)
    assert len({each.table for each in merge(dataset)}) == 4
    assert {fault.kind for fault in verify(dataset).faults} == {"lost"}


def test_every_table_has_its_schema_and_its_order() -> None:
    assert set(TABLES) | {"runs"} == set(SCHEMAS) == set(ORDER)
    assert all(set(columns) <= set(SCHEMAS[table].names) for table, columns in ORDER.items())
