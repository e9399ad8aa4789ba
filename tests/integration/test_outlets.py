"""`newsbeam outlets` against a real server on loopback."""

from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner, Result

import pipelines.outlets as outlets_module
from pipelines.outlets import outlets_app
from schemas.errors import ConfigError
from schemas.settings_files import load_outlets

HOME = b'<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head><body>News</body></html>'


def feed(*numbers: int) -> bytes:
    items = "".join(f"<item><title>Story {n}</title><link>/story/{n}</link></item>" for n in numbers)
    return f"<rss><channel><title>Harbour Post</title><language>en-gb</language>{items}</channel></rss>".encode()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text('[http]\nallow_networks = ["127.0.0.0/8"]\ngap_s = 0.0\nbackoff_s = 0.0\nmax_tries = 1\n', "utf-8")
    return file


def newsbeam(*args: object) -> Result:
    return CliRunner().invoke(outlets_app, [str(arg) for arg in args])


def test_a_declared_feed_is_found_and_written(web: Any, http: Any, settings: Path, tmp_path: Path) -> None:
    web.answers.update({"/": http.says(http.http(200, HOME)), "/rss": http.says(http.http(200, feed(1, 2)))})
    file = tmp_path / "outlets.toml"
    result = newsbeam("add", web.url("/"), "--outlets", file, "--settings", settings, "--slug", "harbour", "--yes")
    assert result.exit_code == 0, result.output
    assert "Story 1" in result.output
    (outlet,) = load_outlets(file)
    assert (outlet.slug, outlet.name, outlet.country, outlet.language) == ("harbour", "Harbour Post", "GB", "en")
    assert outlet.feeds == (web.url("/rss"),)


def test_the_page_tells_its_language_where_the_feed_does_not_and_the_rest_is_named(
    web: Any, http: Any, settings: Path, tmp_path: Path
) -> None:
    home, silent = HOME.replace(b"<html>", b'<html lang="ar">'), feed(1).replace(b"<language>en-gb</language>", b"")
    web.answers.update({"/": http.says(http.http(200, home)), "/rss": http.says(http.http(200, silent))})
    file = tmp_path / "outlets.toml"
    options = ("--outlets", file, "--settings", settings, "--slug", "post", "--yes")
    refused = newsbeam("add", web.url("/"), *options, "--country", "XQ")
    assert isinstance(refused.exception, ConfigError)
    assert "--country: must be a country's two letters" in str(refused.exception)
    result = newsbeam("add", web.url("/"), *options)
    assert f"set country of [post] in {file}" in result.output
    assert [(outlet.country, outlet.language) for outlet in load_outlets(file)] == [("ZZ", "ar")]


def test_usual_places_and_news_sitemaps_are_tried_where_the_page_names_none(
    web: Any, http: Any, settings: Path, tmp_path: Path
) -> None:
    sitemap = b"<urlset><url><loc>http://n.example/story/9</loc></url></urlset>"
    web.answers.update(
        {
            "/": http.says(http.http(200, b"<html><body>News</body></html>")),
            "/robots.txt": http.says(http.http(200, b"Sitemap: /map/news.xml\nSitemap: /map/all.xml")),
            "/map/news.xml": http.says(http.http(200, sitemap)),
            "/rss.xml": http.says(http.http(200, feed(1))),
            "/feed/": http.says(http.http(200, feed(1))),
        }
    )
    file = tmp_path / "outlets.toml"
    result = newsbeam("add", web.url("/"), "--outlets", file, "--settings", settings, "--country", "LB", "--yes")
    assert result.exit_code == 0, result.output
    assert load_outlets(file)[0].feeds == (web.url("/map/news.xml"), web.url("/feed/"))  # the same feed twice is one


def test_a_feed_that_is_listed_is_not_added_again(web: Any, http: Any, settings: Path, tmp_path: Path) -> None:
    web.answers["/rss"] = http.says(http.http(200, feed(1)))
    file = tmp_path / "outlets.toml"
    options = ("--outlets", file, "--settings", settings, "--slug", "a", "--yes")
    assert newsbeam("add", web.url("/rss"), *options).exit_code == 0
    before = file.read_text("utf-8")
    assert newsbeam("add", web.url("/rss"), *options).exit_code == 1
    assert file.read_text("utf-8") == before


def test_nothing_is_written_where_no_feed_is_found(web: Any, settings: Path, tmp_path: Path) -> None:
    file = tmp_path / "outlets.toml"
    assert newsbeam("add", web.url("/"), "--outlets", file, "--settings", settings, "--yes").exit_code == 1
    assert not file.exists()


def test_check_tells_working_feeds_from_broken_ones(web: Any, http: Any, settings: Path, tmp_path: Path) -> None:
    web.answers["/rss"] = http.says(http.http(200, feed(1)))
    web.answers["/moved"] = http.says(http.http(302, b"", f"Location: {web.url('/rss', '127.0.0.2')}"))
    file = tmp_path / "outlets.toml"
    feeds = [web.url(path) for path in ("/rss", "/moved", "/missing")]
    file.write_text(
        f'[a]\nname = "A"\ncountry = "IQ"\nlanguage = "ar"\nhome = "{web.url("/")}"\nfeeds = {feeds!r}\n', "utf-8"
    )
    result = newsbeam("check", "--outlets", file, "--settings", settings)
    assert result.exit_code == 1, result.output
    assert "2 of 3 feeds work" in result.output


def test_check_refuses_an_outlet_that_is_not_listed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(outlets_app, ["check", "--only", "nobody"], catch_exceptions=False)
    assert "no outlet nobody" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_table_that_cannot_be_written_leaves_the_file_as_it_was(
    web: Any, http: Any, settings: Path, tmp_path: Path
) -> None:
    web.answers["/rss"] = http.says(http.http(200, feed(1)))
    file = tmp_path / "outlets.toml"
    options = ("--outlets", file, "--settings", settings, "--yes", "--country", "IQ", "--slug")
    assert newsbeam("add", web.url("/rss"), *options, "post").exit_code == 0
    file.chmod(0o640)
    before = file.read_text("utf-8")
    web.answers["/second"] = http.says(http.http(200, feed(2)))
    assert isinstance(newsbeam("add", web.url("/second"), *options, "Not A Slug").exception, ConfigError)
    assert file.read_text("utf-8") == before
    assert newsbeam("add", web.url("/second"), *options, "post-2").exit_code == 0
    assert len(load_outlets(file)) == 2
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir() if "outlets" in path.name] == ["outlets.toml"]


def test_tables_fit_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(outlets_module, "out", Console(width=80, highlight=False))
    lines = newsbeam("list").output.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert any("https://www.rudaw.net/sorani" in line for line in lines)  # an address is not broken where it fits


def test_opml_goes_out_and_comes_back(tmp_path: Path) -> None:
    exported, file = tmp_path / "all.opml", tmp_path / "outlets.toml"
    assert newsbeam("export-opml", exported).exit_code == 0
    assert newsbeam("import-opml", exported, "--outlets", file, "--yes").exit_code == 0
    shipped = load_outlets(Path(__file__).parents[2] / "config" / "outlets.toml")
    assert {feed for outlet in load_outlets(file) for feed in outlet.feeds} == {
        feed for outlet in shipped for feed in outlet.feeds
    }


def test_list_shows_a_languages_outlets() -> None:
    output = newsbeam("list", "--language", "ckb").output
    assert "rudaw-ckb" in output
    assert "haaretz-he" not in output
