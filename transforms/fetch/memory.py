"""What a worker process remembers of its hosts from one window of a stream to the next.

A host's requests meet at one worker (they are keyed by host), so what that worker knows keeps the gap across windows,
and saves a look at robots.txt in each. A batch has one window and passes `HostState`s on itself: there it adds nothing.
"""

import threading
import time
from collections import OrderedDict
from typing import Final

from transforms.fetch.host import HostState
from transforms.fetch.robots import FORBID, Robots

_MAX_HOSTS: Final = 5_000  # the least recently asked goes first
_MAX_ROBOTS_CHARS: Final = 20_000  # longer ones are asked for again: 5,000 hosts must fit into memory
_ROBOTS_S: Final = 3_600.0  # RFC 9309 section 2.4: no older than 24 h


class HostMemory:
    """Bounded, and safe to use from several threads."""

    def __init__(self) -> None:
        self._hosts = OrderedDict[str, HostState]()
        self._learned = dict[str, float]()  # origin -> when its robots.txt was read, on the monotonic clock
        self._lock = threading.Lock()

    def recall(self, host: str) -> list[HostState]:
        """Return what is known of a host: one state, or none."""
        with self._lock:
            state = self._hosts.get(host)
            if state is None:
                return []
            oldest = time.monotonic() - _ROBOTS_S
            return [state._replace(robots=[r for r in state.robots if self._learned[r.origin] > oldest])]

    def remember(self, state: HostState) -> None:
        """Keep what a round of requests has left; a host that could not be understood is asked for its robots anew."""
        with self._lock:
            old = self._hosts.pop(state.host, None)
            known = {robots.origin: robots for robots in old.robots} if old else {}
            kept = [robots for robots in state.robots if _is_kept(robots)]
            for robots in kept:
                if (
                    known.pop(robots.origin, None) != robots
                    or self._learned[robots.origin] < time.monotonic() - _ROBOTS_S
                ):
                    self._learned[robots.origin] = time.monotonic()
            self._forget(list(known))
            self._hosts[state.host] = state._replace(robots=kept)
            if len(self._hosts) > _MAX_HOSTS:
                _, dropped = self._hosts.popitem(last=False)
                self._forget([robots.origin for robots in dropped.robots])

    def _forget(self, origins: list[str]) -> None:
        for origin in origins:
            self._learned.pop(origin, None)


def _is_kept(robots: Robots) -> bool:
    return robots.verdict != FORBID and len(robots.text) <= _MAX_ROBOTS_CHARS


_memories: dict[str, HostMemory] = {}
_making = threading.Lock()


def memory_named(name: str) -> HostMemory:
    """Return this process's memory of that name; it lives as long as the process, whatever the engine does to DoFns."""
    with _making:
        return _memories.setdefault(name, HostMemory())
