"""Clusters as they are now, for what reads a dataset with DuckDB: the views of `views.sql`, wherever its files lie."""

import sys
from typing import TYPE_CHECKING

from transforms.write import Dataset
from transforms.write.read import newest_files, scan
from transforms.write.views import CLUSTER_VIEWS

if TYPE_CHECKING:
    import duckdb


def register_clusters(db: "duckdb.DuckDBPyConnection", dataset: Dataset) -> None:
    """Give `db` the tables `clusters`, `aliases` and `runs`, and the views `cluster_members` and `cluster_states`.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    for table in ("clusters", "aliases", "runs"):
        db.register(table, scan(dataset, table, newest_files(dataset, table, sys.maxsize)))
    db.execute(CLUSTER_VIEWS)
