"""The gazetteer's files: what is refused, with line and remedy, and what the graph says."""

import csv
import re
from pathlib import Path

import pytest
from babel import Locale

from schemas.errors import ConfigError
from schemas.gazetteer import ALIAS_FIELDS, BLOCKER_FIELDS, ENTITY_FIELDS, IMPORTED, TRIGGER_FIELDS, Gazetteer
from schemas.gazetteer_files import load_gazetteer, read_gazetteer

CURATED = Path(__file__).resolve().parents[2] / "config" / "gazetteer" / "curated"
DATA = Path(__file__).resolve().parents[1] / "data"
SCRIPTS = {  # script, by a language of it -> the countries where it is written
    "ar": "iraq syria lebanon yemen palestine jordan egypt saudi-arabia uae qatar bahrain kuwait oman libya sudan algeria "
    "tunisia morocco mauritania iran afghanistan pakistan",
    "he": "israel",
    "ru": "russia ukraine belarus",
}
ENTITIES = ["river-land,state,Riverland,,,,,,,,,", "river-guard,armed_group,River Guard,,river-land,,,,,,,"]
ALIASES = [
    "river-land,Riverland,,name,,curated,,me,2026-01-01",
    "river-guard,River Guard,en,name,,curated,,me,2026-01-01",
]
BLOCKERS = ["{place} Times,en,newspaper"]
TRIGGERS = ["attack,ambush,en,"]


def gazetteer(
    folder: Path,
    entities: list[str] = ENTITIES,
    aliases: list[str] = ALIASES,
    blockers: list[str] = BLOCKERS,
    triggers: list[str] = TRIGGERS,
) -> Gazetteer:
    for name, fields, rows in (
        ("entities", ENTITY_FIELDS, entities),
        ("aliases", ALIAS_FIELDS, aliases),
        ("blockers", BLOCKER_FIELDS, blockers),
        ("triggers", TRIGGER_FIELDS, triggers),
    ):
        (folder / f"{name}.csv").write_text("\n".join([",".join(fields), *rows, ""]), "utf-8")
    return load_gazetteer(folder)


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    loaded = gazetteer(tmp_path)
    assert loaded.entities["river-guard"].country == "river-land"
    assert [(row.id, row.alias, row.langs) for row in loaded.aliases] == [
        ("river-land", "Riverland", ()),
        ("river-guard", "River Guard", ("en",)),
    ]


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    before = gazetteer(tmp_path).version
    assert gazetteer(tmp_path).version == before
    assert gazetteer(tmp_path, blockers=[]).version != before


def test_above_lists_organisation_umbrella_and_sponsor_nearest_first(tmp_path: Path) -> None:
    loaded = gazetteer(
        tmp_path,
        [
            *ENTITIES,
            "north-guard,armed_group,North Guard,,,river-guard,river-land,,,,,",
            "ann-lee,person,Ann Lee,,,,,,north-guard,,,",
        ],
    )
    assert loaded.above("ann-lee") == ["north-guard", "river-guard", "river-land"]
    assert loaded.above("river-land") == []


@pytest.mark.parametrize(
    ("entities", "aliases", "blockers", "file", "line", "field"),
    [
        pytest.param([*ENTITIES, ENTITIES[0]], ALIASES, [], "entities", 4, "id", id="an id given twice"),
        pytest.param([*ENTITIES, "A B,state,A,,,,,,,,,"], ALIASES, [], "entities", 4, "id", id="an id that is no slug"),
        pytest.param([*ENTITIES, "x,army,X,,,,,,,,,"], ALIASES, [], "entities", 4, "type", id="an unknown type"),
        pytest.param([*ENTITIES, "x,state,,,,,,,,,,"], ALIASES, [], "entities", 4, "label", id="no label"),
        pytest.param([*ENTITIES, "x,state,X,42,,,,,,,,"], ALIASES, [], "entities", 4, "wikidata", id="a number for a QID"),
        pytest.param([*ENTITIES, "x,state,X,,nowhere,,,,,,,"], ALIASES, [], "entities", 4, "country", id="an unknown country"),
        pytest.param([*ENTITIES, "x,state,X,,,,,,,soon,,"], ALIASES, [], "entities", 4, "valid_from", id="a date in words"),
        pytest.param([*ENTITIES, "x,place,X,,,y,,,,,,", "y,place,Y,,,x,,,,,,"], ALIASES, [], "entities", 4, "parent", id="parents in a circle"),
        pytest.param([*ENTITIES, "x,state,X"], ALIASES, [], "entities", 4, "row", id="too few cells"),
        pytest.param(ENTITIES, ["none,None,,name,,curated,,,"], [], "aliases", 2, "id", id="an alias of nobody"),
        pytest.param(ENTITIES, ["river-land,Riverland,,name,loud,curated,,,"], [], "aliases", 2, "flags", id="an unknown flag"),
        pytest.param(ENTITIES, ["river-land,Riverland,,pet,,curated,,,"], [], "aliases", 2, "kind", id="an unknown kind"),
        pytest.param(ENTITIES, ["river-land,Riverland,,name,,,,,"], [], "aliases", 2, "source", id="no source"),
        pytest.param(ENTITIES, ["river-land,RL,,acronym,,curated,,,"], [], "aliases", 2, "alias", id="a short alias without a flag"),
        pytest.param(ENTITIES, ["river-land,Riverland,,name,lang_only,curated,,,"], [], "aliases", 2, "lang", id="lang_only without a language"),
        pytest.param(ENTITIES, ["river-land,Re\u0301o Land,,name,,curated,,,"], [], "aliases", 2, "alias", id="decomposed letters"),
        pytest.param(ENTITIES, ["river-land,Rіverland,,name,,curated,,,"], [], "aliases", 2, "alias", id="a Cyrillic letter among Latin ones"),
        pytest.param(ENTITIES, ["river-land,River  Land,,name,,curated,,,"], [], "aliases", 2, "alias", id="two blanks"),
        pytest.param(ENTITIES, [*ALIASES, "river-guard,Riverland,,name,,curated,,,"], [], "aliases", 4, "flags", id="one name of two entities"),
        pytest.param(ENTITIES, [*ALIASES, ALIASES[0]], [], "aliases", 4, "alias", id="an alias given twice"),
        pytest.param(ENTITIES, ALIASES, ["Fort {place} Times,en,x"], "blockers", 2, "phrase", id="a place inside a blocker"),
        pytest.param(ENTITIES, ALIASES, ["Fort,en,"], "blockers", 2, "reason", id="a blocker without a reason"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_line(
    tmp_path: Path, entities: list[str], aliases: list[str], blockers: list[str], file: str, line: int, field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        gazetteer(tmp_path, entities, aliases, blockers)
    error = caught.value
    assert (Path(error.file).stem, error.line, error.field) == (file, line, field)
    assert error.remedy


@pytest.mark.parametrize(
    ("trigger", "field"), [("war,ambush,en,", "type"), ("attack,,en,", "phrase"), ("attack,ambush,English,", "lang")]
)
def test_a_bad_trigger_is_refused(tmp_path: Path, trigger: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gazetteer(tmp_path, triggers=[*TRIGGERS, trigger])
    assert (Path(caught.value.file).stem, caught.value.line, caught.value.field) == ("triggers", 3, field)


def test_all_problems_are_told_at_once_and_the_sound_rows_kept(tmp_path: Path) -> None:
    gazetteer(tmp_path)
    with (tmp_path / "aliases.csv").open("a", encoding="utf-8") as file:
        file.write("nobody,Nobody,,name,,curated,,,\nriver-guard,RG,,acronym,,curated,,,\nriver-guard,\n")
    loaded, problems = read_gazetteer(tmp_path)
    assert [(problem.line, problem.field) for problem in problems] == [(4, "id"), (5, "alias"), (6, "row")]
    assert len(loaded.aliases) == 2


def test_an_imported_name_is_marked_and_never_takes_a_curated_one(tmp_path: Path) -> None:
    curated, imported = tmp_path / "curated", tmp_path / "imported"
    curated.mkdir()
    imported.mkdir()
    gazetteer(curated)
    (imported / "entities.csv").write_text(f"{','.join(ENTITY_FIELDS)}\nq-1,person,Ann Lee,Q1,,,,,,,,\n", "utf-8")
    rows = [f"q-1,{name},,name,no_variants,import,,," for name in ("Ann Lee", "River Guard", "Lee")]
    (imported / "aliases.csv").write_text("\n".join([",".join(ALIAS_FIELDS), *rows, ""]), "utf-8")
    loaded, problems = read_gazetteer(curated, [imported])
    assert [(problem.line, problem.field) for problem in problems] == [(4, "alias")]
    assert [(row.id, row.alias, IMPORTED in row.flags) for row in loaded.aliases] == [
        ("river-land", "Riverland", False),
        ("river-guard", "River Guard", False),
        ("q-1", "Ann Lee", True),
    ]


@pytest.mark.parametrize("name", ["entities", "aliases", "blockers", "triggers"])
def test_a_missing_file_or_column_is_refused(tmp_path: Path, name: str) -> None:
    gazetteer(tmp_path)
    (tmp_path / f"{name}.csv").write_text("id,name\n", "utf-8")
    with pytest.raises(ConfigError, match="header"):
        load_gazetteer(tmp_path)
    (tmp_path / f"{name}.csv").unlink()
    with pytest.raises(ConfigError, match="No such file"):
        load_gazetteer(tmp_path)


def test_two_entities_may_share_a_name_that_both_flag(tmp_path: Path) -> None:
    shared = [f"{id},Twin Rivers,,name,ambiguous,curated,,," for id in ("river-land", "river-guard")]
    assert len(gazetteer(tmp_path, aliases=shared).aliases) == 2


@pytest.fixture(scope="module")
def curated() -> Gazetteer:
    return load_gazetteer(CURATED)


def test_the_curated_files_are_sound_and_sorted(curated: Gazetteer) -> None:
    assert list(curated.entities) == sorted(curated.entities)
    keys = [(row.id, row.alias) for row in curated.aliases]
    assert keys == sorted(keys)
    assert b"\r" not in b"".join(path.read_bytes() for path in CURATED.glob("*.csv"))


def test_every_curated_entity_has_a_name_to_find_it_by(curated: Gazetteer) -> None:
    assert {row.id for row in curated.aliases} == set(curated.entities)


def test_the_most_named_have_names_in_eleven_languages(curated: Gazetteer) -> None:
    known: dict[str, set[str]] = {}
    for row in curated.aliases:
        latin = next(filter(str.isalpha, row.alias), "a") < "\u0250"
        known.setdefault(row.id, set()).update(row.langs or (("en", "de", "fr", "es") if latin else ()))
    wanted = frozenset("en ar fa he tr ku ckb de fr es ru".split())
    with (DATA / "most_named.csv").open(encoding="utf-8") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    missing = {id: wanted - known[id] - ({"ku"} if "ckb" in known[id] else set()) for id in ids}
    assert len(ids) >= 300
    assert {id: languages for id, languages in missing.items() if languages} == {}


def test_every_state_has_a_name_that_is_read_in_seven_languages(curated: Gazetteer) -> None:
    latin = frozenset("en de fr es tr ku".split())
    read: dict[str, set[str]] = {id: set() for id, row in curated.entities.items() if row.type == "state"}
    for row in curated.aliases:
        first = next(filter(str.isalpha, row.alias), "a")
        if row.id in read and first < "\u0250":
            read[row.id] |= set(row.langs) if "lang_only" in row.flags else latin
        elif row.id in read and first < "\u0530":
            read[row.id].add("ru")
    assert len(read) > 190
    assert {id: missing for id, languages in read.items() if (missing := (latin | {"ru"}) - languages)} == {}


def test_entities_of_a_country_have_names_in_its_script(curated: Gazetteer) -> None:
    scripts = {"he": "\u0590\u05ff", "ar": "\u0600\u06ff", "ru": "\u0400\u04ff"}
    written = {country: script for script, countries in SCRIPTS.items() for country in countries.split()}
    native = {
        (row.id, script)
        for row in curated.aliases
        for script, (first, last) in scripts.items()
        if any(first <= letter <= last for letter in row.alias)
    }
    homes = {row.id: row.id if row.type == "state" else row.country for row in curated.entities.values()}
    missing = {id for id, home in homes.items() if home in written and (id, written[home]) not in native}
    assert missing == {"mibh"}  # known from English texts only


@pytest.mark.parametrize("language", ["de", "fr", "es", "tr", "ru"])
def test_a_state_body_is_not_named_by_its_countrys_english_name_in_another_language(
    curated: Gazetteer, language: str
) -> None:
    names = " ".join(Locale(language).territories.values())
    names += {"es": " Iraq Qatar", "fr": " Palestine"}.get(language, "")  # as papers also write
    wrong = [
        (row.alias, country)
        for row in curated.aliases
        if language in row.langs and (country := _english_home(curated, row.id)) and country not in names
        if re.search(rf"\b{re.escape(country)}\b", row.alias)
    ]
    assert wrong == []


def _english_home(gazetteer: Gazetteer, id: str) -> str:
    """The English name of the country that a state body belongs to; of all else nothing."""
    body = gazetteer.entities[id]
    return gazetteer.entities[body.country].label if body.country and body.type.startswith("state_") else ""


def test_an_article_on_kataib_hezbollah_is_found_under_its_umbrella_and_sponsor(curated: Gazetteer) -> None:
    assert curated.above("kataib-hezbollah") == ["popular-mobilization-forces", "iran"]
