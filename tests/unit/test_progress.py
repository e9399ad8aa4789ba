"""What passes is counted where the folder is seen, and passes everywhere."""

from pathlib import Path

import pytest

from schemas.records import Tally
from transforms.progress import WatchFn, counts

PASSING = [Tally("gazette", "skip", reason, 1) for reason in ("", "timeout", "timeout")]


@pytest.mark.parametrize(
    ("folder", "seen"),
    [
        pytest.param("progress", {"fetched": 1, "fetched.timeout": 2}, id="seen"),
        pytest.param("elsewhere", {}, id="on-another-machine"),
    ],
)
def test_elements_pass_and_are_counted_by_reason_where_the_folder_is(
    tmp_path: Path, folder: str, seen: dict[str, int]
) -> None:
    (tmp_path / "progress").mkdir()
    watch = WatchFn(str(tmp_path / folder), "fetched")
    watch.setup()
    assert [element for tally in PASSING for element in watch.process(tally)] == PASSING
    watch.teardown()
    assert counts(tmp_path / folder) == seen
