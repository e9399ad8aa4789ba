"""Lines at the ends of a text that its outlet repeats are taken out; nothing else is."""

from pathlib import Path

import pytest
from apache_beam.utils.timestamp import Timestamp

from pipelines.sources import text_article
from schemas.records import Article, Entry, Origin, Removal
from schemas.settings_files import load_settings
from transforms.dedup.footer import feet
from transforms.dedup.signature import sign
from transforms.identity import content_hash
from transforms.repeats import FOOT_LINES, MAX_CHARS, RULE, line_keys, without_repeats

NEWS = [
    f"Part {n} of the canal reopened on Tuesday, the port's master said in a letter to the council." for n in range(4)
]
PARAGRAPH = "What the council knows of the canal it has said before. " * (MAX_CHARS // 50)
SLOGAN, APPEAL = "News for the whole delta", "Help us to go on: become a friend of the Courier."


def article(*lines: str, outlet: str = "courier", title: str = "Canal reopens") -> Article:
    origin = Origin(outlet, "backfill", "a", "file:///a", Timestamp(0), None)
    entry = Entry(origin, "file:///a", "", "", "", [], [], None, None, None, None, 0)
    return text_article(entry, "\n\n".join(lines))._replace(title=title, removals=[])


def keys(*lines: str) -> set[int]:
    return set(line_keys(article(*lines, title="")))


def test_lines_that_repeat_are_taken_from_both_ends_and_told() -> None:
    given = article(SLOGAN, *NEWS, APPEAL, "Share")
    found = without_repeats(given, keys(SLOGAN, APPEAL.upper(), "Share"), 100)
    assert found.text.split("\n\n") == NEWS
    assert found.content_hash == content_hash(found.text)
    assert found.removals == [Removal(RULE, line) for line in (SLOGAN, APPEAL, "Share")]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([*NEWS, APPEAL, "Our own correspondent."], id="behind another line"),
        pytest.param([*NEWS[:2], APPEAL, *NEWS[2:]], id="within the text"),
        pytest.param([*NEWS, "Canal reopens"], id="the title"),
        pytest.param([*NEWS, PARAGRAPH], id="a paragraph"),
        pytest.param([NEWS[0], APPEAL], id="most of the text"),
    ],
)
def test_a_line_stays(lines: list[str]) -> None:
    given = article(*lines)
    assert without_repeats(given, keys(APPEAL, "Canal reopens", PARAGRAPH), 100) == given


def test_a_line_is_its_outlets_alone() -> None:
    given = article(*NEWS, APPEAL, outlet="herald")
    assert without_repeats(given, keys(APPEAL), 100) == given


def test_a_line_that_was_taken_out_counts_on() -> None:
    given = article(*NEWS, APPEAL)
    found = without_repeats(given, keys(APPEAL), 100)
    assert found.text != given.text
    assert keys(APPEAL) <= set(line_keys(found))
    assert without_repeats(found, keys(APPEAL), 100) == found


def test_each_line_at_the_foot_that_dedup_looks_at_is_stored_for_later_runs() -> None:
    settings = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").dedup
    given = article(*(f"{n} is the number of a line in a long footer of the Courier" for n in range(30)))
    looked_at = {key for key, _ in feet(sign(given, settings), given.text, settings)}
    assert len(looked_at) == FOOT_LINES
    assert looked_at <= set(line_keys(given))
