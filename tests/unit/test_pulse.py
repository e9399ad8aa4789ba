"""How far a dataset is behind, in words and for Prometheus."""

import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from apache_beam.utils.timestamp import Timestamp

from pipelines.metrics import metrics_served
from pipelines.pulse import Pulse, pulse_line, take_pulse
from schemas.errors import ConfigError
from schemas.records import FeedState, LinkState
from transforms.state import Delta, Store, to_scalars

NOW = Timestamp(1_760_011_200)


def feed(name: str, due_s: float, *, gone: bool = False) -> FeedState:
    url = f"https://{name}.example/rss"
    return FeedState(url, name, url, None, None, 200, "fetched", NOW, NOW, NOW, NOW + due_s, 600.0, 0, gone, 40, name)


def link(name: str, entry: str) -> LinkState:
    outcome = "waiting" if entry else "article"
    return LinkState(name, "a", None, outcome, "", None, 0, False, None, None, NOW, "https://a.example/rss", entry)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "state.sqlite")
    feeds = [feed("a", -12.0), feed("b", -3.0), feed("c", 60.0), feed("d", -900.0, gone=True)]
    store.apply(
        "one",
        Delta(
            feeds=[to_scalars(feed) for feed in feeds], links=[to_scalars(link("x", "{}")), to_scalars(link("y", ""))]
        ),
        1_760_011_100.0,
    )
    return store


def test_what_is_late_is_counted_and_what_is_gone_is_not(store: Store) -> None:
    assert take_pulse(store, NOW) == Pulse(1_760_011_100.0, 2, 12.0, 1)


def test_a_dataset_without_a_commit_has_a_pulse_too(tmp_path: Path) -> None:
    pulse = take_pulse(Store(tmp_path / "state.sqlite"), NOW)
    assert pulse_line(pulse, NOW) == "no commit yet; 0 feeds due; 0 entries wait"


def test_prometheus_is_answered_on_loopback_alone(store: Store) -> None:
    with metrics_served(0, store, 5.0) as port:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        assert {"newsbeam_last_commit_timestamp_seconds 1.7600111e+09", "newsbeam_waiting_entries 1.0"} <= set(lines)
        assert 'newsbeam_feeds{health="gone"} 1.0' in lines
        with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.2", port), timeout=2):
            pass


def test_a_port_that_is_taken_is_told(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="metrics-port"), metrics_served(taken.getsockname()[1], store, 5.0):
            pass
