"""What a run leaves written about itself, and what is read out of it."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console

from pipelines.history import failed, failed_outlets, failure_line, save, show_runs
from schemas.errors import DatasetError
from schemas.records import FeedState
from schemas.run import Counts, Outcome, Run
from schemas.settings import Outlet
from transforms.write import Dataset

START = datetime(2026, 3, 13, 8, tzinfo=UTC)
NOW, BEFORE = Timestamp(START.timestamp() + 5), Timestamp(START.timestamp() - 3_600)
FEEDS = ("https://post.example/world", "https://post.example/home")
POST = Outlet(slug="post", name="Post", country="IQ", language="en", home="https://post.example/", feeds=FEEDS)


def state(url: str, polled: Timestamp, failures: int = 0, gone: bool = False) -> FeedState:
    outcome = "timeout" if failures else "gone" if gone else "fetched"
    return FeedState(
        url, "post", url, None, None, 200, outcome, polled, None, None, polled, 600.0, failures, gone, 1, ""
    )


def run(**fields: object) -> Run:
    values = {
        "run_id": "20260313T080000Z-ab12",
        "command": "run",
        "outcome": Outcome.RUNNING,
        "started_at": START.isoformat(),
        "engine": "FnApiRunner",
        "workers": 1,
        "newsbeam_version": "0.1.0",
        "gazetteer_version": "g1",
        "outlets": 1,
        "recovered": "",
    }
    return Run.model_validate(values | fields)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        pytest.param([(NOW, 1, False), (BEFORE, 0, False)], [], id="the-healthy-feed-was-not-due"),
        pytest.param([(NOW, 1, False), (BEFORE, 2, False)], ["post"], id="the-other-feed-failed-earlier"),
        pytest.param([(NOW, 1, False), (NOW, 0, False)], [], id="one-feed-works"),
        pytest.param([(NOW, 1, False), (NOW, 3, False)], ["post"], id="every-feed-failed"),
        pytest.param([(NOW, 1, False), (NOW, 0, True)], ["post"], id="the-other-feed-is-closed"),
        pytest.param([(NOW, 0, True), (NOW, 0, True)], [], id="all-feeds-are-closed"),
        pytest.param([(BEFORE, 1, False), (BEFORE, 1, False)], [], id="nothing-was-due"),
        pytest.param([(NOW, 1, False)], ["post"], id="the-other-feed-was-never-asked"),
    ],
)
def test_an_outlet_has_failed_when_no_open_feed_of_it_works(
    states: list[tuple[Timestamp, int, bool]], said: list[str]
) -> None:
    known = {url: state(url, *rest) for url, rest in zip(FEEDS, states, strict=False)}
    assert failed_outlets([POST], known, START) == said


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        pytest.param(
            {"dns_failure": 9, "fetched": 1}, "every feed failed of: o0, o1, o2, o3, o4 and 2 more", id="some"
        ),
        pytest.param(
            {"dns_failure": 9},
            "all 9 feeds failed, most often by dns_failure (9), of: o0, o1, o2, o3, o4 and 2 more; "
            "is this machine on a network?",
            id="no network",
        ),
        pytest.param(
            {"dns_failure": 3, "timeout": 6},
            "all 9 feeds failed, most often by timeout (6), of: o0, o1, o2, o3, o4 and 2 more",
            id="all",
        ),
    ],
)
def test_many_failed_outlets_are_said_in_a_line(feeds: dict[str, int], said: str) -> None:
    assert failure_line(run(failed_outlets=[f"o{n}" for n in range(7)], feeds=feeds)) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(DatasetError("/data", "No space left", "Free some"), "/data: No space left. Free some", id="ours"),
        pytest.param(RuntimeError("Traceback\n  many lines\nKeyError: 'x'"), "KeyError: 'x'", id="the-last-line"),
        pytest.param(KeyboardInterrupt(), "stopped by Ctrl-C", id="ctrl-c"),
    ],
)
def test_a_failed_run_says_why_in_a_line(error: BaseException, said: str) -> None:
    record = failed(run(), error, START)
    assert (record.outcome, record.error) == (Outcome.FAILED, said)


def test_a_record_replaces_an_earlier_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    save(Dataset(str(tmp_path)), run())
    save(Dataset(str(tmp_path)), run(outcome=Outcome.DONE))
    [path] = (tmp_path / "_meta" / "runs").iterdir()
    assert Run.model_validate_json(path.read_text("utf-8")).outcome is Outcome.DONE


def test_the_newest_runs_are_shown_with_counts_errors_and_failed_outlets(tmp_path: Path) -> None:
    counts = Counts(entries=9, articles=4, skips={"fresh.seen": 3}, rejects={"fetch.timeout": 2})
    dataset = Dataset(str(tmp_path))
    save(dataset, run(run_id="20260312T080000Z-0001", outcome=Outcome.KILLED))
    done = {"outcome": Outcome.DONE, "ended_at": START.isoformat(), "counts": counts, "failed_outlets": ["post"]}
    save(dataset, run(run_id="20260313T080000Z-0002", **done))
    save(dataset, run(run_id="20260314T080000Z-0003", outcome=Outcome.FAILED, error="no space [left]"))
    console = Console(width=80, file=io.StringIO(), record=True)
    show_runs(dataset, 2, console)
    text = console.export_text()
    rows = [line.split() for line in text.splitlines()]
    assert ["20260313T080000Z-0002", "run", "done", "0:00:00", "9", "4", "3", "2"] in rows
    assert ["20260314T080000Z-0003", "run", "failed"] in rows
    assert "0001" not in text
    assert "no space [left]" in text
    assert "every feed failed of: post" in text


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    dataset = Dataset(str(tmp_path))
    save(dataset, run())
    dataset.path(f"_meta/runs/{run().run_id}.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"20260313T080000Z-ab12\.json: is no record of a run"):
        show_runs(dataset, 2, Console(quiet=True))
