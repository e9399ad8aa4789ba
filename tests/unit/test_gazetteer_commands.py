"""`newsbeam gazetteer`: what each command says and writes, on a small gazetteer of an invented country."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.common_words import common_words
from pipelines.gazetteer import gazetteer_app
from pipelines.gazetteer_diff import Text, compare, compare_rows
from pipelines.gazetteer_import import read_items, reconcile
from schemas.errors import ConfigError
from schemas.gazetteer import ALIAS_FIELDS, BLOCKER_FIELDS, ENTITY_FIELDS, IMPORTED, TRIGGER_FIELDS
from schemas.gazetteer_files import load_gazetteer, tiers
from schemas.settings import TagSettings
from transforms.tag import compile_gazetteer

CURATED = Path(__file__).resolve().parents[2] / "config" / "gazetteer" / "curated"
ENTITIES = ["river-guard,armed_group,River Guard,Q901,river-land,,,,,,,", "river-land,state,Riverland,Q900,,,,,,,,"]
ALIASES = [
    "river-guard,River Guard,,name,,curated,,me,2026-01-01",
    "river-land,Riverland,,name,,curated,,me,2026-01-01",
]


def gazetteer(folder: Path, entities: list[str] = ENTITIES, aliases: list[str] = ALIASES) -> Path:
    curated = folder / "curated"
    curated.mkdir(parents=True, exist_ok=True)
    for name, fields, rows in (
        ("entities", ENTITY_FIELDS, entities),
        ("aliases", ALIAS_FIELDS, aliases),
        ("blockers", BLOCKER_FIELDS, []),
        ("triggers", TRIGGER_FIELDS, []),
    ):
        (curated / f"{name}.csv").write_text("\n".join([",".join(fields), *rows, ""]), "utf-8")
    return folder


def item(qid: str, label: str, *others: str, **claims: str) -> str:
    aliases = {"en": [{"language": "en", "value": other} for other in others]}
    stated = {prop: [{"mainsnak": {"datavalue": {"value": {"id": value}}}}] for prop, value in claims.items()}
    labels = {"en": {"language": "en", "value": label}}
    return json.dumps({"id": qid, "labels": labels, "aliases": aliases, "claims": stated})


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(gazetteer_app, list(arguments), env={"COLUMNS": "200"})
    if isinstance(result.exception, ConfigError):
        raise result.exception
    return result.exit_code, result.output


def test_check_tells_every_problem_with_its_line(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path, aliases=[*ALIASES, "nobody,Nobody,,name,,curated,,,", "river-guard,RG,,name,,x,,,"])
    code, said = run("check", "--gazetteer", str(folder))
    assert code == 2
    assert "aliases.csv:4: id: unknown id 'nobody'" in said
    assert "aliases.csv:5: alias: 'RG' is short" in said
    assert "2 problems" in said


def test_a_file_of_other_columns_is_one_problem_and_a_byte_order_mark_is_none(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path)
    entities = folder / "curated" / "entities.csv"
    entities.write_text(entities.read_text("utf-8"), "utf-8-sig")
    assert run("check", "--gazetteer", str(folder))[0] == 0
    entities.write_text(entities.read_text("utf-8-sig").replace(",", ";"), "utf-8")
    code, said = run("check", "--gazetteer", str(folder))
    assert (code, "header" in said, said.strip().endswith("1 problem")) == (2, True, True), said


def test_a_file_in_a_spreadsheets_own_encoding_is_one_problem(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path)
    aliases = folder / "curated" / "aliases.csv"
    aliases.write_text(aliases.read_text("utf-8") + "river-guard,حرس النهر,ar,name,,x,,,\n", "cp1256")
    code, said = run("check", "--gazetteer", str(folder))
    assert code == 2
    assert "aliases.csv: file: is not UTF-8. Save it as CSV UTF-8" in said


@pytest.mark.parametrize("source", ["../x", "Wikidata", "a/b"])
def test_a_source_that_is_no_slug_is_refused(tmp_path: Path, source: str) -> None:
    folder = gazetteer(tmp_path / "g")
    (tmp_path / "list.json").write_text(item("Q1", "Blue Harbour Front"))
    with pytest.raises(ConfigError, match="is no slug"):
        run("import", str(tmp_path / "list.json"), "--source", source, "--type", "place", "--licence", "CC0", "--gazetteer", str(folder))  # fmt: skip
    assert not (folder / "imported").exists()


def test_check_finds_everyday_words_and_takes_a_flag_for_an_answer(tmp_path: Path) -> None:
    def problems(flags: str) -> list[ConfigError]:
        entities = [*ENTITIES, "zulmar,place,Zulmar,,,,,,,,,"]
        folder = gazetteer(tmp_path, entities, [*ALIASES, f"zulmar,تقدم,ar,native,{flags},curated,,,"])
        return common_words(load_gazetteer(*tiers(folder)), folder / "curated")

    assert [(problem.line, problem.field) for problem in problems("")] == [(4, "alias")]
    assert problems("ambiguous") == problems("checked") == []


def test_check_names_imported_names_made_of_everyday_words(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path)
    tier = folder / "imported" / "list"
    tier.mkdir(parents=True)
    (tier / "entities.csv").write_text(f"{','.join(ENTITY_FIELDS)}\nq-1,armed_group,Zulmar Front,,,,,,,,,\n", "utf-8")
    rows = [f"q-1,{name},en,name,no_variants,list,,," for name in ("The New Front", "Zulmar Front")]
    (tier / "aliases.csv").write_text("\n".join([",".join(ALIAS_FIELDS), *rows, ""]), "utf-8")
    code, said = run("check", "--gazetteer", str(folder))
    assert (code, "1 problem" in said) == (2, True)
    assert "list/aliases.csv:2: alias: 'The New Front' is made of everyday words of en" in said


def test_the_curated_files_hold_no_everyday_word_unmarked() -> None:
    assert common_words(load_gazetteer(CURATED), CURATED) == []


def test_search_finds_an_entity_by_any_of_its_names(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path)
    code, said = run("search", "river", "guard", "--gazetteer", str(folder))
    assert (code, "river-guard" in said, "river-land" in said) == (0, True, False)
    assert run("search", "nothing", "--gazetteer", str(folder))[0] == 1


def test_import_adds_names_to_what_is_known_and_new_entities_beside_it(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path)
    file = tmp_path / "list.json"
    lines = [item("Q901", "River Guard", "Guardians of Zulmar"), item("Q7", "Zulmar Front", P17="Q900")]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    options = ["--source", "wikidata", "--type", "armed_group", "--licence", "CC0", "--gazetteer", str(folder)]
    code, said = run("import", str(file), *options)
    assert code == 0
    assert "2 names: 1 items were curated already, 1 are new; 0 in doubt" in said
    loaded = load_gazetteer(*tiers(folder))
    assert loaded.entities["wikidata-q7"].country == "river-land"
    assert [(row.id, row.alias) for row in loaded.aliases if IMPORTED in row.flags] == [
        ("river-guard", "Guardians of Zulmar"),
        ("wikidata-q7", "Zulmar Front"),
    ]
    manifest = json.loads((folder / "imported" / "wikidata" / "manifest.json").read_text("utf-8"))
    assert (manifest["licence"], manifest["aliases"], len(manifest["sha256"])) == ("CC0", 2, 64)
    assert run("import", str(file), *options)[0] == 0, "a second import takes the place of the first"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param([item("Q7", "Zulmar")], "one word", id="one word"),
        pytest.param([item("Q7", "the people")], "everyday words", id="everyday words"),
        pytest.param([item("Q7", "Zulmar Front"), item("Q8", "Zulmar Front")], "name of several items", id="two items"),
        pytest.param([item("Q7", "Riverland", "Zulmar Front")], "shares a name with them", id="name of another type"),
    ],
)
def test_what_is_in_doubt_is_not_imported(tmp_path: Path, lines: list[str], reason: str) -> None:
    file = tmp_path / "list.json"
    file.write_text("\n".join(lines), "utf-8")
    loaded = load_gazetteer(*tiers(gazetteer(tmp_path)))
    imported = reconcile(list(read_items(file)), "armed_group", "wikidata", loaded)
    assert (imported.entities, imported.aliases) == ([], [])
    assert {row["reason"] for row in imported.review} == {reason}


@pytest.mark.parametrize("line", ["{}", "no json", '{"id": "7", "labels": {}}', "7"])
def test_a_file_of_another_shape_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "list.json"
    file.write_text(f"{item('Q7', 'Zulmar Front')}\n{line}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        list(read_items(file))
    assert caught.value.line == 2


@pytest.mark.parametrize("name", ["list.json", "list.json.gz"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x1f\x8b\xd6\xff\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_items(tmp_path / name))


def test_an_imported_name_never_beats_a_curated_one(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(item("Q7", "River Guard Friends of Zulmar", "Zulmar River"), "utf-8")
    folder = gazetteer(tmp_path)
    run("import", str(file), "--source", "w", "--type", "political_org", "--licence", "x", "--gazetteer", str(folder))
    compiled = compile_gazetteer(load_gazetteer(*tiers(folder)))
    texts = [Text("u", "", "River Guard Friends of Zulmar met. The Zulmar River party came.", "en")]
    nothing = compile_gazetteer(load_gazetteer(*tiers(gazetteer(tmp_path / "empty", aliases=ALIASES[1:]))))
    found = {change.id: change.gained for change in compare(texts, nothing, compiled, TagSettings(surname_min_chars=4))}
    assert found["river-guard"] == ["[River Guard] Friends of Zulmar met. The Zulmar River"]
    assert list(found) == ["river-guard", "w-q7"]


def test_diff_shows_rows_and_what_they_do_to_articles(tmp_path: Path) -> None:
    before = gazetteer(tmp_path / "before", aliases=ALIASES[1:])
    after = gazetteer(tmp_path / "after")
    code, said = run("diff", str(after), "--gazetteer", str(before))
    assert code == 0
    assert "entities: 0 added, 0 removed, 0 changed" in said
    assert "+ river-guard: River Guard" in said
    old, new = load_gazetteer(*tiers(before)), load_gazetteer(*tiers(after))
    assert compare_rows(old, new)[1].added == ["river-guard: River Guard"]
    texts = [Text("u", "River Guard moves", "It moved in Riverland.", "en"), Text("v", "Rain", "It rained.", "en")]
    changes = compare(texts, compile_gazetteer(old), compile_gazetteer(new), TagSettings(surname_min_chars=4))
    assert [(change.id, change.before, change.after, change.gained) for change in changes] == [
        ("river-guard", 0, 1, ["[River Guard] moves"])
    ]


def test_compile_writes_each_spelling_with_its_entity(tmp_path: Path) -> None:
    folder = gazetteer(tmp_path)
    code, _ = run("compile", str(tmp_path / "out" / "table.parquet"), "--gazetteer", str(folder))
    table = pq.read_table(tmp_path / "out" / "table.parquet")
    rows = {row["spelling"]: (row["id"], row["method"]) for row in table.to_pylist()}
    assert code == 0
    assert rows == {
        "river guard": ("river-guard", "alias"),
        "riverguard": ("river-guard", "variant"),
        "riverland": ("river-land", "alias"),
    }
    version = load_gazetteer(*tiers(folder)).version
    assert table.schema.metadata == {b"gazetteer_version": version.encode()}
