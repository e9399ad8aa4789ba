import io
from pathlib import Path

import pytest
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console

from pipelines.status import Health, feed_health, health_table, show_status
from schemas.errors import DatasetError
from schemas.records import FeedState
from schemas.settings_files import load_settings
from transforms.state import Delta, Store, to_scalars
from transforms.write import Dataset

NOW = Timestamp(1_773_400_000)
HOUR, DAY = 3_600, 86_400
WORKING = FeedState(
    url="https://a.example/rss",
    outlet="a",
    location="https://a.example/rss",
    etag=None,
    last_modified=None,
    status=200,
    outcome="fetched",
    polled_at=NOW,
    succeeded_at=NOW,
    newest_entry_at=NOW - HOUR,
    next_due=NOW + HOUR,
    interval_s=1_800.0,
    failures=0,
    gone=False,
    entries=20,
    title="A",
)
FAILING = WORKING._replace(url="https://b.example/rss", outlet="b", status=503, outcome="http_server_error", failures=4)
GONE = WORKING._replace(url="https://c.example/rss", outlet="c", status=410, outcome="gone", gone=True, failures=1)
SILENT = WORKING._replace(url="https://d.example/rss", outlet="d", location="", newest_entry_at=NOW - 9 * DAY)
MOVED = WORKING._replace(url="https://e.example/rss", outlet="e", location="https://e.example/feed")


def health_of(state: FeedState, factor: float = 5.0) -> Health:
    return feed_health([state], NOW, factor)[0].health


def test_the_worst_feeds_come_first() -> None:
    rows = feed_health([WORKING, MOVED, SILENT, GONE, FAILING], NOW, 5.0)
    assert [row.health for row in rows] == ["failing", "gone", "silent", "moved", "working"]
    assert [row.outlet for row in rows] == ["b", "c", "d", "e", "a"]


def test_a_night_without_news_is_not_silence() -> None:
    assert health_of(WORKING._replace(newest_entry_at=NOW - 10 * HOUR)) == Health.WORKING


def test_a_slow_feed_is_silent_only_after_its_own_pace() -> None:
    weekly = WORKING._replace(interval_s=DAY, newest_entry_at=NOW - 4 * DAY)
    assert health_of(weekly) == Health.WORKING
    assert health_of(weekly, factor=3.0) == Health.SILENT


def test_a_feed_whose_first_poll_showed_old_entries_is_not_silent_until_later_polls_show_no_newer_ones() -> None:
    slow = WORKING._replace(newest_entry_at=NOW - 29 * HOUR, news_at=NOW)
    assert health_of(slow) == Health.WORKING
    assert health_of(slow._replace(news_at=NOW - 25 * HOUR)) == Health.SILENT


def test_a_feed_that_never_showed_an_entry_is_not_called_silent() -> None:
    assert health_of(WORKING._replace(newest_entry_at=None)) == Health.WORKING


def test_a_closed_feed_is_never_due() -> None:
    assert feed_health([GONE], NOW, 5.0)[0].next_due is None


def test_the_table_shows_hostile_text_as_it_is() -> None:
    rows = feed_health([FAILING._replace(url="https://b.example/[bold]x[/bold]", outcome="[red]dns_failure")], NOW, 5.0)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(health_table(rows, NOW))
    text = console.export_text()
    assert "https://b.example/[bold]x[/bold]" in text
    assert "[red]dns_failure" in text
    assert "4 in a row" in text


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    moved = MOVED._replace(
        location="https://www.e.example/a/rather/long/path/to/the/feed.xml", outlet="a-name-of-some-length"
    )
    console.print(health_table(feed_health([WORKING, moved, FAILING, GONE], NOW, 5.0), NOW))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("failing") and line.rstrip().endswith("b https://b.example/rss") for line in lines)
    assert sum("gone" in line for line in lines) == 1


def test_status_reads_the_state_of_a_dataset_and_makes_none(tmp_path: Path) -> None:
    poll = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").poll
    console = Console(width=200, record=True, file=io.StringIO())
    with pytest.raises(DatasetError, match="is no dataset"):
        show_status(Dataset(str(tmp_path / "none")), poll, console)
    assert not (tmp_path / "none").exists()

    dataset = Dataset(str(tmp_path / "data"))
    dataset.state.parent.mkdir(parents=True)
    Store(dataset.state).apply("c1", Delta(feeds=[to_scalars(FAILING)]))
    show_status(Dataset(str(tmp_path / "data")), poll, console)
    assert "http_server_error, HTTP 503; 4 in a row" in console.export_text()
