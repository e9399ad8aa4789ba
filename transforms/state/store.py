"""What the stages ask the state, and how a commit changes it."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Optional, Self, Union

import numpy as np
from apache_beam.utils.timestamp import Timestamp

from schemas.records import FeedState, LinkState, Signature, VersionState
from transforms.state.database import Database, Transaction, is_database
from transforms.state.records import TABLES, Delta, R, Scalar, from_scalars, to_scalars
from transforms.state.sqlite import Sqlite

_NEWEST_TEXTS: Final = 64  # with a line, looked at: enough for some stories with several versions each
_INDEXES: Final = {"anchors": "anchor", "lines": "line"}  # tables that find signatures: their column, the field's name
_MAX_KEYS: Final = 500  # of one SELECT; SQLite before 3.32 takes 999 variables


class Carrier(NamedTuple):
    """A text that has a given line at one of its ends: its signature's fields of these names."""

    article_id: str
    cluster_id: str
    title: str
    lead: bytes


class Store:
    """The state of a dataset, in the SQLite file at `address` or the database at that `postgresql://` URL.

    What is not there yet reads as empty. Pickles as its address and opens on first use, read-only, so DoFns can hold
    one. Every method raises `DatasetError` where the state is damaged, cannot be reached, or the disk is full.
    """

    def __init__(self, address: Union[str, os.PathLike[str]]) -> None:
        self.address = os.fspath(address)
        self._database: Database
        if is_database(self.address):
            from transforms.state.postgres import Postgres

            self._database = Postgres(self.address)
        else:
            self._database = Sqlite(self.address)

    def __reduce__(self) -> tuple[type["Store"], tuple[str]]:
        return Store, (self.address,)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> str:
        """The address for people: without a password."""
        return self._database.name

    def feeds(self) -> dict[str, FeedState]:
        """Return every feed we have polled, by its URL as configured."""
        return {state.url: state for state in self._select(FeedState, "")}

    def links(self, keys: Collection[str]) -> dict[str, LinkState]:
        """Return what became of those of the links `keys` that we have met."""
        return {state.link: state for state in self._by_key(LinkState, keys)}

    def waiting(self, feed: str, count: int) -> list[LinkState]:
        """Return the `count` newest links of a feed whose entries wait for a run to look at them again."""
        where = "WHERE feed = ? AND entry != '' ORDER BY coalesce(stamp, 0) DESC, link LIMIT ?"
        return list(self._select(LinkState, where, (feed, count)))

    def feeds_waited_for(self) -> frozenset[str]:
        """Return the feeds, by URL, of which entries wait for a run to look at them again."""
        return frozenset(row[0] for row in self._database.query("SELECT DISTINCT feed FROM links WHERE entry != ''"))

    def count_waiting(self) -> int:
        """Return how many entries wait for a run to look at them again, of all feeds together."""
        rows = self._database.query("SELECT count(*) FROM links WHERE entry != ''")
        return int(rows[0][0]) if rows else 0

    def versions(self, article_ids: Collection[str]) -> dict[str, VersionState]:
        """Return the newest stored version of those of `article_ids` that are stored."""
        return {article_id: known[-1] for article_id, known in self.all_versions(article_ids).items()}

    def all_versions(self, article_ids: Collection[str]) -> dict[str, list[VersionState]]:
        """Return every stored version of those of `article_ids` that are stored, in their order."""
        found = dict[str, list[VersionState]]()
        for state in sorted(self._by_key(VersionState, article_ids), key=lambda state: state.version):
            found.setdefault(state.article_id, []).append(state)
        return found

    def signatures(self, anchors: Collection[int], since: Timestamp, max_shared: int = 40) -> list[Signature]:
        """Return the signatures fetched at or after `since` that share at least one of `anchors`, each once.

        An anchor that more than `max_shared` of them have is a template's, not evidence, and finds none.
        """
        query = "SELECT signature FROM anchors WHERE anchor = ? AND fetched_at >= ? LIMIT ?"
        found = set[int]()
        for anchor in set(anchors):
            rows = self._database.query(query, (anchor, since.micros, max_shared + 1))
            if len(rows) <= max_shared:
                found.update(row for (row,) in rows)
        return [
            signature
            for part in _parts(sorted(found))
            for signature in self._select(Signature, f"WHERE number IN ({_marks(part)}) ORDER BY number", part)
        ]

    def signature(self, article_id: str, version: int) -> Optional[Signature]:
        """Return the signature of one version of an article, None where it is not kept any more."""
        where = "WHERE article_id = ? AND version = ?"
        return next(self._select(Signature, where, (article_id, version)), None)

    def repeated(self, lines: Collection[int], stories: int) -> set[int]:
        """Return those of `lines` that stand in at least so many different `stories`, by the newest texts with them."""
        return {line for line in set(lines) if len({with_it.cluster_id for with_it in self.carriers(line)}) >= stories}

    def carriers(self, line: int) -> list[Carrier]:
        """Return the newest texts with a line."""
        query = (
            "SELECT article_id, cluster_id, title, lead FROM lines JOIN signatures ON number = signature"
            " WHERE line = ? ORDER BY lines.fetched_at DESC, signature DESC LIMIT ?"
        )
        return [Carrier(*row) for row in self._database.query(query, (line, _NEWEST_TEXTS))]

    def signatures_of(self, article_id: str, since: Timestamp) -> list[Signature]:
        """Return the signatures of an article's versions that were fetched at or after `since`."""
        where = "WHERE article_id = ? AND fetched_at >= ? ORDER BY version"
        return list(self._select(Signature, where, (article_id, since.micros)))

    def applied(self) -> set[str]:
        """Return the ids of the commits this state holds."""
        return {commit_id for (commit_id,) in self._database.query("SELECT commit_id FROM applied")}

    def newest_commit(self) -> float:
        """Return when the newest of `applied` was created, seconds since 1970; 0 where there is none."""
        return max((float(at or 0) for (at,) in self._database.query("SELECT max(created) FROM applied")), default=0.0)

    def apply(self, commit_id: str, delta: Delta, created: float = 0.0) -> bool:
        """Apply `delta` and note `commit_id` with its time, all or nothing; return False where that was done before."""
        with self._database.writing() as transaction:
            if transaction.execute("SELECT 1 FROM applied WHERE commit_id = ?", (commit_id,)).fetchone():
                return False
            transaction.execute("INSERT INTO applied VALUES (?, ?)", (commit_id, created))
            for kind, rows in ((FeedState, delta.feeds), (LinkState, delta.links), (VersionState, delta.versions)):
                if rows:
                    _, _, names, defaults = TABLES[kind]
                    values = [[row.get(name, defaults.get(name)) for name in names] for row in rows]
                    transaction.executemany(_upsert(kind), values)
            for signature in delta.signatures:
                _put_signature(transaction, signature)
        return True

    def forget_signatures(self, before: Timestamp) -> int:
        """Drop the signatures fetched before `before`, which no search looks at any more; return how many."""
        if not self._database.query("SELECT 1 FROM signatures WHERE fetched_at < ? LIMIT 1", (before.micros,)):
            return 0
        with self._database.writing() as transaction:
            for table in _INDEXES:
                transaction.execute(f"DELETE FROM {table} WHERE fetched_at < ?", (before.micros,))  # noqa: S608  # ours
            return int(transaction.execute("DELETE FROM signatures WHERE fetched_at < ?", (before.micros,)).rowcount)

    def clear(self) -> None:
        """Throw everything away, also where it is damaged: `transforms.write.recover` fills it again."""
        self._database.reset()

    def close(self) -> None:
        """Close what is open; the next call opens it again."""
        self._database.close()

    def _by_key(self, kind: type[R], keys: Collection[str]) -> Iterator[R]:
        for part in _parts(sorted(set(keys))):
            yield from self._select(kind, f"WHERE {TABLES[kind].key[0]} IN ({_marks(part)})", part)

    def _select(self, kind: type[R], where: str, values: Sequence[Scalar] = ()) -> Iterator[R]:
        table = TABLES[kind]
        query = f"SELECT {', '.join(table.fields)} FROM {table.name} {where}"  # noqa: S608  # all of them ours
        for row in self._database.query(query, values):
            yield from_scalars(kind, dict(zip(table.fields, row, strict=True)))


def _upsert(kind: type[Any]) -> str:
    table = TABLES[kind]
    columns = ", ".join(table.fields)
    changes = ", ".join(f"{name} = excluded.{name}" for name in table.fields if name not in table.key)
    return (
        f"INSERT INTO {table.name} ({columns}) VALUES ({_marks(table.fields)})"  # noqa: S608  # all of them ours
        f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"
    )


def _put_signature(transaction: Transaction, signature: Signature) -> None:
    key = (signature.article_id, signature.version)
    known = "SELECT number, fetched_at, anchors, lines FROM signatures WHERE article_id = ? AND version = ?"
    for number, at, *hashes in transaction.execute(known, key).fetchall():
        for (table, column), packed in zip(_INDEXES.items(), hashes, strict=True):
            stale = [(value, at, number) for value in np.frombuffer(packed, "<i8").tolist()]
            statement = f"DELETE FROM {table} WHERE {column} = ? AND fetched_at = ? AND signature = ?"  # noqa: S608
            transaction.executemany(statement, stale)
    values = list(to_scalars(signature).values())
    [number] = transaction.execute(f"{_upsert(Signature)} RETURNING number", values).fetchone()
    at = signature.fetched_at.micros
    for table in _INDEXES:
        transaction.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?) ON CONFLICT DO NOTHING",  # noqa: S608
            [(value, at, number) for value in getattr(signature, table)],
        )


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MAX_KEYS):
        yield values[start : start + _MAX_KEYS]


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
