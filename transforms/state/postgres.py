"""The state in a PostgreSQL database, for workers on many machines. Needs the extra `postgres`."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Optional
from urllib.parse import urlsplit

try:
    import psycopg
except ImportError:
    psycopg = None  # type: ignore[assignment]

from schemas.errors import ConfigError, DatasetError
from transforms.state.database import REBUILD, Database, Transaction, Words, schema

_SCHEMA: Final = schema(
    Words("BIGINT", "DOUBLE PRECISION", "BYTEA", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "")
)
_LAYOUT: Final = zlib.crc32("\n".join(_SCHEMA).encode()) & 0x7FFFFFFF
_TABLES: Final = ("feeds", "links", "versions", "signatures", "anchors", "lines", "applied", "layout")
_MAKING: Final = 0x6E657773  # an advisory lock: two processes must not lay out the tables at once
_LOOK: Final = "Check the server and the URL's user, password and database, then start again: nothing is lost"


class _Transaction(Transaction):
    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self.connection.execute(_marked(statement), _clean(values))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(_marked(statement), [_clean(row) for row in rows])


class Postgres(Database):
    """A database at a `postgresql://` URL. Connects on first use, for reading only until something is written."""

    def __init__(self, url: str) -> None:
        if psycopg is None:
            remedy = "pip install 'newsbeam[postgres]'"
            raise ConfigError("command line", None, "--state", "PostgreSQL needs the package psycopg", remedy)
        self.url = url
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        self._reader: Optional[Any] = None

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._explained():
            connection = self._connect()
            return [] if connection is None else connection.execute(_marked(statement), _clean(values)).fetchall()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        with self._explained(), psycopg.connect(self.url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
            if not _laid_out(connection):
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("CREATE TABLE layout AS SELECT %s::BIGINT AS version", (_LAYOUT,))
            self._check_layout(connection)
            yield _Transaction(connection)

    def reset(self) -> None:
        self.close()
        with self._explained(), psycopg.connect(self.url) as connection:
            for table in _TABLES:
                connection.execute(f"DROP TABLE IF EXISTS {table}")

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _connect(self) -> Optional[Any]:
        """The reading connection, or None while there are no tables."""
        if self._reader is None or self._reader.closed:
            reader = psycopg.connect(self.url, autocommit=True, options="-c default_transaction_read_only=on")
            if not _laid_out(reader):
                reader.close()
                return None
            self._check_layout(reader)
            self._reader = reader
        return self._reader

    def _check_layout(self, connection: Any) -> None:
        if connection.execute("SELECT version FROM layout").fetchone() != (_LAYOUT,):
            raise DatasetError(self.name, "the state was written by another version of newsbeam", REBUILD)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise DatasetError(self.name, " ".join(str(error).split()) or type(error).__name__, _LOOK) from error


def _laid_out(connection: Any) -> bool:
    return bool(connection.execute("SELECT to_regclass('layout') IS NOT NULL").fetchone()[0])


def _marked(statement: str) -> str:
    return statement.replace("?", "%s")  # no statement of ours holds a literal `?` or `%`


def _clean(values: Sequence[Any]) -> list[Any]:
    """PostgreSQL's text holds every character but U+0000, which hostile feeds do contain."""
    return [value.replace("\0", "") if isinstance(value, str) else value for value in values]
