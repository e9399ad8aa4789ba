"""The outlets that ship with newsbeam."""

from collections import Counter
from pathlib import Path

import pytest

from schemas.settings import Outlet
from schemas.settings_files import load_outlets

OUTLETS = load_outlets(Path(__file__).parents[2] / "config" / "outlets.toml")


def test_enough_of_them_ship() -> None:
    assert len(OUTLETS) >= 90


@pytest.mark.parametrize("language", ["en", "ar", "fa", "he", "tr", "ku", "ckb", "fr", "de", "ru"])
def test_each_of_our_languages_has_outlets(language: str) -> None:
    assert Counter(outlet.language for outlet in OUTLETS)[language] >= 3


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.slug)
def test_each_says_where_its_addresses_were_found(outlet: Outlet) -> None:
    assert outlet.note
