"""The state in one SQLite file, in WAL mode: readers go on beside the writer."""

import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Optional

from schemas.errors import DatasetError
from transforms.state.database import REBUILD, Database, Transaction, Words, schema

_SCHEMA: Final = schema(Words("INTEGER", "REAL", "BLOB", "INTEGER PRIMARY KEY", " WITHOUT ROWID"))
_LAYOUT: Final = zlib.crc32("\n".join(_SCHEMA).encode()) & 0x7FFFFFFF  # kept in the file as `user_version`
_BUSY_S: Final = 30.0  # a writer's checkpoint may hold readers up this long
_AGAIN_S: Final = 0.01
_LOOK: Final = "Check the folder's permissions and the disk, then start again"
_EXPLANATIONS: Final = {  # by the second word of SQLite's error name
    "CORRUPT": ("the state is damaged", REBUILD),
    "NOTADB": ("the state is damaged: not an SQLite file", REBUILD),
    "FULL": ("no space left for the state", "Free some space, then start again: nothing is lost"),
    "IOERR": (
        "the state cannot be read or written",
        "Look at the disk, its quota and limits, then start again: nothing is lost",
    ),
    "BUSY": ("the state is locked by another program", "Close whatever has the file open for writing"),
    "READONLY": ("the state cannot be written", "Make the file and its folder writable for this user"),
}


class _Transaction(Transaction):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self.connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self.connection.executemany(statement, rows)


class Sqlite(Database):
    """A file; one that is not there yet reads as empty. Opened on first use, read-only until something is written."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._reader: Optional[sqlite3.Connection] = None

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._explained():
            connection = self._connect()
            return [] if connection is None else connection.execute(statement, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        with self._explained():
            connection = self._writer()
            try:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    yield _Transaction(connection)
            finally:
                connection.close()

    def reset(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(self.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _connect(self) -> Optional[sqlite3.Connection]:
        """The reading connection, or None while there is no file."""
        if self._reader is None and os.path.exists(self.name):
            # A DoFn's calls come from one thread at a time, but not always from the same one.
            uri = f"{Path(self.name).absolute().as_uri()}?mode=ro"
            reader = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=False)
            version = _version(reader)
            if version == 0:  # another process is about to lay out the file
                reader.close()
                return None
            self._check_layout(version)
            self._reader = reader
        return self._reader

    def _writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.name, timeout=_BUSY_S, isolation_level=None)
        try:
            _write_ahead(connection)
            if _version(connection) == 0:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    if _version(connection) == 0:  # no other process came first
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
            raise DatasetError(self.name, "the state was written by another version of newsbeam", REBUILD)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            problem, remedy = _EXPLANATIONS.get(name.split("_")[1] if "_" in name else "", (str(error), _LOOK))
            raise DatasetError(self.name, problem, remedy) from error


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode; while another process does so, SQLite refuses at once, whatever its `timeout`."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
