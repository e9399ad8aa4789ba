"""Metrics: the pulse of a dataset and the health of its feeds, for Prometheus to fetch while a stream runs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from apache_beam.utils.timestamp import Timestamp

from pipelines.pulse import take_pulse
from pipelines.status import Health, feed_health
from schemas.errors import ConfigError
from transforms.state import Store

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class _Collector:
    """Reads the state when it is asked, and keeps nothing."""

    def __init__(self, store: Store, silence_factor: float) -> None:
        self.store = store
        self.silence_factor = silence_factor

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.metrics_core import GaugeMetricFamily

        now = Timestamp.now()
        with Store(self.store.address) as store:  # asked from a thread of its own
            pulse, states = take_pulse(store, now), store.feeds().values()
        for name, value, text in (
            ("newsbeam_last_commit_timestamp_seconds", pulse.last_commit, "When the newest commit was made."),
            ("newsbeam_lag_seconds", pulse.lag_s, "By how much the feed that is due longest is late."),
            ("newsbeam_due_feeds", pulse.due, "Feeds that are due."),
            ("newsbeam_waiting_entries", pulse.waiting, "Entries that wait for a later look."),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        found = Counter(row.health for row in feed_health(states, now, self.silence_factor))
        feeds = GaugeMetricFamily("newsbeam_feeds", "Feeds by health.", labels=["health"])
        for health in Health:
            feeds.add_metric([health], found[health])
        yield feeds


@contextmanager
def metrics_served(port: int, store: Store, silence_factor: float) -> Iterator[int]:
    """Answer Prometheus at http://127.0.0.1:port/metrics for the length of the block; yields the port, 0 takes any.

    Raises:
        ConfigError: the port is taken, or prometheus_client is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError as error:
        remedy = "Install it: pip install 'newsbeam[stream]'"
        raise ConfigError("command line", None, "--metrics-port", "prometheus_client is not there", remedy) from error
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(store, silence_factor))
    try:
        server, thread = start_http_server(port, "127.0.0.1", registry)
    except OSError as error:
        problem = f"nothing can be served at port {port}: {error.strerror}"
        raise ConfigError("command line", None, "--metrics-port", problem, "Take another") from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
