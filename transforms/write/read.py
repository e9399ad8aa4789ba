"""Reading a dataset's own tables, for reports and for what is made of them, wherever their files lie."""

import io
from collections.abc import Sequence
from typing import Final, Optional

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from schemas.parquet import SCHEMAS
from transforms.write.dataset import Dataset
from transforms.write.files import is_remote
from transforms.write.manifest import replaced

_KEYS: Final = pa.schema([("date", pa.string()), ("outlet", pa.string())])  # of the path; a table may lack the second


def newest_files(dataset: Dataset, table: str, days: Optional[int] = None) -> list[str]:
    """Return the paths of a table's files, of all days or the newest `days`, without what was compacted."""
    names = [name for name in dataset.files.names(table) if name.startswith("date=")]
    names = names if days is None else names[-days:]
    paths = [kept.path for name in names for kept in dataset.files.walk(f"{table}/{name}")]
    gone = replaced(dataset, table, {name.removeprefix("date=") for name in names}) if is_remote(dataset.root) else ()
    return sorted(path for path in paths if path.endswith(".parquet") and path not in gone)


def scan(dataset: Dataset, table: str, paths: Sequence[str]) -> ds.Dataset:
    """Return a table's files as one, with `date` and `outlet`, for engines that read Arrow's datasets, such as DuckDB.

    Nothing is read yet. Columns that a file does not know are null.
    """
    schema = pa.unify_schemas([SCHEMAS[table], _KEYS])
    keys = ds.partitioning(_KEYS, flavor="hive")
    return ds.dataset(list(paths), schema, format="parquet", filesystem=dataset.files.tree, partitioning=keys)


def read_rows(dataset: Dataset, path: str, schema: pa.Schema) -> pa.Table:
    """Return a file's rows with the columns of `schema`: what an older version did not know is null."""
    rows = pq.ParquetFile(io.BytesIO(dataset.files.read(path))).read()
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
