"""The file `views.sql` beside the tables: what most questions start from, as views for DuckDB.

    duckdb -init ROOT/views.sql         or, inside DuckDB:   .read ROOT/views.sql

It is made anew when a commit brings a table its first rows. Under an object store, where a pattern also finds files
that a compaction has replaced, it lists the files one by one, and is made anew with each commit.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from transforms.write.dataset import Dataset

_BY_OUTLET: Final = ("articles",)
_ARTICLE_VIEWS: Final = """
-- The newest text of each article.
CREATE OR REPLACE VIEW latest AS
SELECT * FROM articles QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY version DESC) = 1;

-- One article a story: copies, reposts and excerpts left out.
CREATE OR REPLACE VIEW canonical AS SELECT * FROM latest WHERE duplicate_of IS NULL;

-- One row a mention.
CREATE OR REPLACE VIEW mentions AS
SELECT article_id, version, date, outlet, title, language, unnest(entities, recursive := true) FROM latest;

-- One row an article and entity.
CREATE OR REPLACE VIEW article_entities AS
SELECT article_id, version, date, outlet, title, language, cluster_id, duplicate_of,
       unnest(document_entities, recursive := true) FROM latest;

-- One day's articles by path: as fast in a year's data as in a day's. SELECT * FROM articles_on('2026-11-28')
CREATE OR REPLACE MACRO articles_on(day) AS TABLE
SELECT * FROM read_parquet(getvariable('newsbeam') || '/articles/date=' || day || '/outlet=*/*.parquet',
                           hive_partitioning = true, union_by_name = true);
"""


def views(root: str, tables: Mapping[str, Sequence[str]]) -> str:
    """Return `views.sql` for the dataset at `root`: `tables` by name, with their files' URLs, or a pattern."""
    lines = [
        "-- Made by newsbeam. Views over this dataset for DuckDB; if it moves, change this line.",
        f"SET VARIABLE newsbeam = {_text(root)};",
    ]
    for table, files in sorted(tables.items()):
        listed = ", ".join(f"getvariable('newsbeam') || {_text('/' + file)}" for file in files)
        lines += [f"CREATE OR REPLACE VIEW {table} AS", f"SELECT * FROM read_parquet([{listed}],"]  # noqa: S608  # our names
        lines += ["    hive_partitioning = true, union_by_name = true);"]
    return "\n".join(lines) + "\n" + (_ARTICLE_VIEWS if "articles" in tables else "")


def pattern(table: str) -> str:
    """Return the pattern that finds a table's files, from the root."""
    return f"{table}/date=*/outlet=*/*.parquet" if table in _BY_OUTLET else f"{table}/date=*/*.parquet"


def write_views(dataset: Dataset, live: Mapping[str, Sequence[str]]) -> None:
    """Write `views.sql` where it would say something else than it does."""
    text = views(dataset.address, live).encode()
    if not dataset.files.exists("views.sql") or dataset.files.read("views.sql") != text:
        dataset.files.replace("views.sql", text)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
