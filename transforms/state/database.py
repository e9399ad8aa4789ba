"""The small part of a database that the state needs, so that SQLite and PostgreSQL can hold the same tables.

Statements are written once, with `?` for values, in the SQL that both understand.
"""

import abc
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

from apache_beam.utils.timestamp import Timestamp

from schemas.records import Signature
from transforms.state.records import TABLES

REBUILD: Final = "Run `newsbeam state rebuild`, which fills it again from the manifests"


def is_database(address: str) -> bool:
    """Tell whether an address is that of a PostgreSQL database, and not a path.

    >>> is_database("postgresql://me@host/news"), is_database("postgres://host/news"), is_database("/srv/state.sqlite")
    (True, True, False)
    """
    return address.startswith(("postgresql://", "postgres://"))


class Words(NamedTuple):
    """What the databases say differently."""

    integer: str
    real: str
    bytes: str
    number: str  # a row's number, given by the database
    keyed: str  # ending of a table that is only ever asked by its key


class Transaction(abc.ABC):
    """Statements that are carried out together or not at all."""

    @abc.abstractmethod
    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Carry out a statement; return a cursor, with `fetchone`, `fetchall` and `rowcount`."""

    @abc.abstractmethod
    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out a statement for each of `rows`."""


class Database(abc.ABC):
    """One place a state can lie in. Its methods raise `DatasetError`, with what to do about it."""

    name: str  # for people: without a password

    @abc.abstractmethod
    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT; none where nothing has been written yet."""

    @abc.abstractmethod
    def writing(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction, which ends with its block; tables are made where they are missing."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Throw all of the state away, also where it is damaged."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close what is open; the next call opens it again."""


def schema(words: Words) -> list[str]:
    """Return the statements that make the tables."""
    return [
        *(_create(kind, words) for kind in TABLES),
        f"CREATE TABLE anchors (anchor {words.integer}, fetched_at {words.integer}, signature {words.integer},"
        f" PRIMARY KEY (anchor, fetched_at, signature)){words.keyed}",
        f"CREATE TABLE lines (line {words.integer}, fetched_at {words.integer}, signature {words.integer},"
        f" PRIMARY KEY (line, fetched_at, signature)){words.keyed}",
        f"CREATE TABLE applied (commit_id TEXT PRIMARY KEY, created {words.real} NOT NULL){words.keyed}",
        "CREATE INDEX waiting ON links (feed) WHERE entry != ''",
    ]


def _create(kind: type[Any], words: Words) -> str:
    table = TABLES[kind]
    affinity = {str: "TEXT", int: words.integer, bool: words.integer, Timestamp: words.integer, float: words.real}
    columns = [
        f"{name} {affinity.get(hint, words.bytes)}{'' if optional else ' NOT NULL'}"
        for name, (hint, optional) in table.fields.items()
    ]
    if kind is Signature:  # `anchors` and `lines` point at signatures by their numbers
        columns = [f"number {words.number}", *columns, f"UNIQUE ({', '.join(table.key)})"]
        return f"CREATE TABLE {table.name} ({', '.join(columns)})"
    return f"CREATE TABLE {table.name} ({', '.join(columns)}, PRIMARY KEY ({', '.join(table.key)})){words.keyed}"
