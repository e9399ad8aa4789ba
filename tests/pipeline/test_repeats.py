"""An outlet's lines are learned by one run and taken out by the next ones, the same in each."""

from pathlib import Path

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from pipelines.sources import text_article
from schemas.records import Article, Entry, Origin
from schemas.settings_files import load_settings
from transforms.dedup.signature import sign
from transforms.repeats import DropRepeats
from transforms.state import Delta, Store

SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml")
APPEAL = "Help us to go on: become a friend of the Courier."


def article(number: int) -> Article:
    origin = Origin("courier", "backfill", "", f"file:///{number}", Timestamp(0), None)
    entry = Entry(origin, f"file:///{number}", "", "", "", [], [], None, None, None, None, 0)
    news = [f"Lock {number} of the canal reopened on Tuesday, and {n} barges went through it." for n in range(6)]
    return text_article(entry, "\n\n".join([*news, APPEAL]))


def test_a_line_of_three_stories_is_taken_out_of_the_next_and_out_of_a_rerun(tmp_path: Path) -> None:
    clean = [article(n).text.removesuffix(f"\n\n{APPEAL}") for n in range(5)]
    with Store(tmp_path / "state.sqlite") as store:
        for run, (numbers, expected) in enumerate(
            [((0, 1, 2), [article(n).text for n in range(3)]), ((3, 4), clean[3:]), ((0, 3, 4), [clean[0], *clean[3:]])]
        ):
            with TestPipeline(runner="FnApiRunner") as root:
                kept = root | beam.Create([article(n) for n in numbers]) | DropRepeats(store, 100)
                assert kept.element_type is Article
                assert_that(kept | beam.Map(lambda article: article.text), equal_to(expected))
            store.apply(f"run {run}", Delta(signatures=[sign(article(n), SETTINGS.dedup) for n in numbers]))
