"""A dataset's tables, and its clusters as they are now, for what reads them with DuckDB wherever the files lie."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Optional

from transforms.write import Dataset
from transforms.write.read import newest_files, scan
from transforms.write.views import CLUSTER_VIEWS

if TYPE_CHECKING:
    import duckdb


def register_tables(
    db: "duckdb.DuckDBPyConnection", dataset: Dataset, tables: Iterable[str], days: Optional[int] = None
) -> None:
    """Give `db` these tables of the dataset; where `days` are given, of each its newest so many days."""
    for table in tables:
        db.register(table, scan(dataset, table, newest_files(dataset, table, days)))


def register_clusters(db: "duckdb.DuckDBPyConnection", dataset: Dataset) -> None:
    """Give `db` the tables `clusters`, `aliases` and `runs`, and the views `cluster_members` and `cluster_states`.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    register_tables(db, dataset, ["clusters", "aliases", "runs"])
    db.execute(CLUSTER_VIEWS)
