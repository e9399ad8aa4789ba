"""robots.txt by RFC 9309: a missing one allows, one that cannot be had forbids."""

from typing import Final, NamedTuple, Optional

from apache_beam.coders import RowCoder, registry
from protego import Protego

ALLOW: Final = "allow"
FORBID: Final = "forbid"
RULES: Final = "rules"


class Robots(NamedTuple):
    """What an origin (scheme, host and port) says to robots, as it travels between rounds."""

    origin: str
    verdict: str  # "allow", "forbid" or "rules"
    text: str  # the rules, "" where there are none


registry.register_coder(Robots, RowCoder)


def judge(origin: str, status: int, body: bytes) -> Robots:
    """Return what the answer to `/robots.txt` means; `status` is 0 where none came.

    RFC 9309 section 2.3.1: rules are obeyed; 4xx, and redirects that lead nowhere, mean there are none; 5xx or no
    answer mean that all is forbidden for now.
    """
    if status == 200:
        return Robots(origin, RULES, body.decode("utf-8-sig", "replace"))
    return Robots(origin, ALLOW if 300 <= status < 500 and status != 429 else FORBID, "")


class Rulebook:
    """The parsed form of a `Robots`, for one user agent."""

    def __init__(self, robots: Robots, agent: str) -> None:
        self.robots = robots
        self.token = agent.partition("/")[0].strip()
        self.rules = Protego.parse(robots.text)

    def allows(self, url: str) -> bool:
        """Tell whether `url` may be asked for."""
        if self.robots.verdict == RULES:
            return bool(self.rules.can_fetch(url, self.token))
        return self.robots.verdict == ALLOW

    def crawl_delay_s(self) -> Optional[float]:
        """Return the Crawl-delay, in seconds; no standard, but a plain wish."""
        delay = self.rules.crawl_delay(self.token)
        return None if delay is None else float(delay)
