"""The readers people use give the same answers over one dataset, and read only the files of the partition asked for.

DuckDB, polars, pyarrow and pandas always; ClickHouse (chdb) and Spark where the extra `readers` is installed.
"""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas.parquet import ARTICLES
from schemas.records import Article, Entity, Origin, TaggedArticle, Tally
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write import Dataset, prepare
from transforms.write.stage import Stager, StageTableFn, partition
from transforms.write.transform import commit

SETTINGS = WriteSettings(shards=1, max_rows_per_file=100, compression_level=1, min_free_bytes=0)
NOON = Timestamp(1_760_011_200)  # 2025-10-09 12:00 UTC
OUTLETS, DAYS, EACH = ("20minutes", "al-jazeera", "rudaw-en"), 4, 3
DAY, OUTLET = "2025-10-10", "rudaw-en"
PLACES = ("goma", "kobani", "صنعاء")
Mentions = list[tuple[str, int, int]]  # entity, mentions, articles


def article(day: int, outlet: str, number: int) -> TaggedArticle:
    name = f"{outlet}-{day}-{number}"
    url = f"https://{outlet}.example/{name}"
    origin = Origin(outlet, f"https://{outlet}.example/rss", name, url, NOON, "en")
    place = PLACES[(day + number) % 3]
    title = f"{place} and {PLACES[day % 3]}"
    entities = [Entity(place, "place", place, "title", 0, len(place), 1.0, "alias")] * (number + 1)
    bare = Article(
        origin=origin, article_id=name, version=1, url=url, canonical_url=url, title=title, subtitle="", description="",
        authors=["ا. ب"], section="", tags=[], image_url="", article_type="news", text=f"{title}. 😀 " * 20, dateline="",
        captions=[], syndication_source="", published_at=NOON + 86_400 * day + number, published_at_source="meta",
        modified_at=None, fetched_at=NOON + 60, language="en", language_confidence=0.9, content_hash=name,
        change_ratio=None, cluster_id=name, duplicate_of=None, duplicate_kind=None, extraction_method="main",
        extraction_quality=0.8, warnings=[], removals=[], http_status=200, etag=None, last_modified=None,
    )  # fmt: skip
    return TaggedArticle(bare, entities, [], 0.0, "g1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = Dataset(str(tmp_path_factory.mktemp("readers") / "data"))
    prepare(dataset)
    with Store(dataset.state) as store:
        for run in range(2):  # two files a partition
            stager = Stager(dataset, f"run-{run}")
            files, tallies = [], []
            for day in range(DAYS):
                for outlet in OUTLETS:
                    group = [article(day, outlet, EACH * run + number) for number in range(EACH)]
                    stem = f"{partition('articles', group[0])}/part-run-{run}"
                    files += StageTableFn(stager, "articles", "0.1", SETTINGS).process((stem, group))
                    tallies.append(Tally(outlet, "entry", "", EACH))
            commit(dataset, store, f"run-{run}", files, tallies, "0.1")
    return Path(dataset.root)


def pattern(root: Path) -> str:
    return f"{root}/articles/date=*/outlet=*/*.parquet"


def expected() -> Mentions:
    counts: dict[str, list[int]] = {}
    for day in (1, 2):
        for _ in OUTLETS:
            for number in range(2 * EACH):
                seen = counts.setdefault(PLACES[(day + number) % 3], [0, 0])
                seen[0] += number + 1
                seen[1] += 1
    return sorted((place, *seen) for place, seen in counts.items())


def with_duckdb(root: Path) -> tuple[int, Mentions]:
    source = f"read_parquet('{pattern(root)}', hive_partitioning = true)"
    connection = duckdb.connect()
    one = f"SELECT count(*) FROM {source} WHERE date = '{DAY}' AND outlet = '{OUTLET}'"
    many = f"""SELECT e.id, count(*), count(DISTINCT article_id) FROM (SELECT article_id, unnest(entities) AS e
               FROM {source} WHERE date BETWEEN '2025-10-10' AND '2025-10-11') GROUP BY ALL ORDER BY ALL"""
    plan = "\n".join(str(row[-1]) for row in connection.execute(f"EXPLAIN ANALYZE {one}").fetchall())
    read = re.search(r"(?:Scanning Files|Total Files Read)[^0-9]*(\d+)", plan)
    assert read is not None
    assert read[1] == "2", plan
    [(count,)] = connection.execute(one).fetchall()
    return count, connection.execute(many).fetchall()


def with_views(root: Path) -> tuple[int, Mentions]:
    connection = duckdb.connect()
    connection.execute((root / "views.sql").read_text("utf-8"))
    [(count,)] = connection.execute(f"SELECT count(*) FROM articles_on('{DAY}') WHERE outlet = '{OUTLET}'").fetchall()
    many = """SELECT id, count(*), count(DISTINCT article_id) FROM mentions
              WHERE date BETWEEN '2025-10-10' AND '2025-10-11' GROUP BY ALL ORDER BY ALL"""
    return count, connection.execute(many).fetchall()


def with_polars(root: Path) -> tuple[int, Mentions]:
    frame = pl.scan_parquet(pattern(root), hive_partitioning=True)
    one = frame.filter((pl.col("date") == datetime.date.fromisoformat(DAY)) & (pl.col("outlet") == OUTLET))
    days = pl.col("date").is_between(datetime.date(2025, 10, 10), datetime.date(2025, 10, 11))
    named = frame.filter(days).select("article_id", "entities").explode("entities").drop_nulls("entities")
    counts = named.unnest("entities").group_by("id").agg(pl.len(), pl.col("article_id").n_unique()).sort("id")
    return int(one.select(pl.len()).collect().item()), [tuple(row) for row in counts.collect().iter_rows()]


def with_pyarrow(root: Path) -> tuple[int, Mentions]:
    keys = ds.partitioning(pa.schema([("date", pa.date32()), ("outlet", pa.string())]), flavor="hive")
    table = ds.dataset(str(root / "articles"), format="parquet", partitioning=keys)
    wanted = (ds.field("date") == datetime.date.fromisoformat(DAY)) & (ds.field("outlet") == OUTLET)
    assert len(list(table.get_fragments(wanted))) == 2
    days = (ds.field("date") >= datetime.date(2025, 10, 10)) & (ds.field("date") <= datetime.date(2025, 10, 11))
    rows = table.to_table(columns=["article_id", "entities"], filter=days)
    entities = rows.column("entities").combine_chunks()
    flat = pa.table(
        {
            "id": pc.struct_field(entities.flatten(), "id"),
            "article": rows.column("article_id").combine_chunks().take(pc.list_parent_indices(entities)),
        }
    )
    counts = flat.group_by("id").aggregate([("article", "count"), ("article", "count_distinct")]).sort_by("id")
    return table.count_rows(filter=wanted), [tuple(row.values()) for row in counts.to_pylist()]


def with_pandas(root: Path) -> tuple[int, Mentions]:
    one = pd.read_parquet(root / "articles", filters=[("date", "==", DAY), ("outlet", "==", OUTLET)])
    days = [("date", "in", ["2025-10-10", "2025-10-11"])]
    rows = pd.read_parquet(root / "articles", columns=["article_id", "entities"], filters=days).explode("entities")
    rows["id"] = [entity["id"] for entity in rows["entities"]]
    counts = rows.groupby("id")["article_id"].agg(["size", "nunique"]).reset_index().sort_values("id")
    return len(one), [(str(id), int(n), int(articles)) for id, n, articles in counts.itertuples(index=False)]


def with_clickhouse(root: Path) -> tuple[int, Mentions]:
    chdb = pytest.importorskip("chdb", reason="chdb is not installed: pip install 'newsbeam[readers]'")
    source, settings = f"file('{pattern(root)}', Parquet)", "SETTINGS use_hive_partitioning = 1 FORMAT ArrowStream"
    one = f"SELECT count() AS n, uniqExact(_path) AS files FROM {source} WHERE date = '{DAY}' AND outlet = '{OUTLET}'"
    many = f"""SELECT e.id AS id, count() AS n, uniqExact(article_id) AS articles FROM
               (SELECT article_id, arrayJoin(entities) AS e FROM {source}
                WHERE date BETWEEN '2025-10-10' AND '2025-10-11') GROUP BY id ORDER BY id"""

    def rows(query: str) -> list[dict[str, Any]]:
        answer = pa.ipc.open_stream(chdb.query(f"{query} {settings}", "ArrowStream").bytes()).read_all()
        return list(answer.to_pylist())

    [found] = rows(one)
    assert found["files"] == 2
    decoded = [(row["id"], row["n"], row["articles"]) for row in rows(many)]
    return found["n"], [(id.decode() if isinstance(id, bytes) else id, n, a) for id, n, a in decoded]


def with_spark(root: Path) -> tuple[int, Mentions]:
    pyspark = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: pip install 'newsbeam[readers]'")
    builder = pyspark.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.session.timeZone", "UTC").config("spark.driver.memory", "1g").getOrCreate()
    try:
        spark.read.parquet(str(root / "articles")).createOrReplaceTempView("articles")
        one = spark.sql(f"SELECT * FROM articles WHERE date = DATE'{DAY}' AND outlet = '{OUTLET}'")
        assert one.selectExpr("input_file_name()").distinct().count() == 2
        many = spark.sql(
            "SELECT e.id, count(*), count(DISTINCT article_id) FROM articles LATERAL VIEW explode(entities) x AS e"
            " WHERE date BETWEEN DATE'2025-10-10' AND DATE'2025-10-11' GROUP BY 1 ORDER BY 1"
        )
        return one.count(), [tuple(row) for row in many.collect()]
    finally:
        spark.stop()


READERS = [with_duckdb, with_views, with_polars, with_pyarrow, with_pandas, with_clickhouse, with_spark]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__.removeprefix("with_"))
def test_a_reader_gives_the_right_answers_from_the_right_files(
    root: Path, read: Callable[[Path], tuple[int, Mentions]]
) -> None:
    count, mentions = read(root)
    assert count == 2 * EACH
    assert sorted(mentions) == expected()


def test_a_column_that_only_new_files_have_reads_as_null_in_old_ones(root: Path, tmp_path: Path) -> None:
    """The rules of evolution, for every reader that does not go by views.sql: what to ask of each is in the docs."""
    new = next(path for path in sorted((root / "articles").rglob("*.parquet")))
    table = pa.parquet.read_table(new, partitioning=None)
    name = next(field.name for field in reversed(list(ARTICLES)) if field.nullable)
    place = tmp_path / "articles" / "date=2025-10-09" / "outlet=gazette"
    place.mkdir(parents=True)
    pa.parquet.write_table(table.drop_columns([name]), place / "a-old.parquet")
    pa.parquet.write_table(table, place / "b-new.parquet")
    glob = f"{tmp_path}/articles/date=*/outlet=*/*.parquet"
    nulls = f"SELECT count(*) FROM read_parquet('{glob}', union_by_name = true) WHERE {name} IS NULL"
    assert duckdb.connect().execute(nulls).fetchone() >= (EACH,)
    frame = pl.scan_parquet(glob, schema=pl.read_parquet_schema(new), missing_columns="insert")
    assert frame.select(name).collect().height == 2 * EACH
    unified = ds.dataset(str(tmp_path / "articles"), schema=ARTICLES, format="parquet", partitioning="hive")
    assert unified.to_table(columns=[name]).num_rows == 2 * EACH
    assert len(pd.read_parquet(tmp_path / "articles", schema=ARTICLES)) == 2 * EACH
