"""Tables of outlets, written and made."""

from pathlib import Path

import pytest

from pipelines.outlet_table import country_of, language_of, outlet_toml, outlets_of, slug_of
from schemas.countries import UNKNOWN
from schemas.settings import Outlet
from schemas.settings_files import load_outlets
from transforms.feeds.opml import ListedFeed

OUTLET = Outlet(
    slug="a-1", name='The "A" \\ أ\t', country="IQ", language="ckb", home="https://a.example/",
    feeds=("https://a.example/rss", "https://a.example/atom"), unconfirmed=("https://a.example/atom",), note="by hand",
)  # fmt: skip


def test_a_table_loads_as_the_outlet_it_was_written_from(tmp_path: Path) -> None:
    file = tmp_path / "outlets.toml"
    file.write_text(outlet_toml(OUTLET), "utf-8")
    assert load_outlets(file) == (OUTLET,)


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://www.aljazeera.net/x", "aljazeera"),
        ("https://arabic.rt.com/", "arabic-rt"),
        ("https://feeds.bbci.co.uk/news", "bbci"),
        ("https://24.ae/", "outlet-24"),
        ("http://127.0.0.1:8000/", "127-0-0-1"),
        ("https://شبكة.com/", "outlet"),
    ],
)  # fmt: skip
def test_a_slug_is_made_of_the_host(url: str, slug: str) -> None:
    assert slug_of(url) == slug


def test_a_taken_slug_gets_a_number() -> None:
    assert slug_of("https://www.aljazeera.net/", ["aljazeera", "aljazeera-2"]) == "aljazeera-3"


@pytest.mark.parametrize(
    ("url", "language", "country"),
    [
        ("https://www.isna.ir/", "fa", "IR"),
        ("https://x.co.uk/", "", "GB"),
        ("https://x.com/", "tr-TR", "TR"),
        ("https://x.tv/", "ar", UNKNOWN),
        ("https://x.su/", "ru-XQ", UNKNOWN),
    ],
)
def test_the_country_is_the_domains_else_the_languages(url: str, language: str, country: str) -> None:
    assert country_of(url, language) == country


@pytest.mark.parametrize(
    ("declared", "code"), [("en-gb", "en"), ("AR_EG", "ar"), ("ckb", "ckb"), ("", "und"), ("english", "und")]
)
def test_the_language_is_its_first_subtag(declared: str, code: str) -> None:
    assert language_of(declared) == code


def test_imported_feeds_become_one_outlet_a_site() -> None:
    listed = [
        ListedFeed("https://a.example/rss", "A", "https://a.example/", "ar"),
        ListedFeed("https://b.iq/rss", "B", "https://b.iq/", "ar"),
        ListedFeed("https://b.iq/world", "B world", "https://b.iq/", "ar"),
        ListedFeed("https://feeds.c.com/x", "", "", ""),
    ]
    made = outlets_of(listed, [OUTLET])
    assert [(outlet.slug, outlet.name, outlet.country, outlet.language, outlet.feeds) for outlet in made] == [
        ("b", "B", "IQ", "ar", ("https://b.iq/rss", "https://b.iq/world")),
        ("c", "c", UNKNOWN, "und", ("https://feeds.c.com/x",)),
    ]
