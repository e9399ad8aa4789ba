"""What a commit changes in the state, as it is kept: packed files of JSON lines, one object a record."""

import gzip
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic_core import from_json, to_json

from transforms.state import Scalar

DELTA: Final = "_meta/delta"
_LEVEL: Final = 3  # of gzip


def delta_file(rows: Iterable[Mapping[str, Scalar]]) -> bytes:
    """Return the file of `rows`, records as `transforms.state.to_scalars` takes them apart."""
    lines = b"".join(b"%s\n" % to_json(row) for row in rows)
    return gzip.compress(lines, _LEVEL, mtime=0)


def delta_rows(data: bytes) -> list[dict[str, Any]]:
    """Return the rows in a file.

    They are parsed as one list, which is a third of the work of one by one.

    Raises:
        EOFError, ValueError, zlib.error, gzip.BadGzipFile: it is damaged.
    """
    rows: list[dict[str, Any]] = from_json(b"[%s]" % b",".join(gzip.decompress(data).splitlines()))
    return rows
