"""What a worker remembers of a host from window to window, and what it forgets."""

import pytest
from apache_beam.utils.timestamp import Timestamp

from transforms.fetch import memory
from transforms.fetch.host import HostState
from transforms.fetch.memory import HostMemory, memory_named
from transforms.fetch.robots import ALLOW, FORBID, RULES, Robots

LATER = Timestamp(1_760_011_200)
RULED = Robots("https://a.example", RULES, "User-agent: *\nDisallow: /private\n")


def state(*robots: Robots, host: str = "a.example") -> HostState:
    return HostState(host, list(robots), LATER)


def test_a_host_comes_back_as_it_was_left() -> None:
    hosts = HostMemory()
    hosts.remember(state(RULED))
    assert hosts.recall("a.example") == [state(RULED)]
    assert hosts.recall("b.example") == []


@pytest.mark.parametrize(
    "robots",
    [
        pytest.param(Robots("https://a.example", FORBID, ""), id="that-could-not-be-had"),
        pytest.param(RULED._replace(text="#" * 30_000), id="that-is-very-long"),
    ],
)
def test_the_gap_is_kept_but_not_a_robots_txt(robots: Robots) -> None:
    hosts = HostMemory()
    hosts.remember(state(robots))
    assert hosts.recall("a.example") == [state()]


def test_robots_txt_is_asked_again_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts, now = HostMemory(), 1_000.0
    monkeypatch.setattr(memory.time, "monotonic", lambda: now)
    hosts.remember(state(RULED))
    now += 1_800
    hosts.remember(state(RULED, Robots("http://a.example", ALLOW, "")))
    now += 1_801
    assert [robots.origin for robots in hosts.recall("a.example")[0].robots] == ["http://a.example"]


def test_the_host_asked_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MAX_HOSTS", 2)
    hosts = HostMemory()
    for host in ("a.example", "b.example", "a.example", "c.example"):
        hosts.remember(state(host=host))
    assert [bool(hosts.recall(f"{name}.example")) for name in "abc"] == [True, False, True]


def test_stages_of_one_stream_share_a_memory() -> None:
    memory_named("one stream").remember(state())
    assert memory_named("one stream").recall("a.example")
    assert not memory_named("another").recall("a.example")
