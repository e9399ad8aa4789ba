"""An outlet's profile goes before the general ways, and says where it no longer matches."""

from datetime import datetime

import pytest

from schemas.settings import ExtractSettings, Profile
from transforms.extract import Extracted, extract

SETTINGS = ExtractSettings(min_chars=250, max_seconds=10, max_depth=512)
TEXT = [
    "The harbour of Vellin reopened on Wednesday after engineers cleared the wreck of a cargo ship, officials said.",
    "Two tugs had worked for nine days to move the vessel, which ran aground in a storm on 20 April with 14 aboard.",
    "Short line",
    "Ferries to the outer islands will sail again from Thursday, at first twice a day, the authority added.",
]
PAGE = f"""<html><head><title>Courier</title><meta property="og:title" content="Courier of the day"></head><body>
<h1>Vellin Courier, since 1884</h1><div class="kicker-line">Harbour of Vellin reopens</div>
<div class="who">By Ilka Brandt and Tom Reyes</div><span class="when" data-x="1">2024-05-01T10:30:00+02:00</span>
<div class="related story-slice"><p>{TEXT[0]}</p><p class="plug">Read our long report on the harbour and all its storms.</p></div>
<div class="related story-slice"><p>{TEXT[1]}</p><p>{TEXT[2]}</p><figure><figcaption>Tugs at the quay.</figcaption></figure>
<p>{TEXT[3]}</p></div><div><p>{"Another article altogether, told at length for whoever comes by and reads on. " * 9}</p></div>
</body></html>"""
PROFILE = Profile(body=".story-slice", title=".kicker-line", authors=".who", date=".when", drop=("p.plug",))


def read(profile: Profile, page: str = PAGE) -> Extracted:
    return extract(page.encode(), "https://news.example.org/a", settings=SETTINGS, profile=profile)


def test_a_profile_gives_body_title_authors_and_date() -> None:
    found = read(PROFILE)
    assert found.text.split("\n\n") == TEXT
    assert (found.title, found.authors, found.method) == (
        "Harbour of Vellin reopens",
        ["Ilka Brandt", "Tom Reyes"],
        "profile",
    )
    assert (found.published_at, found.published_at_source) == (
        datetime.fromisoformat("2024-05-01T10:30:00+02:00"),
        "profile",
    )
    assert [caption.text for caption in found.captions] == ["Tugs at the quay."]
    assert list(found.warnings) == []


@pytest.mark.parametrize("field", ["body", "title", "authors", "date"])
def test_a_selector_that_matches_nothing_leaves_the_field_to_the_general_way_and_says_so(field: str) -> None:
    stale = PROFILE.model_copy(update={field: ".renamed"})
    found = read(stale)
    assert list(found.warnings) == [f"profile found no {field}"]
    assert len(found.text) > SETTINGS.min_chars


def test_a_body_too_short_for_an_article_counts_as_not_found() -> None:
    found = read(PROFILE.model_copy(update={"body": ".kicker-line"}))
    assert found.method != "profile"
    assert list(found.warnings) == ["profile found no body"]


def test_what_a_profile_drops_may_be_missing_and_is_gone_for_the_general_way_too() -> None:
    found = read(Profile(drop=("p.plug", ".never")))
    assert "long report" not in found.text
    assert list(found.warnings) == []
