"""What a run has let go of goes back to the system."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pipelines.memory import give_back

def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "yes":
    give_back()
bytearray(4_000_000)  # a large page: from now on glibc would keep what is smaller
before = resident()
pages = [bytearray(b"x" * 300_000) for _ in range(200)]
del pages[::2]  # every other one goes, as pages do between the articles that stay
print((resident() - before) / 60_000_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is what is set")
def test_freed_pages_between_others_that_stay_go_back() -> None:
    def share_kept(set_up: str) -> float:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        command = [sys.executable, "-c", SCRIPT, set_up]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**plain, "PYTHONPATH": "."})
        return float(done.stdout)

    assert share_kept("yes") < 0.6
    assert share_kept("no") > 0.9  # else it is needed no more
