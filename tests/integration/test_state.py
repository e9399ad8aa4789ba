"""The store: read by workers, written once a commit, from its delta. The same in an SQLite file and in PostgreSQL."""

import pickle
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import DatasetError
from schemas.records import FeedState, LinkState, Signature, VersionState
from transforms.state import Delta, Store, from_scalars, to_scalars

T0 = Timestamp(1_760_000_000)

FEED = FeedState(
    url="https://a.example/rss", outlet="a", location="https://a.example/rss", etag='"1"', last_modified=None,
    status=200, outcome="fetched", polled_at=T0, succeeded_at=T0, newest_entry_at=None, next_due=T0 + 60,
    interval_s=1800.5, failures=0, gone=False, entries=20, title="خبر",
)  # fmt: skip
LINK = LinkState("https://a.example/1", "a", None, "article", "", "id1", 0, False, None, "Mon", Timestamp(micros=7))
VERSION = VersionState("id1", 2, "hash", "a", "https://a.example/1", T0)


def signature(name: str, anchors: list[int], at: int = 0) -> Signature:
    return Signature(name, 1, "a", name, "Title", anchors, b"\x00\x01", "{}", 9, None, T0 + at, "", lines=[-at])


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    remote = request.param == "postgres"
    address = request.getfixturevalue("postgres") if remote else str(tmp_path / "state.sqlite")
    with Store(address) as made:
        made.clear()
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Store:
    return Store(tmp_path / "state.sqlite")


@pytest.mark.parametrize(
    "record", [FEED, LINK, VERSION, signature("s", [-(2**63), 0, 2**63 - 1])], ids=lambda record: type(record).__name__
)
def test_a_record_comes_back_from_its_scalars_as_it_went_in(record: Any) -> None:
    assert from_scalars(type(record), to_scalars(record)) == record


def test_a_missing_state_reads_as_empty(store: Store) -> None:
    assert (store.feeds(), store.links(["x"]), store.versions(["x"]), store.applied()) == ({}, {}, {}, set())
    assert store.signatures([1], T0) == []
    assert store.newest_commit() == 0


def test_a_missing_file_is_not_made_by_reading(file: Store) -> None:
    assert file.feeds() == {}
    assert not Path(file.path).exists()


def test_what_a_commit_changed_is_read_back_whole(store: Store) -> None:
    near = signature("near", [1, 2])
    store.apply("c1", Delta([to_scalars(FEED)], [to_scalars(LINK)], [to_scalars(VERSION)], [near]))
    assert store.feeds() == {FEED.url: FEED}
    assert store.links([LINK.link, "other"]) == {LINK.link: LINK}
    assert store.versions(["id1", "id2"]) == {"id1": VERSION}
    assert store.signatures([2, 9], T0) == [near]
    assert store.applied() == {"c1"}


def test_all_versions_of_an_article_are_kept_and_the_newest_stands_for_it(store: Store) -> None:
    states = [VERSION._replace(version=number, content_hash=f"text {number}") for number in (10, 2, 1)]
    store.apply("run-1", Delta(versions=[to_scalars(state) for state in states[1:]]))
    store.apply("run-2", Delta(versions=[to_scalars(states[0])]))
    assert store.versions(["id1"]) == {"id1": states[0]}
    assert store.all_versions(["id1", "id2"]) == {"id1": states[::-1]}


def test_a_reader_that_was_opened_before_sees_the_next_commit(store: Store) -> None:
    reader = Store(store.address)
    store.apply("c1", Delta(links=[to_scalars(LINK)]))
    assert reader.links([LINK.link]) == {LINK.link: LINK}
    store.apply("c2", Delta(links=[to_scalars(LINK._replace(tries=3))]))
    assert reader.links([LINK.link])[LINK.link].tries == 3


def test_a_commit_is_applied_once(store: Store) -> None:
    assert store.apply("c1", Delta(links=[to_scalars(LINK)]))
    assert not store.apply("c1", Delta(links=[to_scalars(LINK._replace(tries=9))]))
    assert store.links([LINK.link]) == {LINK.link: LINK}


def test_a_commit_that_fails_half_way_changes_nothing(store: Store) -> None:
    broken = VERSION._replace(content_hash=None)  # type: ignore[arg-type]
    with pytest.raises(DatasetError):
        store.apply("c1", Delta(feeds=[to_scalars(FEED)], versions=[to_scalars(broken)]))
    assert (store.feeds(), store.applied()) == ({}, set())


def test_more_keys_than_one_query_takes_are_all_looked_up(store: Store) -> None:
    links = [LINK._replace(link=f"https://a.example/{n}") for n in range(1201)]
    store.apply("c1", Delta(links=[to_scalars(link) for link in links]))
    assert store.links([link.link for link in links]) == {link.link: link for link in links}


def test_signatures_before_since_are_not_found(store: Store) -> None:
    store.apply("c1", Delta(signatures=[signature("old", [1], 0), signature("new", [1], 10)]))
    assert [found.article_id for found in store.signatures([1], T0 + 10)] == ["new"]


def test_an_anchor_shared_by_too_many_finds_none(store: Store) -> None:
    store.apply("c1", Delta(signatures=[signature(f"s{n}", [7, n]) for n in range(4)]))
    assert store.signatures([7], T0, max_shared=3) == []
    assert [found.article_id for found in store.signatures([7, 2], T0, max_shared=3)] == ["s2"]
    assert len(store.signatures([7], T0, max_shared=4)) == 4


def test_a_replaced_signature_is_found_by_its_new_anchors_only(store: Store) -> None:
    store.apply("c1", Delta(signatures=[signature("s", [1, 2])]))
    store.apply("c2", Delta(signatures=[signature("s", [2, 3], 5)]))
    assert store.signatures([1], T0) == []
    assert store.signatures([2, 3], T0) == [signature("s", [2, 3], 5)]


def test_a_line_is_repeated_when_different_stories_have_it_whatever_their_versions(store: Store) -> None:
    def texts(name: str, cluster: str, *lines: int) -> list[Signature]:
        one = signature(name, [], 0)._replace(cluster_id=cluster, lines=list(lines))
        return [one._replace(version=version) for version in (1, 2)]

    store.apply("c1", Delta(signatures=[*texts("a", "a", -7, 8), *texts("b", "b", -7, 8), *texts("c", "b", -7)]))
    assert store.repeated([-7, 8, 9], 3) == set()
    assert store.repeated([-7, 8, 9], 2) == {-7, 8}
    store.apply("c2", Delta(signatures=[signature("d", [], 10)._replace(lines=[-7])]))
    assert store.repeated([-7, 8, 9], 3) == {-7}
    store.apply("c3", Delta(signatures=[signature("d", [], 10)._replace(lines=[8])]))
    assert store.repeated([-7], 3) == set()
    store.forget_signatures(T0 + 5)
    assert store.repeated([-7, 8], 1) == {8}


def test_forgotten_signatures_are_gone_with_their_anchors(store: Store) -> None:
    store.apply("c1", Delta(signatures=[signature("old", [1], 0), signature("new", [1], 10)]))
    assert store.forget_signatures(T0 + 5) == 1
    assert store.signatures([1], Timestamp(0)) == [signature("new", [1], 10)]
    assert store.forget_signatures(T0 + 5) == 0


def test_a_pickled_store_opens_the_same_file(store: Store) -> None:
    store.apply("c1", Delta(links=[to_scalars(LINK)]))
    assert store.links([LINK.link])
    assert pickle.loads(pickle.dumps(store)).links([LINK.link]) == {LINK.link: LINK}


def test_a_store_may_be_read_from_another_thread_than_the_one_that_opened_it(store: Store) -> None:
    store.apply("c1", Delta(links=[to_scalars(LINK)]))
    store.links([LINK.link])
    found = list[dict[str, LinkState]]()
    thread = threading.Thread(target=lambda: found.append(store.links([LINK.link])))
    thread.start()
    thread.join()
    assert found == [{LINK.link: LINK}]


def test_readers_cannot_write(store: Store) -> None:
    store.apply("c1", Delta(links=[to_scalars(LINK)]))
    with pytest.raises(DatasetError, match=r"cannot be written|read-only transaction"):
        store._database.query("DELETE FROM links RETURNING link")
    assert store.links([LINK.link]) == {LINK.link: LINK}


def test_commits_keep_their_times(store: Store) -> None:
    store.apply("c2", Delta(), 2_000.5)
    store.apply("c1", Delta(), 1_000.0)
    assert store.newest_commit() == 2_000.5


def test_a_state_that_is_cleared_is_empty_and_takes_commits_again(store: Store) -> None:
    store.apply("c1", Delta([to_scalars(FEED)], [to_scalars(LINK)], [to_scalars(VERSION)], [signature("s", [1])]))
    store.clear()
    assert (store.feeds(), store.applied(), store.signatures([1], T0)) == ({}, set(), [])
    assert store.apply("c1", Delta(links=[to_scalars(LINK)]))
    assert store.links([LINK.link]) == {LINK.link: LINK}


def test_many_processes_may_apply_at_once(store: Store) -> None:
    """They lay out the tables once, and each commit is applied once, whoever comes first."""

    def apply(number: int) -> bool:
        with Store(store.address) as own:
            return own.apply(f"c{number % 4}", Delta(links=[to_scalars(LINK._replace(link=f"l{number % 4}"))]))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(apply, range(16))) == 4
    assert store.applied() == {"c0", "c1", "c2", "c3"}


def test_a_title_with_characters_that_no_database_likes_does_not_end_the_run(store: Store) -> None:
    store.apply("c1", Delta(feeds=[to_scalars(FEED._replace(title="a\x00b' ? %s 😀"))]))
    assert store.feeds()[FEED.url].title.replace("\x00", "") == "ab' ? %s 😀"


def test_a_database_that_cannot_be_reached_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DatasetError, match=r"postgresql://127\.0\.0\.1/news: .*Check the server") as told:
        Store("postgresql://me:secret@127.0.0.1:1/news").feeds()
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "use", [Store.feeds, Store.applied, lambda store: store.apply("c2", Delta())], ids=["read", "applied", "apply"]
)
def test_a_damaged_file_is_refused_with_a_remedy(file: Store, use: Any) -> None:
    Path(file.path).write_bytes(b"not a database" * 100)
    with pytest.raises(DatasetError, match=r"damaged.*state rebuild"):
        use(file)


def test_a_file_of_another_layout_is_refused_with_a_remedy(file: Store) -> None:
    file.apply("c1", Delta())
    with sqlite3.connect(file.path) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(DatasetError, match=r"another version of newsbeam.*state rebuild"):
        Store(file.path).feeds()
