"""A configuration that cannot work is refused at launch, with file, line, field and remedy."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.settings_files import load_outlets, load_settings, read_outlets, read_settings

ROOT = Path(__file__).parents[2]
DEFAULTS = ROOT / "config" / "defaults.toml"
OUTLET = """\
[al-wadi]
name = "Al Wadi"
country = "JO"
language = "ar"
home = "https://wadi.example/"
feeds = ["https://wadi.example/rss"]
"""


def test_the_shipped_configuration_is_accepted() -> None:
    assert load_settings(DEFAULTS).http.gap_s > 0


def test_the_contact_is_part_of_the_user_agent() -> None:
    http = load_settings(DEFAULTS).http
    assert http.contact in http.agent
    assert "{" not in http.agent


def test_an_override_replaces_single_keys(tmp_path: Path) -> None:
    override = tmp_path / "mine.toml"
    override.write_text("[http]\ngap_s = 9.5\n")
    settings = load_settings(DEFAULTS, override)
    assert settings.http.gap_s == 9.5
    assert settings.http.max_tries == load_settings(DEFAULTS).http.max_tries


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        pytest.param("[http]\ngap = 1\n", 2, "http.gap", ["unknown key", "gap_s"], id="unknown-key"),
        pytest.param("[htpt]\ngap_s = 1\n", 1, "htpt", ["unknown table", "[http]"], id="unknown-table"),
        pytest.param("gap_s = 1\n", 1, "gap_s", ["not inside a [table]"], id="key-outside-a-table"),
        pytest.param("[http]\n\ngap_s = -1\n", 3, "http.gap_s", ["must be at least 0, not -1"], id="negative"),
        pytest.param('[http]\ngap_s = "fast"\n', 2, "http.gap_s", ['must be a number, not "fast"'], id="not-a-number"),
        pytest.param("[http]\ngap_s = nan\n", 2, "http.gap_s", ["must be a finite number"], id="nan"),
        pytest.param(
            "[http]\ndeadline_s = true\n", 2, "http.deadline_s", ["must be a number, not true"], id="a-switch"
        ),
        pytest.param('[http]\ncontact = ""\n', 2, "http.contact", ["plain ASCII, and not empty"], id="no-contact"),
        pytest.param("[http]\nmax_tries = 1.5\n", 2, "http.max_tries", ["must be a whole number"], id="not-whole"),
        pytest.param(
            "[http]\nallow_networks = 1\n", 2, "http.allow_networks", ["must be a list, in [ ]"], id="no-list"
        ),
        pytest.param(
            '[http]\nallow_networks = ["10.0.0.0/40"]\n',
            2,
            "http.allow_networks",
            ["CIDR", "10.0.0.0/40"],
            id="bad-network",
        ),
        pytest.param("[http]\ngap_s = \n", 2, "syntax", ["not TOML"], id="syntax"),
    ],
)
def test_a_bad_override_is_refused(tmp_path: Path, text: str, line: int, field: str, words: list[str]) -> None:
    override = tmp_path / "mine.toml"
    override.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(DEFAULTS, override)
    error = caught.value
    assert (error.file, error.line) == (str(override), line)
    assert error.field.startswith(field)
    assert all(word in str(error) for word in words), str(error)
    assert error.remedy


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        pytest.param(OUTLET + "colour = 1\n", 7, "al-wadi.colour", ["unknown key", "country"], id="unknown-key"),
        pytest.param(OUTLET.replace("al-wadi", "Al_Wadi"), 1, "Al_Wadi", ["bad slug", "a-z"], id="bad-slug"),
        pytest.param(OUTLET.replace("al-wadi", "1843"), 1, "1843", ["bad slug"], id="numeric-slug"),
        pytest.param(OUTLET.replace('"JO"', '"Jordan"'), 3, "al-wadi.country", ["Jordan"], id="bad-country"),
        pytest.param(OUTLET.replace('"JO"', '"XQ"'), 3, "al-wadi.country", ["such as IQ"], id="no-country"),
        pytest.param(OUTLET.replace('"ar"', '"arabic"'), 4, "al-wadi.language", ["such as en"], id="no-code"),
        pytest.param(OUTLET.replace("/rss", "/rss feed"), 6, "al-wadi.feeds", ["no spaces"], id="space-in-a-feed"),
        pytest.param(OUTLET + 'full_content = "yes"\n', 7, "al-wadi.full_content", ["true or false"], id="no-switch"),
        pytest.param(
            OUTLET.replace("https://wadi.example/rss", "ftp://wadi.example/rss"),
            6,
            "al-wadi.feeds",
            ["http or https"],
            id="bad-feed",
        ),
        pytest.param(OUTLET.replace('name = "Al Wadi"\n', ""), 1, "al-wadi.name", ["is missing"], id="missing-name"),
        pytest.param(
            OUTLET + OUTLET.replace("al-wadi", "wadi-two"),
            12,
            "wadi-two.https://wadi.example/rss",
            ["duplicate feed", "[al-wadi]"],
            id="duplicate-feed",
        ),
        pytest.param("", None, "outlets", ["declares none"], id="empty"),
        pytest.param("al-wadi = 3\n", 1, "al-wadi", ["not a table"], id="not-a-table"),
    ],
)
def test_a_bad_outlets_file_is_refused(
    tmp_path: Path, text: str, line: int | None, field: str, words: list[str]
) -> None:
    path = tmp_path / "outlets.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_outlets(path)
    error = caught.value
    assert (error.file, error.line) == (str(path), line)
    assert error.field.startswith(field)
    assert all(word in str(error) for word in words), str(error)
    assert error.remedy


def test_all_that_is_wrong_with_the_files_is_listed(tmp_path: Path) -> None:
    override, outlets = tmp_path / "mine.toml", tmp_path / "outlets.toml"
    override.write_text('[http]\ngap_s = -1\ncontact = ""\n[htpt]\ngap_s = 1\n')
    outlets.write_text(OUTLET.replace('"JO"', '"XQ"') + "colour = 1\n" + OUTLET.replace("al-wadi", "Al_Wadi"))
    settings, problems = read_settings(DEFAULTS, override)
    assert settings is None
    assert [(problem.field, problem.line) for problem in problems] == [
        ("htpt", 4),
        ("http.contact", 3),
        ("http.gap_s", 2),
    ]
    sound, problems = read_outlets(outlets)
    assert sound == ()
    assert [problem.field for problem in problems] == ["al-wadi.colour", "al-wadi.country", "Al_Wadi"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Give the path"):
        load_outlets(tmp_path / "none.toml")
