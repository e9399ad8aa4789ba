"""The file `views.sql` beside the tables: what most questions start from, as views for DuckDB.

    duckdb -init ROOT/views.sql         or, inside DuckDB:   .read ROOT/views.sql

It is made anew when a commit brings a table its first rows. Under an object store, where a pattern also finds files
that a compaction has replaced, it lists the files one by one, and is made anew with each commit.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from transforms.write.dataset import Dataset

_BY_OUTLET: Final = ("articles",)
_LATEST: Final = """
-- The newest text of each article.
CREATE OR REPLACE VIEW latest AS
SELECT * FROM articles QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY version DESC) = 1;
"""
_NO_ALIASES: Final = """
CREATE OR REPLACE VIEW aliases AS
SELECT '' AS cluster_id, '' AS survivor_id, '' AS run_id WHERE false;
"""
CLUSTER_VIEWS: Final = """
-- Which cluster an article is in now: the newest row that names it, followed through later merges.
CREATE OR REPLACE VIEW cluster_members AS
WITH RECURSIVE merged AS (  -- an id may be given up twice: each alias holds for what was there since the one before
    SELECT cluster_id, survivor_id, committed_at,
           lag(committed_at, 1, '-infinity') OVER (PARTITION BY cluster_id ORDER BY committed_at) AS since
    FROM aliases JOIN runs USING (run_id)
),
named AS (
    SELECT member, cluster_id, committed_at
    FROM (SELECT unnest(members) AS member, cluster_id, run_id FROM clusters) JOIN runs USING (run_id)
    QUALIFY row_number() OVER (PARTITION BY member.article_id ORDER BY committed_at DESC) = 1
),
followed AS (
    SELECT *, 0 AS steps FROM named
    UNION ALL
    SELECT member, survivor_id, merged.committed_at, steps + 1
    FROM followed JOIN merged
    ON merged.cluster_id = followed.cluster_id AND followed.committed_at >= since
       AND followed.committed_at < merged.committed_at
)
SELECT cluster_id, member.* FROM followed
QUALIFY row_number() OVER (PARTITION BY member.article_id ORDER BY steps DESC) = 1;

-- Each cluster as it is now, also those members that are older than copies are looked for.
CREATE OR REPLACE VIEW cluster_states AS
SELECT cluster_id, arg_max(article_id, seen_at) FILTER (kind IS NULL) AS canonical_id, count(*) AS size,
       min(seen_at) AS first_seen_at, max(seen_at) AS last_seen_at,
       list({'article_id': article_id, 'outlet_id': outlet_id, 'version': version, 'kind': kind} ORDER BY seen_at,
            article_id) AS members
FROM cluster_members GROUP BY ALL;
"""
_LATEST_BY_CLUSTER: Final = """
-- The newest text of each article, in the cluster that it is in now.
CREATE OR REPLACE VIEW latest AS
SELECT articles.* REPLACE (
    coalesce(now.cluster_id, articles.cluster_id) AS cluster_id,
    CASE WHEN now.article_id IS NULL THEN duplicate_of WHEN now.kind IS NULL THEN NULL ELSE canonical_id END
        AS duplicate_of,
    CASE WHEN now.article_id IS NULL THEN duplicate_kind ELSE now.kind END AS duplicate_kind)
FROM articles
LEFT JOIN (SELECT * FROM cluster_members JOIN cluster_states USING (cluster_id)) AS now USING (article_id)
QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY articles.version DESC) = 1;
"""
_ARTICLE_VIEWS: Final = """
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
    clustered = "clusters" in tables
    parts = [
        "\n".join(lines) + "\n",
        _NO_ALIASES if clustered and "aliases" not in tables else "",
        (CLUSTER_VIEWS + _LATEST_BY_CLUSTER if clustered else _LATEST) + _ARTICLE_VIEWS if "articles" in tables else "",
    ]
    return "".join(parts)


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
