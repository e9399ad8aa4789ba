"""Feed health: what the state of the feeds says about them, worst first."""

import enum
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Optional

from apache_beam.utils.timestamp import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.pulse import pulse_line, take_pulse
from schemas.records import FeedState
from schemas.settings import PollSettings
from transforms.state import Store
from transforms.write import Dataset, find

_DAY_S: Final = 86_400.0
_COLOURS: Final = {"failing": "red", "gone": "red", "silent": "yellow", "moved": "cyan", "working": "green"}


class Health(enum.StrEnum):
    """How a feed is, worst first."""

    FAILING = "failing"  # the last poll failed
    GONE = "gone"  # it answered 410, and is not asked again
    SILENT = "silent"  # it answers, but has shown nothing new for unusually long
    MOVED = "moved"  # it answers elsewhere: the configured address is out of date
    WORKING = "working"


class FeedHealth(NamedTuple):
    """A feed as an operator wants to see it."""

    outlet: str
    url: str  # as configured
    title: str
    health: Health
    detail: str
    newest_entry_at: Optional[Timestamp]
    next_due: Optional[Timestamp]  # None where it is never due again


def feed_health(states: Iterable[FeedState], now: Timestamp, silence_factor: float) -> list[FeedHealth]:
    """Return the health of every feed, worst first, then by outlet.

    A feed is silent when no poll has shown anything new for `silence_factor` times its usual interval, and for a day at
    least: most newsrooms sleep. How old the entries of a first poll are says nothing of its pace.
    """
    rows = [_health(state, now, silence_factor) for state in states]
    order = list(Health)
    return sorted(rows, key=lambda row: (order.index(row.health), row.outlet, row.url))


def _health(state: FeedState, now: Timestamp, silence_factor: float) -> FeedHealth:
    since = state.news_at or state.newest_entry_at
    quiet_s = float(now - since) if since is not None else 0.0
    if state.gone:
        health, detail = Health.GONE, "answered 410 Gone; remove it from the outlets"
    elif state.failures:
        answer = f", HTTP {state.status}" if state.status else ""
        health, detail = Health.FAILING, f"{state.outcome}{answer}; {state.failures} in a row"
    elif quiet_s > max(_DAY_S, silence_factor * state.interval_s):
        health, detail = Health.SILENT, f"nothing new for {_days(quiet_s)}"
    elif state.location != state.url:
        health, detail = Health.MOVED, f"now at {state.location}"
    else:
        health, detail = Health.WORKING, f"{state.entries} entries"
    next_due = None if state.gone else state.next_due
    return FeedHealth(state.outlet, state.url, state.title, health, detail, state.newest_entry_at, next_due)


def show_status(dataset: Dataset, poll: PollSettings, console: Console) -> None:
    """Print the health of the feeds that the dataset knows, and how far it is behind.

    Raises:
        DatasetError: there is no dataset, or its state cannot be read.
    """
    find(dataset)
    store = Store(dataset.state_address)
    states = store.feeds()
    if not states:
        console.print(f"no feed has been polled into {dataset.root} yet", markup=False, soft_wrap=True)
        return
    now = Timestamp.now()
    console.print(health_table(feed_health(states.values(), now, poll.silence_factor), now))
    console.print(pulse_line(take_pulse(store, now), now))


def health_table(rows: Sequence[FeedHealth], now: Timestamp) -> Table:
    """Return `rows` as a table for a terminal. Titles and addresses are shown as they are, never as markup."""
    table = Table(title=f"{len(rows)} feeds", title_justify="left", box=None, pad_edge=False)
    for name in ("health", "newest", "next due"):
        table.add_column(name, no_wrap=True)
    table.add_column("outlet, feed, and what there is to say", overflow="fold")
    for row in rows:
        newest = "never" if row.newest_entry_at is None else f"{_days(float(now - row.newest_entry_at))} ago"
        table.add_row(
            Text(row.health, _COLOURS[row.health]),
            Text(newest),
            Text(show_time(row.next_due)),
            Text.assemble((row.outlet, "bold"), f" {row.url}\n", (row.detail, "dim")),
        )
    return table


def show_time(time: Optional[Timestamp]) -> str:
    """Return `time` to the minute, in UTC.

    >>> show_time(Timestamp(1_773_300_000)), show_time(None)
    ('2026-03-12 07:20', 'never')
    """
    return "never" if time is None else f"{datetime.fromtimestamp(int(time), UTC):%Y-%m-%d %H:%M}"


def _days(seconds: float) -> str:
    hours = max(seconds, 0) / 3600
    return f"{hours / 24:.0f} d" if hours >= 48 else f"{hours:.0f} h"
