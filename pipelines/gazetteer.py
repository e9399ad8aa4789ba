"""`newsbeam gazetteer`: check the names that articles are tagged with, look them up, import and compare them.

Like the rest of the command line it leaves heavy imports to the commands that need them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Optional

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.errors import ConfigError
from schemas.gazetteer import TYPES, Gazetteer
from schemas.gazetteer_files import load_gazetteer, read_gazetteer, tiers
from schemas.settings import SLUG

if TYPE_CHECKING:
    from pipelines.gazetteer_diff import Change

gazetteer_app = typer.Typer(
    no_args_is_help=True, help="Check, search, compare, import and compile the names that are tagged."
)
out = Console(highlight=False)

Folder = Annotated[
    Optional[Path],
    typer.Option("--gazetteer", help="Folder of curated/ and imported/.", show_default="the shipped one"),
]
_SHOWN: Final = 12  # entities, and names of each, before the rest is only counted


@gazetteer_app.command()
def check(gazetteer: Folder = None) -> None:
    """Say all that is wrong with the files: file, line, remedy."""
    from pipelines.common_words import common_words

    curated, imported = tiers(_folder(gazetteer))
    loaded, problems = read_gazetteer(curated, imported)
    if not any(problem.field == "file" for problem in problems):  # one that cannot be read
        problems += common_words(loaded, curated, imported)
    for problem in problems:
        out.print(str(problem), markup=False, soft_wrap=True)
    if problems:
        out.print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
        raise typer.Exit(2)
    out.print(f"all good: {_size(loaded)}")


@gazetteer_app.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Part of an id, a label or any name.")],
    gazetteer: Folder = None,
) -> None:
    """Show the entities that a name may be, with all their names and what they stand under."""
    from transforms.tag.normalize import fold_name

    loaded = load_gazetteer(*tiers(_folder(gazetteer)))
    wanted = fold_name(" ".join(words))
    names: dict[str, list[Text]] = {}
    hits: dict[str, bool] = {}  # id -> the whole name is what was asked for
    for row in loaded.entities.values():
        if any(want in form for want in wanted for form in fold_name(row.label) | fold_name(row.id)):
            hits[row.id] = row.id == " ".join(words)
    for alias in loaded.aliases:
        forms = fold_name(alias.alias)
        found = any(want in form for want in wanted for form in forms)
        if found:
            hits[alias.id] = hits.get(alias.id, False) or not wanted.isdisjoint(forms)
        marks = " ".join([*alias.langs, *sorted(alias.flags)])
        text = Text(alias.alias, "bold" if found else "")
        names.setdefault(alias.id, []).append(text.append(f" [{marks}]", "dim") if marks else text)
    for id in sorted(hits, key=lambda id: (not hits[id], id))[:_SHOWN]:
        row = loaded.entities[id]
        under = ", ".join(loaded.above(id))
        title = Text.assemble((id, "bold cyan"), f"  {row.type}  {row.label}", f"  under {under}" if under else "")
        out.print(title, soft_wrap=True)
        out.print(Text("    ") + Text(" · ").join(names.get(id, [])), soft_wrap=True)
    if len(hits) > _SHOWN:
        out.print(f"and {len(hits) - _SHOWN} more")
    if not hits:
        out.print("nothing found")
        raise typer.Exit(1)


@gazetteer_app.command()
def diff(
    changed: Annotated[Path, typer.Argument(help="Folder of curated/ and imported/ as it shall become.")],
    gazetteer: Folder = None,
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="A dataset to try both on.")] = None,
    size: Annotated[int, typer.Option("--sample", min=1, help="Articles of it that are tagged.")] = 500,
    settings: Annotated[Optional[Path], typer.Option("--settings", help="TOML laid over the shipped one.")] = None,
) -> None:
    """Show which rows of a changed copy differ, and what that does to articles of a dataset."""
    from pipelines.cli import config_folder
    from pipelines.gazetteer_diff import compare, compare_rows, sample
    from schemas.settings_files import load_settings
    from transforms.tag import compile_gazetteer

    before, after = load_gazetteer(*tiers(_folder(gazetteer))), load_gazetteer(*tiers(changed))
    for what, rows in zip(("entities", "aliases"), compare_rows(before, after), strict=True):
        out.print(f"{what}: {len(rows.added)} added, {len(rows.removed)} removed, {len(rows.changed)} changed")
        for (sign, style), keys in zip((("+", "green"), ("-", "red"), ("~", "yellow")), rows, strict=True):
            _lines(sign, style, keys)
    if output is None:
        return
    texts = sample(output, size)
    tag = load_settings(config_folder() / "defaults.toml", settings).tag
    changes = compare(texts, compile_gazetteer(before), compile_gazetteer(after), tag)
    out.print(f"\n{len(texts)} articles: {len(changes)} entities are found in others than before")
    for change in changes[:_SHOWN]:
        _show(change)
    if len(changes) > _SHOWN:
        out.print(f"and {len(changes) - _SHOWN} more entities")


@gazetteer_app.command("import")
def import_names(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Wikidata-shaped: JSON, an item a line.")],
    source: Annotated[str, typer.Option("--source", help="Slug of the list: folder and prefix of new ids.")],
    type: Annotated[str, typer.Option("--type", help="Type of all items: armed_group, person, place, …")],
    licence: Annotated[str, typer.Option("--licence", help="The list's licence, for the manifest.")],
    gazetteer: Folder = None,
) -> None:
    """Make a second tier of names from somebody's list; what is in doubt goes to review.csv."""
    from pipelines.gazetteer_import import read_items, reconcile, write_import

    if type not in TYPES:
        known = ", ".join(sorted(TYPES))
        raise ConfigError("command line", None, "--type", f"unknown type {type!r}", f"Use one of {known}")
    folder = _folder(gazetteer)
    curated, imported = tiers(folder)
    if not SLUG.fullmatch(source):
        raise ConfigError("command line", None, "--source", f"{source!r} is no slug", "Use a-z, 0-9 and '-'")
    target = folder / "imported" / source
    loaded = load_gazetteer(curated, [path for path in imported if path != target])
    rows = reconcile(list(read_items(file)), type, source, loaded)
    write_import(rows, target, file, source, licence)
    load_gazetteer(*tiers(folder))
    out.print(
        f"{len(rows.aliases)} names: {rows.matched} items were curated already, {len(rows.entities)} are new; "
        f"{len(rows.review)} in doubt, in {target / 'review.csv'}",
        soft_wrap=True,
    )


@gazetteer_app.command("compile")
def compile_names(
    file: Annotated[Path, typer.Argument(help="Parquet file to write.")], gazetteer: Folder = None
) -> None:
    """Write every spelling that is looked for, folded, as one Parquet table: what a gazetteer_version stands for."""
    from pipelines.gazetteer_table import write_table

    loaded = load_gazetteer(*tiers(_folder(gazetteer)))
    spellings = write_table(loaded, file)
    out.print(f"{file}: {spellings} spellings of {_size(loaded)}", soft_wrap=True)


def _folder(given: Optional[Path]) -> Path:
    from pipelines.cli import config_folder

    return given or config_folder() / "gazetteer"


def _size(gazetteer: Gazetteer) -> str:
    return f"{len(gazetteer.entities)} entities, {len(gazetteer.aliases)} names, version {gazetteer.version}"


def _lines(sign: str, style: str, lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN]:
        out.print(Text.assemble(("  " + sign + " ", style), line), soft_wrap=True)
    if len(lines) > _SHOWN:
        out.print(f"  {sign} and {len(lines) - _SHOWN} more")


def _show(change: "Change") -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 2))
    for sign, style, mentions in (("+", "green", change.gained), ("-", "red", change.lost)):
        for mention in mentions[:2]:
            table.add_row(Text(sign, style), Text(mention))
    out.print(Text.assemble((change.id, "bold cyan"), f"  articles {change.before} -> {change.after}"))
    out.print(table)
