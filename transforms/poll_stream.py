"""Poll stream: feeds as they come due, window by window, without end.

Time is cut into windows by the clock. When one is over, the feeds that have come due leave as its elements, all at
once, and the watermark moves to its end: the same stages that a scheduled run has then work through it, and commit it.
The next window is taken only when that commit is in place. So every window finds the state as those before it left it,
duplicates and versions are decided as between two scheduled runs, nothing is asked twice, and work that takes longer
than a window holds the source back by itself. Nothing is kept in the engine's state: what is known lies in the store.
"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Optional

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.core import RestrictionProvider, WatermarkEstimatorProvider
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from schemas.records import FeedRef
from schemas.settings import Outlet
from transforms.poll import due
from transforms.state import Store
from transforms.write import Dataset, is_taken_over
from transforms.write.window import is_committed, window_commit

LOOK_S: Final = 1.0  # between two looks at the clock, the state and the stop file
_FOREVER: Final = 1 << 62


class _Unshared(OffsetRestrictionTracker):
    """Stops where it is, and is never shared out: time ahead cannot be worked on beside the present.

    Prism offers to split whatever takes long; the half with the far future would hold the watermark back for ever.
    """

    def try_split(self, fraction_of_remainder: float) -> Optional[tuple[OffsetRange, OffsetRange]]:
        split: Optional[tuple[OffsetRange, OffsetRange]] = super().try_split(0) if not fraction_of_remainder else None  # type: ignore[no-untyped-call]
        return split


class Ends(RestrictionProvider):
    """Restrictions are ranges of window ends, in microseconds since 1970; the start is one past the last one taken."""

    def initial_restriction(self, _: str) -> OffsetRange:
        return OffsetRange(0, _FOREVER)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return _Unshared(restriction)

    def restriction_size(self, _: str, restriction: OffsetRange) -> int:
        return 1

    def split(self, _: str, restriction: OffsetRange) -> Iterator[OffsetRange]:
        yield restriction

    def truncate(self, _: str, restriction: OffsetRange) -> None:  # an engine that drains: take no more
        return None


class _Watermarks(WatermarkEstimatorProvider):
    def initial_estimator_state(self, _: str, restriction: OffsetRange) -> None:
        return None

    def create_watermark_estimator(self, state: Optional[Timestamp]) -> ManualWatermarkEstimator:
        return ManualWatermarkEstimator(state)


def next_end(now: float, window_s: int, taken: int) -> Optional[int]:
    """Return the end of the last window that is over at `now`, or None where that one is `taken` already.

    Microseconds since 1970, but for `now` (seconds). Windows that went by in the meantime are left out.

    >>> next_end(1_000.5, 300, taken=0), next_end(1_000.5, 300, taken=900_000_000)
    (900000000, None)
    """
    end = int(now // window_s) * window_s * 1_000_000
    return end if end > taken else None


def obeyed(stop_file: str) -> str:
    """Return the path of the file that tells that the source has ended as it was told to."""
    return f"{stop_file}.obeyed"


class TakeDueFn(beam.DoFn):
    """Any one element in; for ever the feeds that are due, stamped with the start of their window.

    It ends, and the watermark moves to the end of time, when a `stop_file` has appeared and what was taken is
    committed: `<stop file>.obeyed` tells so. It also ends when a later run has taken the dataset over.
    """

    def __init__(
        self, outlets: Sequence[Outlet], dataset: Dataset, store: Store, window_s: int, stop_file: str
    ) -> None:
        self.outlets = outlets
        self.dataset = dataset
        self.store = store
        self.window_s = window_s
        self.stop_file = stop_file
        self.taken = Metrics.counter("poll_stream", "feeds")

    @beam.DoFn.unbounded_per_element()  # type: ignore[untyped-decorator]
    def process(
        self,
        _: str,
        tracker: Any = beam.DoFn.RestrictionParam(Ends()),  # noqa: B008  # Beam reads the defaults
        estimator: Any = beam.DoFn.WatermarkEstimatorParam(_Watermarks()),  # noqa: B008
    ) -> Iterator[FeedRef]:
        rest = tracker.current_restriction()
        taken = rest.start - 1  # -1 before the first window
        in_place = taken < 0 or self._is_committed(taken)
        stopped = in_place and os.path.exists(self.stop_file)
        if stopped or is_taken_over(self.dataset):
            tracker.try_claim(rest.stop - 1)
            if stopped:
                Path(obeyed(self.stop_file)).touch()
            return
        end = next_end(time.time(), self.window_s, taken)
        # A stream that was killed may have left the window to come in place.
        if end is not None and in_place and not self._is_committed(end):
            feeds = due(self.outlets, self.store.feeds(), Timestamp.now(), self.store.feeds_waited_for())
            if feeds and tracker.try_claim(end):
                start = Timestamp(micros=end) - self.window_s
                for feed in feeds:
                    self.taken.inc()
                    yield TimestampedValue(feed, start)  # type: ignore[misc]
                estimator.set_watermark(Timestamp(micros=end))
        tracker.defer_remainder(Duration(LOOK_S))

    def _is_committed(self, end: int) -> bool:
        return is_committed(self.dataset, window_commit(Timestamp(micros=end)))


class PollStream(beam.PTransform[Any, Any]):
    """A pipeline in; without end the feeds that are due out, in windows of `window_s` seconds."""

    def __init__(
        self, outlets: Sequence[Outlet], dataset: Dataset, store: Store, window_s: int, stop_file: str
    ) -> None:
        super().__init__()
        self.take_due = TakeDueFn(outlets, dataset, store, window_s, stop_file)
        self.window_s = window_s

    def expand(self, pipeline: Any) -> PCollection[FeedRef]:
        feeds: PCollection[FeedRef] = (
            pipeline
            | "Clock" >> beam.Create(["clock"], reshuffle=False)
            | "TakeDue" >> beam.ParDo(self.take_due).with_output_types(FeedRef)
            | "Window" >> beam.WindowInto(FixedWindows(self.window_s))
        )
        return feeds
