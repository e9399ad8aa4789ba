"""Publishing the articles as an Apache Iceberg table, run by run, beside the dataset. Needs the extra `iceberg`.

Each run of the dataset becomes one snapshot, in the runs' order. The snapshot carries the run's id, and in the same
transaction the table remembers the last run it holds: whatever happens between two snapshots, the next `publish` goes
on after the last one that is there, and no run is there twice.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import ConfigError, DatasetError
from schemas.parquet import ARTICLES
from transforms.write import Dataset, Manifest, live_files, load_manifests
from transforms.write.read import read_rows

_RUN: Final = "newsbeam.run_id"  # property of a snapshot
_LAST: Final = "newsbeam.last_run"  # property of the table


def open_table(catalog: str, warehouse: str, name: str, schema: pa.Schema) -> Any:
    """Return the table, made or widened to `schema` where it has to be: by day of publication, and outlet.

    Raises:
        ConfigError: pyiceberg is not installed, or the name is none.
    """
    try:
        from pyiceberg.catalog.sql import SqlCatalog
        from pyiceberg.exceptions import NoSuchTableError
        from pyiceberg.transforms import DayTransform, IdentityTransform
    except ImportError as error:
        remedy = "pip install 'newsbeam[iceberg]'"
        raise ConfigError("command line", None, "publish", "Iceberg needs the package pyiceberg", remedy) from error
    namespace, _, rest = name.rpartition(".")
    if not namespace or not rest:
        raise ConfigError("command line", None, "--table", f"{name!r} has no namespace", "Write NAMESPACE.NAME")
    opened = SqlCatalog("newsbeam", uri=catalog, warehouse=warehouse)
    opened.create_namespace_if_not_exists(namespace)
    try:
        table = opened.load_table(name)
    except NoSuchTableError:
        with opened.create_table_transaction(name, schema=schema) as new:  # there whole or not at all
            spec = new.update_spec()
            spec.add_field("published_at", DayTransform(), "published_day")
            spec.add_field("outlet_id", IdentityTransform(), "outlet")
            spec.commit()
        table = opened.load_table(name)
    if set(schema.names) - {field.name for field in table.schema().fields}:
        with table.update_schema() as columns:
            columns.union_by_name(schema)
    return table


def publish(dataset: Dataset, table: Any) -> Iterator[tuple[str, int]]:
    """Append the runs that come after the table's last one; yield each run's id and its rows.

    Needs the dataset's `lock`, and `recover` before it: the order of the runs must be final.

    Raises:
        DatasetError: a run's file is lost, or the table holds a run that the dataset does not know.
    """
    manifests = load_manifests(dataset)
    runs = [manifest for manifest in manifests if not manifest.removes]
    known = [manifest.commit_id for manifest in runs]
    last = table.properties.get(_LAST)
    if last is not None and last not in known:
        remedy = "Publish into another --table or --catalog"
        raise DatasetError(dataset.root, f"the table holds run {last}, of another dataset", remedy)
    for manifest in runs[known.index(last) + 1 if last is not None else 0 :]:
        rows = _rows(dataset, manifest, manifests)
        with table.transaction() as transaction:
            if rows.num_rows:
                transaction.append(rows, snapshot_properties={_RUN: manifest.commit_id})
            transaction.set_properties({_LAST: manifest.commit_id})
        yield manifest.commit_id, rows.num_rows


def _rows(dataset: Dataset, manifest: Manifest, manifests: Sequence[Manifest]) -> pa.Table:
    """A run's articles, also where a compaction has merged them with others'."""
    live = live_files(manifests)
    ours = [file for file in manifest.files if file.table == "articles"]
    paths = [file.path for file in ours if file.path in live]
    moved = {file.path.rpartition("/")[0] for file in ours} if len(paths) < len(ours) else set()
    merged = {path for path in live if path.rpartition("/")[0] in moved and path not in paths}
    parts = [read_rows(dataset, path, ARTICLES) for path in paths]
    for path in sorted(merged):
        rows = read_rows(dataset, path, ARTICLES)
        parts.append(rows.filter(pc.equal(rows.column("run_id"), manifest.commit_id)))
    rows = pa.concat_tables([ARTICLES.empty_table(), *parts])
    if rows.num_rows != sum(file.rows for file in ours):
        problem = f"{rows.num_rows} rows of run {manifest.commit_id}, its manifest says {sum(f.rows for f in ours)}"
        raise DatasetError(dataset.root, problem, "Look at it with `newsbeam verify`")
    return rows
