"""Stamps and the article's own dates: which of them the scrubber takes."""

from pathlib import Path

import pytest

from transforms.scrub import load_rules, scrub

RULES = load_rules(Path(__file__).parents[2] / "config" / "scrub")

FIRST = "How the siege of the harbour unfolded, hour by hour, in the words of those who were there on the day."
SECOND = (
    "The ships left the old basin at dawn, and the people on the northern pier waved until nothing was left to see."
)
THIRD = "The siege ended after nine days, with the loss of eleven ships and forty men, the navy said."
FOURTH = "Nobody had slept that night, and the bells of the market church rang until the ropes tore at noon."
BODY = [FIRST, SECOND, THIRD]
CLEAN = "\n\n".join(BODY)

OWN_DATES = {
    "events": ("en", "March 12, 2026: First shells\nMarch 14, 2026: Ships leave"),
    "one event": ("en", "12 March 2026: The ships leave."),
    "behind a dash": ("en", "14 March 2026 – The ships leave."),
    "fixtures": (
        "en",
        "Saturday, 14 November 2026: Harwick v Northport, 15:00\nSunday, 15 November 2026: Dunmore v Leith, 15:00",
    ),
    "before the date": ("en", "The first: 31 January 2026"),
    "subheadings": ("en", "12 March 2026\nThe first shells fall.\n14 March 2026\nThe ships leave."),
    "a subheading": ("en", f"12 March 2026\n{FOURTH}"),
    "a name": ("en", f"By Jane Doe\n{FOURTH}"),
    "a stamp's word in an event": ("en", "12 March 2026: The will is read."),
    "German": ("de", "12. März 2026: Eröffnung\n14. März 2026: Abschied"),
    "German sentence": ("de", "12.3.2026: Der Markt wird eröffnet."),
    "Russian": ("ru", "12 марта 2026: падают первые снаряды."),
    "Ukrainian": ("uk", "12 березня 2026: падають перші снаряди."),
    "Arabic": ("ar", "12 آذار 2026: سقطت أولى القذائف."),
    "Hebrew": ("he", "12 במרץ 2026: הפגזים הראשונים"),
    "Turkish": ("tr", "12 Mart 2026: İlk mermiler düştü."),
    "Italian": ("it", "12 marzo 2026: cadono le prime granate."),
    "French": ("fr", "12 mars 2026 : les premiers obus tombent."),
    "Spanish": ("es", "12 de marzo de 2026: caen las primeras bombas."),
}


@pytest.mark.parametrize(("language", "lines"), OWN_DATES.values(), ids=OWN_DATES.keys())
@pytest.mark.parametrize("above", [[FIRST], [FIRST, "How it unfolded"], [FIRST, SECOND]], ids=["one", "label", "two"])
def test_dates_between_paragraphs_are_the_articles(language: str, lines: str, above: list[str]) -> None:
    text = "\n\n".join([*above, *lines.split("\n"), THIRD])
    clean = scrub(text, language, RULES)
    assert (clean.text, clean.outlet, clean.published_at) == (text, "", None)


DAYS = [f"{day} March 2026: {event}" for day, event in ((12, "First shells"), (13, "No shells"), (14, "Ships leave"))]


@pytest.mark.parametrize(
    "lines",
    [
        [*BODY, *DAYS],
        [*DAYS, *BODY],
        ["The siege, day by day.", "12 March 2026", "The shells fall.", "14 March 2026", "The ships leave.", *BODY],
    ],
    ids=["below", "above", "short paragraphs"],
)
def test_a_timeline_may_begin_or_end_a_text(lines: list[str]) -> None:
    clean = scrub("\n\n".join(lines), "en", RULES)
    assert (clean.text, clean.outlet, clean.published_at) == ("\n\n".join(lines), "", None)


STAMPED = {
    "above": ["12 March 2026", *BODY],
    "a site's day, too": ["Monday, 16 March 2026", "12 March 2026", *BODY],
    "below": [*BODY, "12 March 2026"],
    "below the summary, with a word": [FIRST, "Published: 12 March 2026", "Updated: 14 March 2026", SECOND, THIRD],
    "below the summary, with a byline": [FIRST, "By Jane Doe", "12 March 2026", SECOND, THIRD],
    "below the summary, behind a byline": [FIRST, "By Jane Doe, 12 March 2026", SECOND, THIRD],
    "below the summary, beside a byline": [FIRST, "By Jane Doe | 12 March 2026", SECOND, THIRD],
    "beside furniture": [FIRST, SECOND, "Share this article on Facebook", "12 March 2026", THIRD],
}


@pytest.mark.parametrize("lines", STAMPED.values(), ids=STAMPED.keys())
def test_a_date_at_the_head_or_foot_or_beside_furniture_is_a_stamp(lines: list[str]) -> None:
    clean = scrub("\n\n".join(lines), "en", RULES)
    assert (clean.text, clean.outlet) == (CLEAN, "")
    assert clean.published_at in ("2026-03-12", "2026-03-16")


def test_a_stamp_above_a_text_stays_one_where_dates_are_its_subheadings() -> None:
    lines = [FIRST, "12 March 2026", SECOND, "14 March 2026", THIRD]
    clean = scrub("\n\n".join(["Published: 24 November 2026", *lines]), "en", RULES)
    assert (clean.text, clean.published_at) == ("\n\n".join(lines), "2026-11-24")
