"""The generated pages of `docs/`: the tables as readers see them, and the outlets. Write them anew with

python -m pipelines.docs
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from schemas.parquet import SCHEMA_VERSION, SCHEMAS
from schemas.settings import Outlet
from schemas.settings_files import load_outlets

_CHECKOUT: Final = Path(__file__).resolve().parents[1]
_MADE: Final = "<!-- Made by `python -m pipelines.docs`. Do not edit by hand. -->"
_PATHS: Final = {
    "articles": "articles/date=YYYY-MM-DD/outlet=SLUG/",
    "rejects": "rejects/date=YYYY-MM-DD/",
    "removals": "removals/date=YYYY-MM-DD/",
    "signatures": "signatures/date=YYYY-MM-DD/",
    "clusters": "clusters/date=YYYY-MM-DD/",
    "aliases": "aliases/date=YYYY-MM-DD/",
    "feeds": "feeds/date=YYYY-MM-DD/",
    "runs": "runs/date=YYYY-MM-DD/",
}


def schema_page() -> str:
    """Return the page on the columns of all tables, in Markdown, from the schemas' own comments."""
    lines = [
        "# The dataset's tables",
        "",
        _MADE,
        "",
        f"Version {SCHEMA_VERSION} of the columns. Columns are only added, at the end and nullable; no column changes",
        "its meaning. Times are UTC, in microseconds. `date` and `outlet` are in the path, not in the files: readers",
        "that know Hive partitions add them. A field of a nested column is shown as `column.field`.",
    ]
    for name, table in SCHEMAS.items():
        lines += ["", f"## {name}", "", f"    {_PATHS[name]}part-….parquet", ""]
        lines += ["| column | type | null? | meaning |", "|---|---|---|---|"]
        for column in table:
            lines += _rows("", column)
    return "\n".join(lines) + "\n"


def outlets_page(outlets: Sequence[Outlet]) -> str:
    """Return the page on the outlets, in Markdown, by their order in the file; unconfirmed feeds carry a mark."""
    feeds = sum(len(outlet.feeds) for outlet in outlets)
    lines = [
        "# The outlets",
        "",
        _MADE,
        "",
        f"{len(outlets)} outlets with {feeds} feeds, as in `config/outlets.toml`. A feed marked (?) is unconfirmed: no",
        "public source confirmed its address. `newsbeam outlets check` asks every feed.",
        "",
        "| outlet | name | country | language | feeds |",
        "|---|---|---|---|---|",
    ]
    lines += [_outlet_row(outlet) for outlet in outlets]
    return "\n".join(lines) + "\n"


def _rows(prefix: str, field: pa.Field) -> Iterator[str]:
    """The row of a column, then those of the fields nested in it."""
    null = "yes" if field.nullable else ""
    meaning = field.metadata[b"comment"].decode()
    yield f"| `{prefix}{field.name}` | {_type_name(field.type)} | {null} | {_cell(meaning)} |"
    inner = field.type.value_type if pa.types.is_list(field.type) else field.type
    if pa.types.is_struct(inner):
        for nested in inner:
            yield from _rows(f"{prefix}{field.name}.", nested)


def _type_name(kind: pa.DataType) -> str:
    """The type without its nested fields, which have rows of their own."""
    if pa.types.is_list(kind):
        return f"list of {_type_name(kind.value_type)}"
    return "struct" if pa.types.is_struct(kind) else str(kind)


def _outlet_row(outlet: Outlet) -> str:
    feeds = "<br>".join(feed + (" (?)" if feed in outlet.unconfirmed else "") for feed in outlet.feeds)
    return f"| `{outlet.slug}` | {_cell(outlet.name)} | {outlet.country} | {outlet.language} | {_cell(feeds)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the pages into the checkout's `docs/`."""
    outlets = load_outlets(_CHECKOUT / "config" / "outlets.toml")
    for name, page in (("schema.md", schema_page()), ("outlets.md", outlets_page(outlets))):
        (_CHECKOUT / "docs" / name).write_text(page, "utf-8")


if __name__ == "__main__":
    main()
