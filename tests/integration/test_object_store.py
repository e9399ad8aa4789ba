"""A dataset in an object store: the same commits, decided by the same manifests. Amazon's S3 is played by moto."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

import polars as pl
import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import DatasetError, LockHeld
from schemas.records import Article, Origin, TaggedArticle, Tally
from schemas.settings import WriteSettings
from transforms.state import Store, to_scalars
from transforms.write import Dataset, live_files, load_manifests, lock, prepare, recover, scratch
from transforms.write.compact import compact, vacuum
from transforms.write.delta import DELTA, delta_file
from transforms.write.ends import link_of_article, version_of
from transforms.write.files import ObjectFiles, open_files
from transforms.write.manifest import is_decided
from transforms.write.stage import Stager, StageTableFn, partition
from transforms.write.transform import commit
from transforms.write.verify import verify

NOON = Timestamp(1_760_011_200)
SETTINGS = WriteSettings(shards=1, max_rows_per_file=100, compression_level=1, min_free_bytes=0)
REPOSITORY = Path(__file__).parents[2]
DAY = "articles/date=2025-10-09/outlet=gazette"


@pytest.fixture(params=["sqlite", "postgres"])
def dataset(request: pytest.FixtureRequest, bucket: str, tmp_path: Path) -> Dataset:
    remote = request.param == "postgres"
    state = request.getfixturevalue("postgres") if remote else str(tmp_path / "state.sqlite")
    Store(state).clear()
    made = Dataset(bucket.replace("NAME", f"news-{tmp_path.name}"), state)
    prepare(made)
    return made


def tagged(name: str) -> TaggedArticle:
    url = f"https://gazette.example/{name}"
    origin = Origin("gazette", "https://gazette.example/rss", name, url, NOON, "en")
    article = Article(
        origin=origin, article_id=name, version=1, url=url, canonical_url=url, title=name, subtitle="", description="",
        authors=[], section="", tags=[], image_url="", article_type="news", text=f"Text of {name}.", dateline="",
        captions=[], syndication_source="", published_at=NOON, published_at_source="meta", modified_at=None,
        fetched_at=NOON + 60, language="en", language_confidence=0.9, content_hash=name, change_ratio=None,
        cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main", extraction_quality=0.8,
        warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip
    return TaggedArticle(article, [], [], 0.0, "g1")


def stage(dataset: Dataset, run_id: str, name: str) -> list[Any]:
    one, stager = tagged(name), Stager(dataset, run_id)
    place = partition("articles", one)
    files = list(StageTableFn(stager, "articles", "0.1", SETTINGS).process((f"{place}/part-{run_id}", [one])))
    for table, state in (("links", link_of_article(one.article)), ("versions", version_of(one.article))):
        path = f"{DELTA}/{run_id}/{table}-000.jsonl.gz"
        files.append(stager.write(table, "", path, 1, delta_file([to_scalars(state)])))
    return files


def write(dataset: Dataset, run_id: str, name: str) -> None:
    with Store(dataset.state_at) as store:
        commit(dataset, store, run_id, stage(dataset, run_id, name), [Tally("gazette", "entry", "", 1)], "0.1")


def listed(dataset: Dataset) -> list[str]:
    """The articles that a reader sees who goes by the manifests."""
    files = dataset.files
    assert isinstance(files, ObjectFiles)
    paths = [path for path, file in live_files(load_manifests(dataset)).items() if file.table == "articles"]
    return sorted(name for path in paths for name in pl.read_parquet(files.read(path))["article_id"])


def test_a_run_is_committed_and_the_next_one_goes_on(dataset: Dataset) -> None:
    for run_id, name in (("run-1", "one"), ("run-2", "two"), ("run-3", "two")):
        with lock(dataset) as held, Store(held.state_at) as store:
            assert not any(recover(held, store))
            write(held, run_id, name)
    assert listed(dataset) == ["one", "two"]  # the third run brought what was there
    assert [path.path.rpartition("/")[0] for path in dataset.files.walk("articles")] == [DAY, DAY]
    assert dataset.files.names("_meta/staging") == []
    with lock(dataset) as held:
        assert verify(held).faults == []


def test_what_was_not_decided_is_never_seen_and_what_was_is_finished(dataset: Dataset) -> None:
    with lock(dataset) as held:
        stage(held, "run-1", "one")
    with lock(dataset) as held, Store(held.state_at) as store:
        assert recover(held, store).dropped == ["run-1"]
    assert (listed(dataset), list(dataset.files.walk("articles"))) == ([], [])
    with lock(dataset) as held:
        write(held, "run-2", "two")
    dataset.files.delete("_meta/done/run-2.json")
    assert listed(dataset) == []
    with lock(dataset) as held, Store(held.state_at) as store:
        assert recover(held, store).finished == ["run-2"]
    assert listed(dataset) == ["two"]


def test_readers_go_by_the_list_while_a_compaction_leaves_both_in_place(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state_at) as store:
        for number in range(3):
            write(held, f"run-{number}", f"a{number}")
        assert len(list(compact(held, store, "2030-01-01"))) >= 1
        assert listed(dataset) == ["a0", "a1", "a2"]
        assert len(list(dataset.files.walk("articles"))) == 4
        views = dataset.files.read("views.sql").decode()
        assert (views.count(f"/{DAY}/"), "part-run-0" in views) == (1, False)
        assert verify(held).faults == []
        assert vacuum(held, before=4e9) >= 3
        assert len(list(dataset.files.walk("articles"))) == 1
        assert verify(held).faults == []
    assert listed(dataset) == ["a0", "a1", "a2"]


@pytest.mark.parametrize("dataset", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damaged", [None, b"{", b"{}", b"[]", b'{"commits": [], "files": []}'])
def test_a_commit_reads_no_other_manifests_while_the_list_of_live_files_is_kept(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, damaged: Optional[bytes]
) -> None:
    read, real = set[str](), ObjectFiles.read
    monkeypatch.setattr(ObjectFiles, "read", lambda files, path: (read.add(path), real(files, path))[1])
    with lock(dataset) as held, Store(held.state_at) as store:
        for number in range(2):
            write(held, f"run-{number}", f"a{number}")
        assert len(list(compact(held, store, "2030-01-01"))) >= 1
        if damaged is not None:
            dataset.files.write("_meta/live.json", damaged)
        read.clear()
        write(held, "run-2", "a2")
    assert {f"_meta/manifests/run-{n}.json" in read for n in range(2)} == {damaged is not None}
    views = dataset.files.read("views.sql").decode()
    assert [views.count(f"/{DAY}/{name}") for name in ("part-run-0", "part-compact", "part-run-2")] == [0, 1, 1]


def test_the_lock_lies_with_the_state_and_an_old_holder_may_not_commit(dataset: Dataset) -> None:
    with lock(dataset) as first:
        files = stage(first, "run-1", "one")
        with pytest.raises(LockHeld, match=f"process {os.getpid()} on"), lock(dataset):
            pass
    with lock(dataset), Store(first.state_at) as store, pytest.raises(DatasetError, match="another run took over"):
        commit(first, store, "run-1", files, [Tally("gazette", "entry", "", 1)], "0.1")
    assert not is_decided(dataset, "run-1")


def test_the_state_is_rebuilt_from_the_objects(dataset: Dataset) -> None:
    with lock(dataset) as held, Store(held.state_at) as store:
        write(held, "run-1", "one")
        store.clear()
        assert recover(held, store).reapplied == ["run-1"]
        assert set(store.versions(["one"])) == {"one"}


def test_one_client_a_process_serves_all_requests(dataset: Dataset) -> None:
    assert open_files(dataset.root) is dataset.files


def test_an_object_store_without_a_state_is_refused(bucket: str) -> None:
    with pytest.raises(DatasetError, match=r"can hold no state.*--state: postgresql"):
        prepare(Dataset(bucket.replace("NAME", "x")))


def test_a_bucket_that_is_not_there_is_refused(bucket: str, tmp_path: Path) -> None:
    missing = bucket.replace("s3://bucket/NAME", "s3://missing/news")
    with pytest.raises(DatasetError, match="missing"):
        prepare(Dataset(missing, str(tmp_path / "state.sqlite")))


def test_the_temporary_folder_of_a_killed_run_is_deleted_and_that_of_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = "with scratch(Dataset('s3://bucket/news'), 'run') as folder: print(folder, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", f"import sys; from transforms.write import Dataset, scratch\n{work}"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with (
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, **pipes) as killed,
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, **pipes) as living,
    ):
        folders = [Path(process.stdout.readline().strip()) for process in (killed, living) if process.stdout]
        assert sorted(tmp_path.iterdir()) == sorted(folders)
        killed.kill()
        killed.wait()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with scratch(Dataset("s3://bucket/news"), "next") as own:
            assert sorted(tmp_path.iterdir()) == sorted([folders[1], own])
        living.communicate()
    assert list(tmp_path.iterdir()) == []
