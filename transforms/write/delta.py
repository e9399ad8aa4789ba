"""What a commit changes in the state, as it is kept: packed files of JSON lines, one object a record."""

import gzip
import json
from collections.abc import Iterable
from typing import Any, Final

from transforms.state import StateRecord, to_scalars

DELTA: Final = "_meta/delta"
_LEVEL: Final = 3  # of gzip


def delta_file(records: Iterable[StateRecord]) -> bytes:
    """Return the file of `records`."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    lines = "".join(f"{encode(to_scalars(record))}\n" for record in records)
    return gzip.compress(lines.encode(), _LEVEL, mtime=0)


def delta_rows(data: bytes) -> list[dict[str, Any]]:
    """Return the objects in a file, as `transforms.state.from_scalars` takes them.

    They are parsed as one list, which is a third of the work of one by one.

    Raises:
        EOFError, ValueError, zlib.error, gzip.BadGzipFile: it is damaged.
    """
    rows: list[dict[str, Any]] = json.loads(b"[%s]" % b",".join(gzip.decompress(data).splitlines()))
    return rows
