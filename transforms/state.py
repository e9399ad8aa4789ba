"""State: what earlier runs have learned, kept in one SQLite file beside the dataset.

Workers only read it. It is written once a run, after the run's commit, in one transaction that also notes the commit's
id: applying a commit twice changes nothing. All of it follows from the manifests, so a lost file is rebuilt from them
(`transforms.write.recover`).

Tables and columns are those of the records: a field added to a record needs a default, so that older deltas still load.
"""

import os
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Optional, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from apache_beam.utils.timestamp import Timestamp

from schemas.errors import DatasetError
from schemas.records import FeedState, LinkState, Signature, VersionState

Scalar = Union[str, int, float, bytes, None]
"""What a cell holds: times are integers, microseconds since 1970 UTC; lists of integers are int64 little-endian."""

StateRecord = Union[FeedState, LinkState, VersionState, Signature]
R = TypeVar("R", FeedState, LinkState, VersionState, Signature)

_MAX_KEYS: Final = 500  # of one SELECT; SQLite before 3.32 takes 999 variables
_BUSY_S: Final = 30.0  # a writer's checkpoint may hold readers up this long


class Delta(NamedTuple):
    """What one commit changes: each record replaces the one with its key."""

    feeds: Sequence[FeedState] = ()
    links: Sequence[LinkState] = ()
    versions: Sequence[VersionState] = ()
    signatures: Sequence[Signature] = ()


def _fields(kind: type[Any]) -> dict[str, tuple[Any, bool]]:
    """Field name -> its type without `Optional`, and whether it may be None."""
    fields = dict[str, tuple[Any, bool]]()
    for name, hint in get_type_hints(kind).items():
        optional = get_origin(hint) is Union
        fields[name] = next(arg for arg in get_args(hint) if arg is not type(None)) if optional else hint, optional
    return fields


class _Table(NamedTuple):
    name: str
    key: tuple[str, ...]
    fields: Mapping[str, tuple[Any, bool]]


_TABLES: Final[Mapping[type[Any], _Table]] = {
    FeedState: _Table("feeds", ("url",), _fields(FeedState)),
    LinkState: _Table("links", ("link",), _fields(LinkState)),
    VersionState: _Table("versions", ("article_id",), _fields(VersionState)),
    Signature: _Table("signatures", ("article_id", "version"), _fields(Signature)),
}


def to_scalars(record: StateRecord) -> dict[str, Scalar]:
    """Return the fields of a state record as SQLite and JSON hold them."""
    return {name: _to_scalar(value) for name, value in zip(record._fields, record, strict=True)}


def from_scalars(kind: type[R], values: Mapping[str, Scalar]) -> R:
    """Return the record that `to_scalars` took apart; fields it does not know are passed over."""
    fields = _TABLES[kind].fields
    return kind(**{name: _from_scalar(fields[name][0], value) for name, value in values.items() if name in fields})


def _to_scalar(value: Any) -> Scalar:
    if isinstance(value, Timestamp):
        return int(value.micros)
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    return np.asarray(value, "<i8").tobytes()


def _from_scalar(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if kind is Timestamp:
        return Timestamp(micros=value)
    if get_origin(kind) is not None:
        return np.frombuffer(value, "<i8").tolist()
    return kind(value)


def _create(kind: type[Any]) -> str:
    table = _TABLES[kind]
    affinity = {str: "TEXT", int: "INTEGER", bool: "INTEGER", Timestamp: "INTEGER", float: "REAL"}
    columns = [
        f"{name} {affinity.get(hint, 'BLOB')}{'' if optional else ' NOT NULL'}"
        for name, (hint, optional) in table.fields.items()
    ]
    columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
    ending = "" if kind is Signature else " WITHOUT ROWID"  # `anchors` points at signatures by rowid
    return f"CREATE TABLE {table.name} ({', '.join(columns)}){ending}"


_SCHEMA: Final = (
    *(_create(kind) for kind in _TABLES),
    "CREATE TABLE anchors (anchor INTEGER, fetched_at INTEGER, signature INTEGER,"
    " PRIMARY KEY (anchor, fetched_at, signature)) WITHOUT ROWID",
    "CREATE TABLE applied (commit_id TEXT PRIMARY KEY, created REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX waiting ON links (feed) WHERE entry != ''",
)
_LAYOUT: Final = zlib.crc32("\n".join(_SCHEMA).encode()) & 0x7FFFFFFF  # kept in the file as `user_version`


_REBUILD: Final = "Move it and its -wal and -shm files away: the next run rebuilds it from the manifests"
_LOOK: Final = "Check the folder's permissions and the disk, then start again"
_EXPLANATIONS: Final = {  # by the second word of SQLite's error name
    "CORRUPT": ("the state is damaged", _REBUILD),
    "NOTADB": ("the state is damaged: not an SQLite file", _REBUILD),
    "FULL": ("no space left for the state", "Free some space, then start again: nothing is lost"),
    "BUSY": ("the state is locked by another program", "Close whatever has the file open for writing"),
    "READONLY": ("the state cannot be written", "Make the file and its folder writable for this user"),
}


class Store:
    """The state of a dataset, in the SQLite file at `path`; a file that is not there yet reads as empty.

    Pickles as its path and opens on first use, read-only, so DoFns can hold one. A shared database takes the same
    methods. Every method raises `DatasetError` where the file is damaged, locked for long, or the disk is full.
    """

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        self.path = os.fspath(path)
        self._reader: Optional[sqlite3.Connection] = None

    def __reduce__(self) -> tuple[type["Store"], tuple[str]]:
        return Store, (self.path,)

    def feeds(self) -> dict[str, FeedState]:
        """Return every feed we have polled, by its URL as configured."""
        return {state.url: state for state in self._select(FeedState, "")}

    def links(self, keys: Collection[str]) -> dict[str, LinkState]:
        """Return what became of those of the links `keys` that we have met."""
        return {state.link: state for state in self._by_key(LinkState, keys)}

    def waiting(self, feed: str) -> list[LinkState]:
        """Return the links of a feed whose entries wait for a run to look at them again."""
        return list(self._select(LinkState, "WHERE feed = ? AND entry != '' ORDER BY link", (feed,)))

    def versions(self, article_ids: Collection[str]) -> dict[str, VersionState]:
        """Return the newest stored version of those of `article_ids` that are stored."""
        return {state.article_id: state for state in self._by_key(VersionState, article_ids)}

    def signatures(self, anchors: Collection[int], since: Timestamp, max_shared: int = 40) -> list[Signature]:
        """Return the signatures fetched at or after `since` that share at least one of `anchors`, each once.

        An anchor that more than `max_shared` of them have is a template's, not evidence, and finds none.
        """
        connection = self._connect()
        if connection is None:
            return []
        query = "SELECT signature FROM anchors WHERE anchor = ? AND fetched_at >= ? LIMIT ?"
        found = set[int]()
        with self._explained():
            for anchor in set(anchors):
                rows = connection.execute(query, (anchor, since.micros, max_shared + 1)).fetchall()
                if len(rows) <= max_shared:
                    found.update(row for (row,) in rows)
        wanted = sorted(found)
        return [
            signature
            for part in _parts(wanted)
            for signature in self._select(Signature, f"WHERE rowid IN ({_marks(part)}) ORDER BY rowid", part)
        ]

    def applied(self) -> set[str]:
        """Return the ids of the commits this state holds."""
        connection = self._connect()
        if connection is None:
            return set()
        with self._explained():
            return {commit_id for (commit_id,) in connection.execute("SELECT commit_id FROM applied")}

    def newest_commit(self) -> float:
        """Return when the newest of `applied` was created, seconds since 1970; 0 where there is none."""
        connection = self._connect()
        if connection is None:
            return 0.0
        with self._explained():
            return float(connection.execute("SELECT coalesce(max(created), 0) FROM applied").fetchone()[0])

    def apply(self, commit_id: str, delta: Delta, created: float = 0.0) -> bool:
        """Apply `delta` and note `commit_id` with its time, all or nothing; return False where that was done before."""
        with self._explained(), closing(self._writer()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM applied WHERE commit_id = ?", (commit_id,)).fetchone():
                return False
            connection.execute("INSERT INTO applied VALUES (?, ?)", (commit_id, created))
            for records in (delta.feeds, delta.links, delta.versions):
                for record in records:
                    _put(connection, record)
            for signature in delta.signatures:
                _put_signature(connection, signature)
        return True

    def forget_signatures(self, before: Timestamp) -> int:
        """Drop the signatures fetched before `before`, which no search looks at any more; return how many."""
        if not os.path.exists(self.path):
            return 0
        with self._explained(), closing(self._writer()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM anchors WHERE fetched_at < ?", (before.micros,))
            return connection.execute("DELETE FROM signatures WHERE fetched_at < ?", (before.micros,)).rowcount

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _by_key(self, kind: type[R], keys: Collection[str]) -> Iterator[R]:
        for part in _parts(sorted(set(keys))):
            yield from self._select(kind, f"WHERE {_TABLES[kind].key[0]} IN ({_marks(part)})", part)

    def _select(self, kind: type[R], where: str, values: Sequence[Scalar] = ()) -> Iterator[R]:
        connection = self._connect()
        if connection is None:
            return
        table = _TABLES[kind]
        query = f"SELECT {', '.join(table.fields)} FROM {table.name} {where}"  # noqa: S608  # all of them ours
        with self._explained():
            rows = connection.execute(query, values).fetchall()
        for row in rows:
            yield from_scalars(kind, dict(zip(table.fields, row, strict=True)))

    def _connect(self) -> Optional[sqlite3.Connection]:
        """The reading connection, or None while there is no file."""
        if self._reader is None and os.path.exists(self.path):
            with self._explained():
                # A DoFn's calls come from one thread at a time, but not always from the same one.
                reader = sqlite3.connect(
                    f"{_uri(self.path)}?mode=ro", uri=True, timeout=_BUSY_S, check_same_thread=False
                )
                version = _version(reader)
                if version == 0:  # another process is about to lay out the file
                    reader.close()
                    return None
                self._check_layout(version)
                self._reader = reader
        return self._reader

    def _writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            if _version(connection) == 0:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in _SCHEMA:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {_LAYOUT}")
            self._check_layout(_version(connection))
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_layout(self, version: int) -> None:
        if version != _LAYOUT:
            raise DatasetError(self.path, "the state was written by another version of newsbeam", _REBUILD)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            problem, remedy = _EXPLANATIONS.get(name.split("_")[1] if "_" in name else "", (str(error), _LOOK))
            raise DatasetError(self.path, problem, remedy) from error


def _put(connection: sqlite3.Connection, record: StateRecord) -> int:
    values, table = to_scalars(record), _TABLES[type(record)].name
    statement = f"INSERT OR REPLACE INTO {table} ({', '.join(values)}) VALUES ({_marks(values)})"  # noqa: S608
    return connection.execute(statement, list(values.values())).lastrowid or 0


def _put_signature(connection: sqlite3.Connection, signature: Signature) -> None:
    key = (signature.article_id, signature.version)
    known = "SELECT rowid, anchors, fetched_at FROM signatures WHERE article_id = ? AND version = ?"
    for row, anchors, at in connection.execute(known, key).fetchall():
        stale = [(anchor, at, row) for anchor in np.frombuffer(anchors, "<i8").tolist()]
        connection.executemany("DELETE FROM anchors WHERE anchor = ? AND fetched_at = ? AND signature = ?", stale)
    row = _put(connection, signature)
    at = signature.fetched_at.micros
    connection.executemany(
        "INSERT OR IGNORE INTO anchors VALUES (?, ?, ?)", [(anchor, at, row) for anchor in signature.anchors]
    )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _uri(path: str) -> str:
    return Path(path).absolute().as_uri()


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MAX_KEYS):
        yield values[start : start + _MAX_KEYS]


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
