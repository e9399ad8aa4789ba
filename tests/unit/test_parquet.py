"""The tables' schemas, and the rows that records make."""

import datetime
import hashlib
import sys
from typing import Any

import pyarrow as pa
import pytest
from apache_beam.utils.timestamp import Timestamp

from schemas import parquet, rows
from schemas.records import (
    Article,
    Caption,
    DocumentEntity,
    Entity,
    Origin,
    Reject,
    RejectReason,
    Signature,
    TaggedArticle,
)

T0 = Timestamp(1_760_011_200)
ORIGIN = Origin("gazette", "https://gazette.example/rss", "", "https://gazette.example/1", None, None)

ARTICLE = Article(
    origin=ORIGIN, article_id="id", version=2, url="https://gazette.example/1?x", canonical_url="https://gazette.example/1",
    title="", subtitle="", description="", authors=[], section="", tags=["a"], image_url="", article_type="",
    text="Two words.\n\n😀 x", dateline="", captions=[Caption("", "Agency")], syndication_source="", published_at=T0,
    published_at_source="json_ld", modified_at=None, fetched_at=T0 + 60, language="en", language_confidence=0.5,
    content_hash="h", change_ratio=0.25, cluster_id="id", duplicate_of=None, duplicate_kind=None,
    extraction_method="main", extraction_quality=1.0, warnings=["w"], removals=[], http_status=0, etag="e",
    last_modified=None,
)  # fmt: skip
TAGGED = TaggedArticle(
    ARTICLE,
    [Entity("unrwa", "organisation", "UNRWA", "text", 0, 5, 1.0, "alias")],
    [DocumentEntity("unrwa", "organisation", 1, False, True, 0.5, ["un"])],
    0.5,
    "g1",
)
REJECT = Reject("fetch", RejectReason.TIMEOUT, ORIGIN, "entry", "https://gazette.example/1", "", True, T0)
SIGNATURE = Signature(
    "id", 1, "gazette", "id", "", [-1, 2**63 - 1], b"\x00\xff", '{"a": 1}', 4, None, T0, "agency", b"\x01"
)
SIGNATURE = SIGNATURE._replace(lines=[-(2**63), 7])


def article_row(tagged: TaggedArticle) -> rows.Row:
    [row] = rows.article_table([tagged], "run", "0.1").to_pylist()
    return row


ROWS = {
    "articles": (parquet.ARTICLES, article_row(TAGGED)),
    "rejects": (parquet.REJECTS, rows.reject_row(REJECT, "run", "0.1")),
    "signatures": (parquet.SIGNATURES, rows.signature_row(SIGNATURE, "run", "0.1")),
}


@pytest.mark.parametrize(("schema", "row"), ROWS.values(), ids=ROWS)
def test_a_row_has_exactly_the_columns_of_its_schema_and_fits_it(schema: pa.Schema, row: rows.Row) -> None:
    assert list(row) == schema.names
    table = pa.Table.from_pylist([row], schema=schema)
    table.validate(full=True)
    assert table.to_pylist() == [row]


def all_fields(fields: Any) -> list[pa.Field]:
    found = []
    for field in fields:
        kind = field.type.value_type if pa.types.is_list(field.type) else field.type
        found += [field, *(all_fields(kind) if pa.types.is_struct(kind) else [])]
    return found


@pytest.mark.parametrize("schema", [schema for schema, _ in ROWS.values()], ids=ROWS)
def test_every_column_says_what_it_means(schema: pa.Schema) -> None:
    assert schema.metadata[b"schema_version"] == str(parquet.SCHEMA_VERSION).encode()
    for field in all_fields(schema):
        assert field.metadata is not None, field.name
        assert field.metadata[b"comment"], field.name


@pytest.mark.parametrize("schema", [schema for schema, _ in ROWS.values()], ids=ROWS)
def test_partition_keys_are_no_columns(schema: pa.Schema) -> None:
    assert not {"date", "outlet"} & set(schema.names)


def test_a_change_of_the_columns_raises_the_version_of_their_list() -> None:
    """Raise `SCHEMA_VERSION` with an addition, then add the line that the failure shows; never change one."""
    listed = "\n".join(
        f"{name}: {[(field.name, str(field.type)) for field in s]}" for name, s in parquet.SCHEMAS.items()
    )
    versions = {2: "5895e3892a3366d8"}
    assert versions.get(parquet.SCHEMA_VERSION) == hashlib.sha256(listed.encode()).hexdigest()[:16]


def test_nested_records_and_columns_agree() -> None:
    def names(column: str) -> list[str]:
        kind = parquet.ARTICLES.field(column).type.value_type
        return [field.name for field in kind]

    assert names("entities") == list(Entity._fields)
    assert names("document_entities") == list(DocumentEntity._fields)
    assert names("captions") == list(Caption._fields)
    renamed = ["outlet_id" if name == "outlet" else name for name in Signature._fields]
    assert parquet.SIGNATURES.names[: len(renamed)] == renamed


def test_empty_strings_are_null_where_a_column_may_be_null() -> None:
    row = article_row(TAGGED)
    empty = {name for name in parquet.ARTICLES.names if row[name] == ""}
    assert not empty
    assert row["title"] is None
    assert row["feed_entry_id"] is None
    assert row["captions"] == [{"text": None, "credit": "Agency"}]
    assert row["http_status"] is None


def test_characters_are_counted_as_code_points() -> None:
    row = article_row(TAGGED)
    assert (row["word_count"], row["char_count"]) == (4, 15)


def test_words_are_counted_as_split_does_in_every_script() -> None:
    white = "".join(chr(point) for point in range(sys.maxunicode) if chr(point).isspace())
    texts = [
        "",
        " ",
        f"a{white}b",
        *(f"é{space}語{space}{space}😀" for space in white),
        "\x00 \x1b\u200b",
        "قالت\n\nالحكومة",
    ]
    articles = [TAGGED._replace(article=TAGGED.article._replace(text=text)) for text in texts]
    assert rows.article_table(articles, "r1", "0.1").column("word_count").to_pylist() == [
        len(text.split()) for text in texts
    ]
    assert rows.article_table([], "r1", "0.1").num_rows == 0


@pytest.mark.parametrize(
    "published",
    [None, Timestamp.of(253_402_300_800), Timestamp.of(-62_135_596_801)],
    ids=["none", "year 10000", "year 0"],
)
def test_an_article_without_a_usable_date_is_filed_under_the_day_it_was_fetched(published: Any) -> None:
    row = article_row(TAGGED._replace(article=ARTICLE._replace(published_at=published)))
    assert row["published_at"] == row["fetched_at"]
    assert row["published_at_source"] == "fetch"


def test_the_day_is_that_of_utc_to_the_microsecond() -> None:
    midnight = Timestamp(1_760_054_400)
    assert rows.partition_date(midnight) == "2025-10-10"
    assert rows.partition_date(midnight - 0.000001) == "2025-10-09"


def test_times_keep_their_microseconds() -> None:
    row = article_row(TAGGED._replace(article=ARTICLE._replace(published_at=T0 + 0.000001)))
    assert row["published_at"] == datetime.datetime(2025, 10, 9, 12, 0, 0, 1, datetime.UTC)


@pytest.mark.parametrize("signature", [SIGNATURE, SIGNATURE._replace(published_at=T0, title="T")], ids=["bare", "full"])
def test_a_signature_comes_back_from_its_row_as_it_went_in(signature: Signature) -> None:
    row = rows.signature_row(signature, "run", "0.1")
    table = pa.Table.from_pylist([row], schema=parquet.SIGNATURES)
    assert rows.signature_of(table.to_pylist()[0]) == signature
