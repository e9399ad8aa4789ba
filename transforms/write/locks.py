"""Locks between processes that end with the process that holds them: of a file, or of a PostgreSQL database."""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from transforms.state import is_database


@contextlib.contextmanager
def hold(place: str, name: str, holder: str, *, wait: bool) -> Iterator[Optional[str]]:
    """Hold the lock `name` of a place: a path's first part, or a database's URL. Yields None; where `wait` is false and
    another has it, who that is.

    Raises:
        OSError: the lock's file cannot be made.
    """
    if is_database(place):
        with _hold_in_database(place, name, holder, wait) as other:
            yield other
        return
    path = Path(place + name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            yield file.read(200).strip()
            return
        if holder:
            file.truncate(0)
            file.write(holder)
            file.flush()
        yield None


@contextlib.contextmanager
def _hold_in_database(url: str, name: str, holder: str, wait: bool) -> Iterator[Optional[str]]:
    import psycopg

    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    # The server frees the lock when the connection ends; an own connection, so that no rollback can end it.
    with psycopg.connect(url, autocommit=True, application_name=f"newsbeam: {holder}"[:63]) as connection:
        if wait:
            connection.execute("SELECT pg_advisory_lock(%s)", (key,))
        elif not _first(connection.execute("SELECT pg_try_advisory_lock(%s)", (key,))):
            yield str(_first(connection.execute(_HOLDER, (key, key))) or "")
            return
        yield None
        # At once: that the connection has ended, a busy server may notice later.
        connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


_HOLDER = """
SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE locktype = 'advisory' AND granted AND classid::bigint = (%s::bigint >> 32) & 4294967295
  AND objid::bigint = %s::bigint & 4294967295 AND datname = current_database()
"""


def _first(cursor: Any) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
