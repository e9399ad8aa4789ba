"""Swapping two folders in one step, which Python's own library does not offer."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2  # linux/fs.h


def exchange(one: Path, other: Path) -> None:
    """Swap two folders at once, by Linux' renameat2: whoever opens either path sees one of the two, whole.

    Raises:
        OSError: one is missing, or the system or file system cannot do it (ENOSYS, EINVAL).
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, "this system cannot swap folders", str(other))
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(other))
