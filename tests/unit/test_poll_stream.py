"""The source of a stream: what it takes, when, and when it waits. No engine: looks are made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.restriction_trackers import OffsetRange
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker
from apache_beam.utils.timestamp import Timestamp

from schemas.settings import Outlet
from transforms import poll_stream
from transforms.poll_stream import TakeDueFn
from transforms.state import Store
from transforms.write import Dataset, prepare
from transforms.write.window import window_commit

GAZETTE = Outlet(
    slug="gazette", name="Gazette", country="IQ", language="en", home="https://gazette.example/",
    feeds=("https://gazette.example/rss",),
)  # fmt: skip
ALL = OffsetRange(0, 1 << 62)


class Look:
    """One call of the source: what left, the watermark after it, and where the next call starts."""

    def __init__(self, take_due: TakeDueFn, restriction: OffsetRange) -> None:
        tracker = ThreadsafeRestrictionTracker(poll_stream.Ends().create_tracker(restriction))
        estimator = ManualWatermarkEstimator(None)
        taken: list[Any] = list(take_due.process("clock", RestrictionTrackerView(tracker), estimator))
        self.feeds = [value.value.url for value in taken]
        self.stamps = {float(value.timestamp) for value in taken}
        self.watermark = estimator.current_watermark()
        deferred = tracker.deferred_status()
        self.rest: OffsetRange | None = deferred[0] if deferred else None


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    place = Dataset(str(tmp_path / "data"))
    prepare(place)
    return place


@pytest.fixture
def source(dataset: Dataset, tmp_path: Path) -> TakeDueFn:
    return TakeDueFn([GAZETTE], dataset, Store(dataset.state), 300, str(tmp_path / "stop"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    return lambda now: monkeypatch.setattr(poll_stream.time, "time", lambda: now)


def commit(dataset: Dataset, end: float) -> None:
    (dataset.done / f"{window_commit(Timestamp(end))}.json").write_text("{}")


def test_what_is_due_leaves_in_the_window_that_is_over(source: TakeDueFn, clock: Callable[[float], None]) -> None:
    clock(1_700_000_100.0)
    look = Look(source, ALL)
    assert (look.feeds, look.stamps) == (list(GAZETTE.feeds), {1_699_999_800.0})
    assert float(look.watermark) == 1_700_000_100.0
    assert look.rest is not None
    assert look.rest.start == 1_700_000_100_000_001


def test_the_next_window_waits_for_the_commit_before_it(
    source: TakeDueFn, dataset: Dataset, clock: Callable[[float], None]
) -> None:
    clock(1_700_000_100.0)
    rest = Look(source, ALL).rest
    clock(1_700_000_460.0)
    assert rest is not None
    waiting = Look(source, rest)
    assert (waiting.feeds, waiting.rest) == ([], rest)
    commit(dataset, 1_700_000_100)
    assert Look(source, rest).feeds == list(GAZETTE.feeds)


def test_a_window_leaves_once(source: TakeDueFn, dataset: Dataset, clock: Callable[[float], None]) -> None:
    clock(1_700_000_100.0)
    rest = Look(source, ALL).rest
    commit(dataset, 1_700_000_100)
    clock(1_700_000_399.0)
    assert rest is not None
    assert Look(source, rest).feeds == []


def test_a_stream_that_starts_again_leaves_a_committed_window_alone(
    source: TakeDueFn, dataset: Dataset, clock: Callable[[float], None]
) -> None:
    commit(dataset, 1_700_000_100)
    clock(1_700_000_200.0)
    look = Look(source, ALL)
    assert (look.feeds, look.rest) == ([], ALL)


def test_a_stop_file_ends_the_source_for_good(source: TakeDueFn, clock: Callable[[float], None]) -> None:
    clock(1_700_000_100.0)
    Path(source.stop_file).touch()
    look = Look(source, ALL)
    assert (look.feeds, look.rest) == ([], None)


def test_time_is_not_shared_out() -> None:
    tracker = poll_stream.Ends().create_tracker(ALL)
    assert tracker.try_claim(1_700_000_100_000_000)
    assert tracker.try_split(0.5) is None
    assert tracker.try_split(0)[1].start == 1_700_000_100_000_001
