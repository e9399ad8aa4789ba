"""Write without Beam: what a run's ends mean for the state, counts that add up, the manifest, the dataset's root."""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import CountsDoNotAddUp, DatasetError, LockHeld
from schemas.records import LinkState, Origin, Reject, RejectReason, Skip, SkipReason, Tally, VersionState
from transforms.state import Store, to_scalars
from transforms.write import (
    Dataset,
    Manifest,
    Recovery,
    Write,
    load_manifests,
    lock,
    manifest_path,
    prepare,
    read_manifest,
    recover,
    require_room,
    scratch,
)
from transforms.write.count import count
from transforms.write.delta import delta_file
from transforms.write.ends import link_of_reject, link_of_skip, settle_links, settle_versions
from transforms.write.manifest import StagedFile, decide, roll_forward
from transforms.write.stage import Stager, shard
from transforms.write.transform import commit

T0, T1 = Timestamp(1_000), Timestamp(2_000)
LINK = "https://gazette.example/1"
ORIGIN = Origin("gazette", "https://gazette.example/rss", "", LINK, T1, None)
STORED = LinkState(LINK, "gazette", T0, "article", "", "id", 0, False, '"e"', "Mon", T0)
FAILED = LinkState(LINK, "gazette", T1, "reject", "timeout", None, 1, True, None, None, T1)


def skipped(reason: SkipReason) -> LinkState:
    state = link_of_skip(Skip("stage", reason, ORIGIN), T1)
    assert state is not None
    return state


@pytest.mark.parametrize("reason", [SkipReason.SEEN, SkipReason.DUPLICATE_ENTRY])
def test_a_link_that_was_not_looked_at_keeps_its_state(reason: SkipReason) -> None:
    assert link_of_skip(Skip("fresh", reason, ORIGIN), T1) is None


def test_a_feed_or_an_entry_without_link_that_failed_leaves_no_link() -> None:
    reject = Reject("fetch", RejectReason.TIMEOUT, ORIGIN, "feed", LINK, "", True, T1)
    assert link_of_reject(reject) is None
    assert link_of_reject(reject._replace(subject="entry", origin=ORIGIN._replace(link=""))) is None


def test_a_record_that_could_not_be_read_does_not_mark_its_address_as_given_up() -> None:
    reject = Reject("sources", RejectReason.UNREADABLE, ORIGIN, "entry", LINK, "the record breaks off", False, T1)
    assert link_of_reject(reject) is None


@pytest.mark.parametrize("reason", [SkipReason.NOT_MODIFIED, SkipReason.UNCHANGED])
def test_an_unchanged_page_keeps_what_is_known_and_takes_the_newer_stamp(reason: SkipReason) -> None:
    assert settle_links([skipped(reason)], {LINK: STORED}) == [STORED._replace(stamp=T1, at=T1)]


def test_an_unchanged_page_after_a_failure_is_no_failure_any_more() -> None:
    [state] = settle_links([skipped(SkipReason.UNCHANGED)], {LINK: FAILED._replace(article_id="id", tries=4)})
    assert (state.outcome, state.tries, state.article_id) == ("skip", 0, "id")


def test_a_failure_adds_to_the_tries_and_keeps_the_article_that_is_stored() -> None:
    [first] = settle_links([FAILED], {LINK: STORED})
    assert first == FAILED._replace(article_id="id", etag='"e"', last_modified="Mon", tries=1)
    [second] = settle_links([FAILED], {LINK: first})
    assert second.tries == 2


@pytest.mark.parametrize("outcome", ["article", "skip"])
@pytest.mark.parametrize("transient", [True, False])
def test_a_page_asked_again_in_vain_stays_the_article_it_is_and_has_had_its_look(
    outcome: str, *, transient: bool
) -> None:
    stored = STORED._replace(stamp=None, outcome=outcome)
    failed = FAILED._replace(stamp=None, transient=transient)
    assert settle_links([failed], {LINK: stored}) == [stored._replace(at=failed.at)]
    put_off = failed._replace(outcome="waiting", reason=SkipReason.DEFERRED, feed="f", entry="{}")
    assert settle_links([put_off], {LINK: stored}) == [stored]


def test_an_article_replaces_whatever_was_known() -> None:
    assert settle_links([STORED], {LINK: FAILED._replace(tries=4)}) == [STORED]


def test_of_several_ends_the_articles_counts_first_in_any_order() -> None:
    ends = [FAILED, skipped(SkipReason.SAME_ARTICLE), STORED]
    assert settle_links(ends, {}) == settle_links(reversed(ends), {}) == [STORED]


def version(number: int, article: str = "id") -> VersionState:
    return VersionState(article, number, "hash", "gazette", LINK, T0)


def test_versions_of_an_article_are_in_their_order() -> None:
    assert settle_versions([version(3), version(2), version(1, "other")]) == [
        version(2),
        version(3),
        version(1, "other"),
    ]


def test_a_version_that_comes_twice_in_one_run_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="is there twice"):
        settle_versions([version(2), version(1), version(2)])


def staged(table: str, rows: int, outlet: str = "") -> StagedFile:
    return StagedFile(table, outlet, f"{table}/x-{outlet}.parquet", "_meta/staging/run/x", rows, 9, "sha")


TALLIES = [
    Tally("gazette", "entry", "", 4),
    Tally("gazette", "skip", "seen", 1),
    Tally("gazette", "reject", "timeout", 1),
    Tally("gazette", "feed_reject", "timeout", 1),
    Tally("courier", "entry", "", 1),
    Tally("gazette", "feed", "fetched", 2),
]
FILES = [staged("articles", 2, "gazette"), staged("articles", 1, "courier"), staged("rejects", 2)]


def test_every_entry_ends_as_an_article_a_skip_or_a_reject() -> None:
    counts = count("run", TALLIES, FILES)
    assert counts.total == {"entries": 5, "articles": 3, "skips": {"seen": 1}, "rejects": {"timeout": 1}}
    assert counts.by_outlet["courier"] == {"entries": 1, "articles": 1, "skips": {}, "rejects": {}}
    assert counts.feeds == {"fetched": 2}


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("change", [-1, 1], ids=["lost", "doubled"])
def test_one_lost_or_doubled_anywhere_is_noticed(index: int, change: int) -> None:
    changed = [tally._replace(n=tally.n + change * (i == index)) for i, tally in enumerate(TALLIES)]
    with pytest.raises(CountsDoNotAddUp):
        count("run", changed, FILES)


def test_a_row_that_was_not_staged_is_noticed_with_its_outlet() -> None:
    with pytest.raises(CountsDoNotAddUp, match="outlet courier: 1 entries came in, but 0"):
        count("run", TALLIES, [FILES[0], FILES[2]])


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    made = Dataset(str(tmp_path / "data"))
    prepare(made)
    return made


def manifest(files: Sequence[StagedFile] = (), state: Sequence[StagedFile] = (), run_id: str = "run") -> Manifest:
    return Manifest(run_id, 1.0, list(files), list(state), {"entries": 0}, {}, {})


def test_a_manifest_reads_back_as_it_was_decided(dataset: Dataset) -> None:
    files = [Stager(dataset, "run").write("articles", "gazette", "articles/x.parquet", 1, b"data")]
    decided = decide(dataset, manifest(files))
    assert read_manifest(dataset, "run") == decided == manifest(files)


def test_what_is_decided_stays_decided(dataset: Dataset) -> None:
    first = decide(dataset, manifest(run_id="run"))
    late = Stager(dataset, "run").write("articles", "gazette", "articles/x.parquet", 1, b"a late worker's")
    assert decide(dataset, manifest([late])) == first


def test_a_worker_whose_files_were_cleared_away_cannot_commit(dataset: Dataset) -> None:
    files = [Stager(dataset, "run").write("articles", "gazette", "articles/x.parquet", 1, b"data")]
    assert recover(dataset, Store(dataset.state)).dropped == ["run"]
    with pytest.raises(DatasetError, match="another run took over"):
        decide(dataset, manifest(files))
    assert not manifest_path(dataset, "run").exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": 1}', '{"format": 9}'],
    ids=["empty", "cut off", "list", "bare", "later format"],
)
def test_a_manifest_that_cannot_be_read_is_refused_with_a_remedy(dataset: Dataset, content: str) -> None:
    manifest_path(dataset, "run").write_text(content)
    with pytest.raises(DatasetError, match=r"damaged.*Restore|format 9.*Use"):
        recover(dataset, Store(dataset.state))


def test_a_file_that_is_neither_staged_nor_in_place_is_refused(dataset: Dataset) -> None:
    files = [Stager(dataset, "run").write("articles", "gazette", "articles/x.parquet", 1, b"data")]
    decide(dataset, manifest(files))
    dataset.path(files[0].staged).unlink()
    with pytest.raises(DatasetError, match="neither staged nor in place"):
        recover(dataset, Store(dataset.state))


def committed(dataset: Dataset, run_id: str, created: float, link: LinkState) -> None:
    file = Stager(dataset, run_id).write(
        "links", "", f"_meta/delta/{run_id}/links-000.jsonl.gz", 1, delta_file([to_scalars(link)])
    )
    made = manifest(state=[file], run_id=run_id)._replace(created=created)
    roll_forward(dataset, Store(dataset.state), decide(dataset, made))


def test_a_state_that_was_lost_is_built_anew_from_the_manifests_in_their_order(dataset: Dataset) -> None:
    committed(dataset, "b-first", 1.0, FAILED)
    committed(dataset, "a-second", 2.0, STORED)
    for file in dataset.meta.glob("state.sqlite*"):
        file.unlink()
    store = Store(dataset.state)
    assert recover(dataset, store) == Recovery([], [], ["a-second", "b-first"])
    assert store.links([LINK]) == {LINK: STORED}


def test_a_damaged_delta_is_refused_with_a_remedy(dataset: Dataset) -> None:
    committed(dataset, "run", 1.0, STORED)
    for file in dataset.meta.glob("state.sqlite*"):
        file.unlink()
    delta = dataset.path("_meta/delta/run/links-000.jsonl.gz")
    delta.write_bytes(delta.read_bytes()[:-12])
    with pytest.raises(DatasetError, match="Restore it"):
        recover(dataset, Store(dataset.state))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (None, "None is no record"),
        (["link"], "is no record"),
        ({name: value for name, value in to_scalars(STORED).items() if name != "outlet"}, "'nothing' for its outlet"),
        ({**to_scalars(STORED), "outlet": None}, "None for its outlet"),
        ({**to_scalars(STORED), "stamp": "noon"}, "'noon' for its stamp"),
    ],
)
def test_a_delta_with_a_row_that_is_no_record_is_refused_with_a_remedy(dataset: Dataset, row: Any, named: str) -> None:
    committed(dataset, "run", 1.0, STORED)
    for file in dataset.meta.glob("state.sqlite*"):
        file.unlink()
    dataset.path("_meta/delta/run/links-000.jsonl.gz").write_bytes(delta_file([to_scalars(STORED), row]))
    with pytest.raises(DatasetError, match=rf"{named}.*Restore it"):
        recover(dataset, Store(dataset.state))


def test_a_delta_that_was_written_before_a_field_was_added_is_read(dataset: Dataset) -> None:
    committed(dataset, "run", 1.0, STORED)
    for file in dataset.meta.glob("state.sqlite*"):
        file.unlink()
    older = {name: value for name, value in to_scalars(STORED).items() if name not in {"feed", "entry"}}
    dataset.path("_meta/delta/run/links-000.jsonl.gz").write_bytes(delta_file([older]))
    store = Store(dataset.state)
    recover(dataset, store)
    assert store.links([LINK]) == {LINK: STORED}


def test_recovery_of_a_whole_dataset_finds_nothing_to_do(dataset: Dataset) -> None:
    committed(dataset, "run", 1.0, STORED)
    assert not any(recover(dataset, Store(dataset.state)))


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DatasetError, match=r"is not a folder. Give a folder"):
        prepare(Dataset(str(tmp_path / "data")))


def test_a_root_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"Not a directory. Give a folder"):
        prepare(Dataset(str(tmp_path / "file" / "data")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_root_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DatasetError, match="Permission denied"):
        prepare(Dataset(str(tmp_path)))


def test_a_root_with_too_little_room_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"MB free.*Free some space"):
        require_room(Dataset(str(tmp_path)), 10**18)


def test_preparing_leaves_nothing_where_readers_look(tmp_path: Path) -> None:
    prepare(Dataset(str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["_meta"]


def test_a_folder_of_someone_elses_that_is_named_like_ours_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    remote = Dataset("s3://bucket/news")
    for name, held_by in {"newsbeam-notes": "", "newsbeam-vim": "process 7 on desk"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").write_text(held_by)
    with scratch(remote, "run") as folder:
        mark = (folder / "lock").read_bytes()
    (tmp_path / "newsbeam-killed").mkdir()
    (tmp_path / "newsbeam-killed" / "lock").write_bytes(mark)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "lock").write_bytes(mark)
    (tmp_path / "newsbeam-link").symlink_to(tmp_path / "elsewhere")
    with scratch(remote, "next"):
        pass
    assert {path.parent.name for path in tmp_path.glob("*/lock")} == {
        "newsbeam-notes", "newsbeam-vim", "newsbeam-link", "elsewhere",
    }  # fmt: skip


def test_one_lock_a_dataset(dataset: Dataset) -> None:
    with lock(dataset), pytest.raises(LockHeld, match=f"process {os.getpid()} on"), lock(dataset):
        pass
    with lock(dataset):
        pass


def test_an_error_of_the_run_is_not_taken_for_one_of_the_lock(dataset: Dataset) -> None:
    with pytest.raises(FileNotFoundError), lock(dataset):
        Path(dataset.root, "missing").read_bytes()


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_run_id_that_cannot_be_a_file_name_is_refused(dataset: Dataset, run_id: str) -> None:
    settings: Any = None
    with pytest.raises(ValueError, match="cannot be part of a file's name"):
        Write(dataset, run_id, Store(dataset.state), settings, "0.1")


def test_shards_are_the_same_everywhere_and_all_used() -> None:
    numbers = [shard(f"https://gazette.example/{n}", 4) for n in range(100)]
    assert numbers[:4] == [1, 0, 3, 1]
    assert set(numbers) == {0, 1, 2, 3}


def test_a_manifest_holds_what_outside_checkers_look_for(dataset: Dataset) -> None:
    files = [Stager(dataset, "run").write("articles", "gazette", "articles/x.parquet", 7, b"data")]
    kept = json.loads(decide(dataset, manifest(files)) and manifest_path(dataset, "run").read_text())
    assert (kept["commit_id"], kept["format"], kept["rows"], kept["removes"]) == ("run", 1, 7, [])
    assert kept["files"][0]["sha256"] == "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"


def test_who_lost_the_lock_may_neither_commit_nor_recover(dataset: Dataset) -> None:
    with lock(dataset) as earlier:
        pass
    late = Stager(earlier, "run").write("articles", "gazette", "articles/x.parquet", 1, b"of a worker that woke up")
    with lock(dataset) as later:
        with pytest.raises(DatasetError, match="another run took over"):
            commit(earlier, Store(dataset.state), "run", [late], [Tally("gazette", "entry", "", 1)], "0.1")
        with pytest.raises(DatasetError, match="another run took over"):
            recover(earlier, Store(dataset.state))
        assert recover(later, Store(dataset.state)).dropped == ["run"]
    assert not manifest_path(dataset, "run").exists()


def test_who_never_had_the_lock_may_not_clear_away_what_its_holder_stages(dataset: Dataset) -> None:
    with lock(dataset) as held:
        file = Stager(held, "run").write("articles", "gazette", "articles/x.parquet", 1, b"data")
        with pytest.raises(DatasetError, match="another run took over"):
            recover(dataset, Store(dataset.state))
        assert dataset.path(file.staged).exists()


def test_folders_are_seen_onto_the_disk_before_the_manifest_and_before_the_done_mark(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is newly named in a folder outlives a power cut only once that folder was synced."""
    done = list[str]()
    fsync, link = os.fsync, os.link

    def synced(descriptor: int) -> None:
        done.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), dataset.root))
        fsync(descriptor)

    def linked(source: Any, target: Any) -> None:
        done.append(f"link {os.path.relpath(target, dataset.root)}")
        link(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    path = "articles/date=2025-10-09/outlet=gazette/x.parquet"
    files = [Stager(dataset, "run").write("articles", "gazette", path, 1, b"data")]
    roll_forward(dataset, Store(dataset.state), decide(dataset, manifest(files)))
    manifested, marked = done.index("link _meta/manifests/run.json"), done.index("link _meta/done/run.json")
    assert {files[0].staged, "_meta/staging/run", "_meta/staging", "_meta"} <= set(done[:manifested])
    folders = {"articles/date=2025-10-09/outlet=gazette", "articles/date=2025-10-09", "articles", "."}
    assert {"_meta/manifests", *folders} <= set(done[manifested:marked])
    assert "_meta/done" in done[marked:]


def test_a_clock_that_is_set_back_does_not_reorder_the_commits(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(dataset.state)
    for run_id, now in (("first", 2_000.0), ("second", 1_000.0)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        commit(dataset, store, run_id, [], [], "0.1")
    assert [manifest.commit_id for manifest in load_manifests(dataset)] == ["first", "second"]
