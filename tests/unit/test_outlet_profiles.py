"""Each outlet with a profile has a saved page on which all of its selectors find something."""

from pathlib import Path

import pytest

from schemas.settings import ExtractSettings, Outlet, Profile
from schemas.settings_files import load_outlets
from transforms.extract import extract

CHECKOUT = Path(__file__).parents[2]
PAGES = CHECKOUT / "tests" / "data" / "profiles"
SETTINGS = ExtractSettings(min_chars=250, max_seconds=10, max_depth=512)
PROFILED = [
    outlet
    for file in (CHECKOUT / "config" / "outlets.toml", PAGES / "outlets.toml")
    for outlet in load_outlets(file)
    if outlet.profile != Profile()
]


@pytest.mark.parametrize("outlet", PROFILED, ids=lambda outlet: outlet.slug)
def test_a_profile_finds_on_its_saved_page_all_that_it_names(outlet: Outlet) -> None:
    page = (PAGES / f"{outlet.slug}.html").read_bytes()
    found = extract(page, outlet.home + "saved", settings=SETTINGS, profile=outlet.profile)
    assert not [warning for warning in found.warnings if warning.startswith("profile ")]
    assert found.method == ("profile" if outlet.profile.body else found.method)
    assert len(found.text) >= SETTINGS.min_chars
