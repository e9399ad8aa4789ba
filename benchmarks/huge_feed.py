"""A feed of 10,000 entries: our CPU against feedparser's, interleaved in one run, and whether both say the same.

python -m benchmarks.huge_feed [ENTRIES]
"""

import io
import sys
import time
from collections.abc import Callable
from typing import Any

import feedparser

from transforms.feeds import parse_feed

ROUNDS = 3
WORDS = "convoy truce talks drone border camp aid river militia minister"


def document(entries: int) -> bytes:
    """Return an RSS feed as outlets write them, about 550 bytes an entry."""
    items = "".join(
        f"<item><title>Story {n}: {WORDS} &amp; more</title><link>https://news.example/world/{n}?a=1&amp;b=2</link>"
        f'<guid isPermaLink="false">tag:{n}</guid><pubDate>Mon, 31 Aug 2026 {n % 24:02}:{n % 60:02}:00 +0300</pubDate>'
        f"<description>&lt;p&gt;{WORDS} {n} {WORDS} {WORDS}&lt;/p&gt;</description><category>Syria</category></item>"
        for n in range(entries)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()


def timed(read: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds that `read` takes, and its result."""
    started = time.process_time()
    result = read()
    return time.process_time() - started, result


def main() -> None:
    """Print both times, their ratio, and how many entries agree in link, title, id and date."""
    data = document(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    for _ in range(ROUNDS):
        ours_s, ours = timed(lambda: parse_feed(data, "application/rss+xml", "https://news.example/rss").items)
        theirs_s, theirs = timed(lambda: feedparser.parse(io.BytesIO(data)).entries)
        agree = sum(
            (a.link, a.title, a.id, a.published.to_utc_datetime().timetuple()[:6])
            == (b.link, b.title, b.id, b.published_parsed[:6])
            for a, b in zip(ours, theirs, strict=True)
        )
        print(f"ours {ours_s:.2f} s, feedparser {theirs_s:.2f} s, ratio {ours_s / theirs_s:.2f}, {agree} entries agree")


if __name__ == "__main__":
    main()
