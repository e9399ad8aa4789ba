"""Pulse: how far a dataset is behind."""

from typing import NamedTuple

from apache_beam.utils.timestamp import Timestamp

from transforms.state import Store


class Pulse(NamedTuple):
    """What is done and what is to do."""

    last_commit: float  # seconds since 1970, 0.0 where there was none
    due: int  # feeds that are due
    lag_s: float  # by which the one that is due longest is late, 0.0 where none is due
    waiting: int  # entries that the state keeps for a later look


def take_pulse(store: Store, now: Timestamp) -> Pulse:
    """Return the pulse of a dataset, from its state.

    Raises:
        DatasetError: the state cannot be read.
    """
    late_s = [float(now - state.next_due) for state in store.feeds().values() if not state.gone]
    due = [seconds for seconds in late_s if seconds >= 0]
    return Pulse(store.newest_commit(), len(due), max(due, default=0.0), store.count_waiting())


def pulse_line(pulse: Pulse, now: Timestamp) -> str:
    """Return a pulse in words.

    >>> pulse_line(Pulse(1_000.0, 3, 12.4, 40), Timestamp(1_090))
    'last commit 90 s ago; 3 feeds due, one for 12 s; 40 entries wait'
    """
    commit = f"last commit {float(now) - pulse.last_commit:.0f} s ago" if pulse.last_commit else "no commit yet"
    late = f", one for {pulse.lag_s:.0f} s" if pulse.due else ""
    return f"{commit}; {pulse.due} feeds due{late}; {pulse.waiting} entries wait"
