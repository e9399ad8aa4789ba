"""Scheduled runs over the demo web, end to end: feeds over real HTTP in, Parquet and state out."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from rich.console import Console

from pipelines import jobs
from pipelines.demo import DemoWeb, Seen
from schemas.run import Run

CONFIG = Path(__file__).parents[2] / "config"


class Outcome(NamedTuple):
    """A run, the requests it made, and the rows that the dataset holds after it."""

    run: Run
    seen: list[Seen]
    rows: int


class Week(NamedTuple):
    """A first run, one right after it, and one on the next day of the demo web."""

    root: Path
    first: Outcome
    again: Outcome
    corrected: Outcome


def query(root: Path, sql: str) -> list[tuple[object, ...]]:
    files = f"read_parquet('{root}/articles/date=*/outlet=*/*.parquet', hive_partitioning = true)"
    return duckdb.connect().execute(sql.format(articles=files)).fetchall()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    root = tmp_path_factory.mktemp("demo") / "data"
    job = jobs.prepare_job("run", str(root), "", CONFIG, None, [], 1, Console(quiet=True))
    with DemoWeb(CONFIG / "demo", port=0) as web:
        http = job.settings.http.model_copy(update={"allow_networks": web.allow_networks, "gap_s": 0.01})
        job = job._replace(settings=job.settings.model_copy(update={"http": http}))

        def run() -> Outcome:
            before, known = len(web.seen), set((root / "_meta" / "runs").glob("*.json"))
            assert jobs.run_feeds(job, web.outlets, every_feed=True) == 0
            (record,) = set((root / "_meta" / "runs").glob("*.json")) - known
            ((rows,),) = query(root, "SELECT count(*) FROM {articles}")
            return Outcome(Run.model_validate_json(record.read_text("utf-8")), web.seen[before:], int(str(rows)))

        first, again = run(), run()
        web.advance()
        yield Week(root, first, again, run())


def test_every_story_that_can_be_read_becomes_one_row(week: Week) -> None:
    counts = week.first.run.counts
    assert (counts.entries, counts.articles, week.first.rows) == (42, 39, 39)
    assert counts.skips == {"fresh.duplicate_entry": 1}
    assert counts.rejects == {"fetch.not_found": 1, "fetch.robots_disallowed": 1}


def test_a_run_right_after_asks_conditionally_and_adds_no_row(week: Week) -> None:
    assert week.again.rows == week.first.rows
    asked = [request for request in week.again.seen if not request.url.endswith("/robots.txt")]
    assert len(asked) == 8  # the feeds; the ninth is closed, and pages are not asked for again
    assert all(request.conditional and request.status == 304 for request in asked)


def test_a_correction_becomes_the_next_version(week: Week) -> None:
    assert week.corrected.rows == week.first.rows + 1
    versions = query(
        week.root, "SELECT version, change_ratio > 0 FROM {articles} WHERE title LIKE 'Bomb at Deir%' ORDER BY ALL"
    )
    assert versions == [(1, None), (2, True)]


def test_copies_of_a_wire_story_form_one_cluster(week: Week) -> None:
    clusters = query(
        week.root,
        "SELECT list(outlet ORDER BY outlet) FROM {articles} WHERE version = 1 GROUP BY cluster_id HAVING count(*) > 1",
    )
    assert clusters == [(["harbour-ledger", "meridian-brief", "two-rivers"],)]


def test_each_outlet_writes_in_its_language(week: Week) -> None:
    found = query(week.root, "SELECT outlet, list(DISTINCT language) FROM {articles} GROUP BY ALL ORDER BY ALL")
    assert dict(found) == {
        "harbour-ledger": ["en"],
        "karaneh": ["fa"],
        "kuzey-hatti": ["tr"],
        "matzpen": ["he"],
        "meridian-brief": ["en"],
        "payami-chya": ["ckb"],
        "riwaq-press": ["ar"],
        "two-rivers": ["en"],
    }


def test_no_leaked_code_language_picker_or_comment_form_is_left_in_a_text(week: Week) -> None:
    marks = ["getElementById", "اختر اللغة", "Dil seçin", "انتخاب زبان", "Leave a Reply", "لێدوانێک بنووسە"]
    condition = " OR ".join(f"contains(text, '{mark}')" for mark in marks)
    assert query(week.root, f"SELECT outlet, title FROM {{articles}} WHERE {condition}") == []


def test_an_actor_has_one_id_in_every_script(week: Week) -> None:
    found = query(
        week.root,
        "SELECT DISTINCT language FROM (SELECT language, unnest(document_entities).id AS id FROM {articles})"
        " WHERE id = 'kataib-hezbollah' ORDER BY ALL",
    )
    assert {language for (language,) in found} >= {"ar", "en", "fa"}
