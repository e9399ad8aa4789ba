"""Scheduled runs, one after the other, over a web that answers 304 where it can: nothing that was listed is lost."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from pipelines import jobs
from pipelines.options import choose
from pipelines.warc import list_responses
from schemas.gazetteer import Gazetteer
from schemas.settings import Outlet
from schemas.settings_files import load_settings
from transforms.scrub import load_rules
from transforms.state import Store
from transforms.write import Dataset

CONFIG = Path(__file__).parents[2] / "config"
SENTENCE = (
    "Fighters fired rockets at base number {} near the river in the night, officials of the province told reporters. "
)
STORY = "/story/"
PER_RUN = 2  # entries of one feed
Run = Callable[[Sequence[str]], int]


def page(number: int) -> bytes:
    text = "".join(f"<p>{SENTENCE.format(number * 37 + line) * 2}</p>" for line in range(5))
    return f"<html><head><title>Story {number}</title></head><body><article><h1>Story {number}</h1>{text}</article></body></html>".encode()


def conditional(http: Any, body: Callable[[], bytes], etag: Callable[[], str]) -> Any:
    """Answer 304 to whom knows the current version."""

    async def answer(request: Any, writer: Any) -> None:
        known = request.headers.get("if-none-match") == etag()
        writer.write(http.http(304) if known else http.http(200, body(), f"ETag: {etag()}"))

    return answer


def rss(web: Any, numbers: Sequence[int]) -> bytes:
    items = "".join(f"<item><title>Story {n}</title><link>{web.url(STORY)}{n}</link></item>" for n in numbers)
    return f"<rss><channel><title>News</title>{items}</channel></rss>".encode()


def sitemap(web: Any, numbers: Sequence[int]) -> bytes:
    return f"<urlset>{''.join(f'<url><loc>{web.url(STORY)}{n}</loc></url>' for n in numbers)}</urlset>".encode()


@pytest.fixture
def run(web: Any, tmp_path: Path) -> Run:
    """Run over the feeds at these paths, as one outlet, into the dataset at `tmp_path / "data"`."""
    settings = load_settings(CONFIG / "defaults.toml")
    http = settings.http.model_copy(update={"allow_networks": ("127.0.0.0/8",), "gap_s": 0.0, "backoff_s": 0.0})
    poll = settings.poll.model_copy(update={"max_new_entries": PER_RUN})
    tables = jobs.Tables(load_rules(CONFIG / "scrub"), Gazetteer({}, [], [], "none"))
    settings = settings.model_copy(update={"http": http, "poll": poll})
    job = jobs.Job(
        "run", Dataset(str(tmp_path / "data")), settings, tables, choose([], 1), Console(quiet=True), archive=True
    )

    def once(paths: Sequence[str]) -> int:
        feeds = tuple(web.url(path) for path in paths)
        outlet = Outlet(slug="post", name="Post", country="IQ", language="en", home=web.url("/"), feeds=feeds)
        return jobs.run_feeds(job, [outlet], every_feed=True)

    return once


def stories(root: Path) -> list[str]:
    files = f"{root}/articles/date=*/outlet=*/*.parquet"
    rows = duckdb.connect().execute(f"SELECT parse_path(url)[-1] FROM read_parquet('{files}') ORDER BY url").fetchall()
    return [name for (name,) in rows]


def test_nothing_that_was_listed_is_lost_when_feeds_answer_304_or_end(
    web: Any, http: Any, run: Run, tmp_path: Path
) -> None:
    """One scenario for all ways to lose an entry, for a run costs seconds: a backlog (stories 0 to 4), a page that fails
    for now (5), one whose feed is gone by the next poll (6), a sitemap index that stays as it is while a part of it grows
    (7 to 9), and, by the third run, a feed that its outlet lists no more: that with the backlog."""
    root, grown = tmp_path / "data", {"/old.xml": [7], "/new.xml": [8]}
    parts = "".join(f"<sitemap><loc>{web.url(path)}</loc></sitemap>" for path in grown)
    for number in range(10):
        web.answers[f"/story/{number}"] = http.says(http.http(200, page(number), "Content-Type: text/html"))
    web.answers |= {
        "/backlog": conditional(http, lambda: rss(web, range(5)), lambda: '"1"'),
        "/flaky": conditional(http, lambda: rss(web, [5]), lambda: '"2"'),
        "/brief": http.says(http.http(200, rss(web, [6])), http.http(410)),
        "/index": conditional(http, f"<sitemapindex>{parts}</sitemapindex>".encode, lambda: '"3"'),
        "/story/5": http.says(*[http.http(503)] * 3, http.http(200, page(5), "Content-Type: text/html")),
        "/story/6": http.says(*[http.http(503)] * 4, http.http(200, page(6), "Content-Type: text/html")),
    }
    for path, listed in grown.items():
        web.answers[path] = conditional(http, partial(sitemap, web, listed), partial('"{}"'.format, listed))
    feeds = ["/backlog", "/flaky", "/brief", "/index"]

    assert run(feeds) == 0
    assert stories(root)[-2:] == ["7", "8"]
    assert len(stories(root)) == PER_RUN + 2
    grown["/new.xml"].append(9)
    assert run(feeds) == 0
    assert stories(root)[-4:] == ["5", "7", "8", "9"]
    assert run(feeds[1:]) == 0
    assert stories(root) == [str(number) for number in range(10)]

    validators = [
        request.headers.get("if-none-match") for request in web.seen if request.path in ("/backlog", "/flaky")
    ]
    assert validators == [None] * 2 + validators[2:]
    assert None not in validators[2:]  # so the feeds had nothing to say in the later runs
    assert web.paths().count("/story/0") == 1
    store = Store(Dataset(str(root)).state)
    assert [store.waiting(web.url(path), 1) for path in feeds] == [[]] * 4
    kept = [listed.url for path in root.glob("_meta/raw/*/*.warc.gz") for listed in list_responses(path)]
    assert sorted(kept) == [web.url(f"{STORY}{number}") for number in range(10)]
    state = store.feeds()[web.url("/index")]
    assert (state.location, state.etag, state.entries, state.failures) == (web.url("/index"), None, 3, 0)
