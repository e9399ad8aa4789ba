"""Memory: what the C library keeps of what a run has let go of.

glibc raises by itself the size from which it maps memory apart, up to 32 MB, and keeps an arena for every thread that
ever asked: pages, trees and word lists come and go, and what they leave between them stays the process's.
"""

import ctypes
import os
from typing import Final

import pyarrow as pa

_M_TRIM_THRESHOLD: Final = -1  # <malloc.h>
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_BYTES: Final = 128 * 1024  # glibc's own first thresholds; set, they no longer grow
_ARENAS: Final = 2  # the crawl's thread and everybody else


def give_back() -> None:
    """Let freed memory go back to the system, here and in worker processes started later.

    What the environment says itself stays; without glibc only Arrow's own pool is passed by.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps 17 MB of a day's files
    names = {"MALLOC_TRIM_THRESHOLD_": _M_TRIM_THRESHOLD, "MALLOC_MMAP_THRESHOLD_": _M_MMAP_THRESHOLD}
    values = {name: (option, _BYTES) for name, option in names.items()} | {"MALLOC_ARENA_MAX": (_M_ARENA_MAX, _ARENAS)}
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    for name, (option, value) in values.items():
        if mallopt is not None and name not in os.environ:
            mallopt(option, value)
            os.environ[name] = str(value)
