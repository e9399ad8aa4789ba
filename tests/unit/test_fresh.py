"""What a run looks at, and what it passes over."""

import itertools
from collections.abc import Collection
from pathlib import Path

import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, LinkState, Origin, SkipReason, VersionState
from transforms.fresh import Past, choose, is_recheck_due, verdict
from transforms.state import Delta, Store, to_scalars

OLD, NEW = Timestamp(1_000), Timestamp(2_000)


def entry(stamp: Timestamp | None = OLD, feed: str = "https://wadi.example/rss", content: str = "") -> Entry:
    origin = Origin("al-wadi", feed, "1", "https://wadi.example/1", stamp, "ar")
    return Entry(origin, origin.link, "عنوان", "", content, [], [], None, stamp, None, None, 0)


def known(outcome: str, stamp: Timestamp | None = OLD, *, transient: bool = False, tries: int = 0) -> LinkState:
    return LinkState("https://wadi.example/1", "al-wadi", stamp, outcome, "", None, tries, transient, None, None, OLD)


@pytest.mark.parametrize(
    ("stamp", "state", "expected"),
    [
        pytest.param(OLD, None, None, id="a-new-link"),
        pytest.param(OLD, known("article"), SkipReason.SEEN, id="written-before"),
        pytest.param(OLD, known("skip"), SkipReason.SEEN, id="skipped-before"),
        pytest.param(None, known("article"), SkipReason.SEEN, id="no-stamp-now"),
        pytest.param(NEW, known("article", None), SkipReason.SEEN, id="no-stamp-then"),
        pytest.param(NEW, known("article"), None, id="updated-since"),
        pytest.param(OLD, known("reject"), SkipReason.GIVEN_UP, id="failed-for-good"),
        pytest.param(NEW, known("reject"), None, id="failed-for-good-but-updated"),
        pytest.param(OLD, known("reject", transient=True, tries=2), None, id="failed-for-now"),
        pytest.param(OLD, known("reject", transient=True, tries=3), SkipReason.GIVEN_UP, id="failed-too-often"),
    ],
)
def test_a_link_is_looked_at_when_there_may_be_something_new(
    stamp: Timestamp | None, state: LinkState | None, expected: SkipReason | None
) -> None:
    assert verdict(entry(stamp), state, max_tries=3) == expected


def test_a_page_whose_feed_dates_nothing_is_looked_at_again_at_double_ages_for_two_days() -> None:
    looked_at, ages = Timestamp(0), list[float]()
    for now in map(Timestamp, range(0, 7 * 86_400, 600)):  # a feed that is polled every ten minutes for a week
        if is_recheck_due(Timestamp(0), looked_at, now, recheck_s=3_600.0):
            looked_at = now
            ages.append(float(now) / 3_600)
    assert ages == [1, 2, 4, 8, 16, 32]


class Asked(Store):
    """A store that tells of which articles the versions were asked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.articles = list[str]()

    def all_versions(self, article_ids: Collection[str]) -> dict[str, list[VersionState]]:
        self.articles += article_ids
        return super().all_versions(article_ids)


def test_of_pages_looked_at_long_ago_or_just_now_the_state_is_asked_no_more(tmp_path: Path) -> None:
    store, now = Asked(tmp_path / "state.sqlite"), Timestamp.now()
    for looked_at, asked in ((60, []), (7_200, ["id"]), (10 * 86_400, [])):
        state = known("article", None)._replace(article_id="id", at=now - looked_at)
        store.apply(f"run-{looked_at}", Delta(links=[to_scalars(state)]))
        store.articles.clear()
        assert Past(store, max_tries=3, recheck_s=3_600.0).judge(entry(None)) == (state, SkipReason.SEEN)
        assert store.articles == asked


def test_one_entry_stands_for_a_link_whatever_the_order() -> None:
    newest = entry(NEW, "https://wadi.example/b")
    fullest = entry(NEW, "https://wadi.example/c", content="<p>long</p>")
    listed = [entry(OLD), newest, fullest, entry(None)]
    for order in itertools.permutations(listed):
        first, others = choose(order)
        assert first == fullest
        assert sorted(map(repr, others)) == sorted(map(repr, [e for e in listed if e is not fullest]))
