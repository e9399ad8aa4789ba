from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.docs import outlets_page, schema_page
from schemas.parquet import ARTICLES
from schemas.settings import Outlet
from schemas.settings_files import load_outlets

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "page"),
    [
        pytest.param("schema.md", schema_page, id="schema"),
        pytest.param(
            "outlets.md", lambda: outlets_page(load_outlets(CHECKOUT / "config" / "outlets.toml")), id="outlets"
        ),
    ],
)
def test_a_generated_page_is_what_its_source_says(name: str, page: Callable[[], str]) -> None:
    written = (CHECKOUT / "docs" / name).read_text("utf-8")
    assert written == page(), f"docs/{name} is stale: run `python -m pipelines.docs`"


def test_every_column_and_nested_field_has_its_row() -> None:
    page = schema_page()
    assert all(f"| `{column.name}` |" in page for column in ARTICLES)
    assert "| `entities.surface` | string |  |" in page
    assert "| `captions.credit` | string | yes |" in page
    assert "| `document_entities.parents` | list of string |" in page


def test_an_unconfirmed_feed_is_marked_and_a_bar_in_a_name_stays_in_its_cell() -> None:
    sure, unsure = "https://a.example/rss", "https://a.example/war"
    outlet = Outlet(
        slug="a",
        name="A | B",
        country="IQ",
        language="ar",
        home="https://a.example/",
        feeds=(sure, unsure),
        unconfirmed=(unsure,),
    )
    assert f"| `a` | A \\| B | IQ | ar | {sure}<br>{unsure} (?) |" in outlets_page([outlet])
