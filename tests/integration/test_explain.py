"""`explain`, over real files and real rules, as its reader sees it on a narrow terminal."""

import io
from pathlib import Path

import pytest
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console

from pipelines.explain import explain
from pipelines.jobs import Tables, load_tables
from pipelines.sources import text_article
from schemas.errors import ConfigError, DatasetError
from schemas.records import Entry, LinkState, Origin
from schemas.settings_files import load_settings
from transforms.dedup.signature import sign
from transforms.state import Delta, Store, to_scalars
from transforms.write import Dataset

CONFIG = Path(__file__).parents[2] / "config"
SETTINGS = load_settings(CONFIG / "defaults.toml")
SENTENCE = (
    "Fighters of Kataib Hezbollah, part of the Popular Mobilization Forces, fired rockets at base {} in the night."
)
PAGE = f"""<html><head><title>Rockets hit base in Anbar</title><meta name="author" content="Salma Haddad"></head>
<body><article><h1>Rockets hit base in Anbar</h1>{"".join(f"<p>{SENTENCE.format(n)}</p>" for n in range(5))}</article></body></html>"""


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables(CONFIG)


def told(target: Path, tables: Tables, root: Path | None = None) -> tuple[int, str]:
    console = Console(width=80, file=io.StringIO(), record=True)
    return explain(str(target), Dataset(str(root)) if root else None, SETTINGS, tables, console), console.export_text()


def test_a_page_is_shown_with_its_authors_and_unfolded_ids_addresses_and_text(tables: Tables, tmp_path: Path) -> None:
    page = tmp_path / f"{'long-name-' * 12}.html"
    page.write_text(PAGE, "utf-8")
    code, text = told(page, tables)
    assert code == 0
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    assert ["authors", "Salma Haddad"] in [[name, rest[0]] for name, *rest in filter(None, lines) if rest]
    assert str(page) in text
    assert any("kataib-hezbollah" in line and "popular-mobilization-forces, iran" in line for line in text.splitlines())
    events = [line.split() for line in text.splitlines() if line.lstrip().startswith("fired rockets")]
    assert events[0][2:] == ["attack", "kataib-hezbollah,", "popular-mobilization-forces,", "rocket"]
    assert SENTENCE.format(3) in text


def test_a_refused_file_is_looked_up_by_its_own_link(tables: Tables, tmp_path: Path) -> None:
    short, root = tmp_path / "two words.txt", tmp_path / "data"
    short.write_text("Too little to be an article.")
    (root / "_meta").mkdir(parents=True)
    at = Timestamp(1_773_000_000)
    link = LinkState(short.as_uri(), "desk", at, "reject", "too_short", None, 2, False, None, None, at)
    Store(Dataset(str(root)).state).apply("c1", Delta(links=[to_scalars(link)]))
    code, text = told(short, tables, root)
    assert code == 1
    assert "reject: too_short" in text
    assert "ended as reject too_short; 2 failed tries" in text


def test_what_is_no_dataset_is_refused(tables: Tables, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE, "utf-8")
    for root in (page, tmp_path / "nowhere"):
        with pytest.raises(DatasetError, match="is no dataset"):
            told(page, tables, root)


def test_a_line_that_the_outlet_repeats_is_shown_as_taken_out(tables: Tables, tmp_path: Path) -> None:
    root, page, slogan = tmp_path / "data", tmp_path / "page.html", "Read the Desk first, every morning at six."
    page.write_text(PAGE.replace("</article>", f"<p>{slogan}</p></article>"), "utf-8")
    (root / "_meta").mkdir(parents=True)
    text = "\n\n".join([*(SENTENCE.format(n) for n in range(4)), slogan])
    entry = Entry(Origin("desk", "", "", "x", None, None), "x", "", "", "", [], [], None, None, None, None, 0)
    articles = [text_article(entry, text)._replace(article_id=f"a{n}") for n in range(3)]
    signatures = [sign(article, SETTINGS.dedup) for article in articles]
    Store(Dataset(str(root)).state).apply("c1", Delta(signatures=signatures))
    console = Console(width=80, file=io.StringIO(), record=True)
    assert explain(str(page), Dataset(str(root)), SETTINGS, tables, console, outlet="desk") == 0
    shown = console.export_text()
    assert f"- repeated_line       {slogan}" in shown
    assert shown.count(slogan) == 1


@pytest.mark.parametrize("name", ["folder", "folder/*.txt", "archive.warc.gz"])
def test_more_than_one_article_is_refused_with_what_to_do(tables: Tables, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    for number in range(2):
        (tmp_path / "folder" / f"{number}.txt").write_text(SENTENCE * 4)
    (tmp_path / "archive.warc.gz").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"more than one article\. Give"):
        told(tmp_path / name, tables)
