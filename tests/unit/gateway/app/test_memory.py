"""What is large goes back to the kernel when it is freed, whatever lies behind it on the heap."""

import platform
import subprocess
import sys

import pytest

PROBE = """
from pathlib import Path
from gateway.app import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

memory.settle()
bytearray(20_000_000)  # the C library would keep pieces as large as this on its heap from now on
before = resident()
pieces = [bytearray(1_000_000) for _ in range(40)]
behind = bytearray(100_000)
held = resident() - before
del pieces
print(held, resident() - before, len(behind))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not on glibc")
def test_large_pieces_are_given_back_one_by_one() -> None:
    told = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True, text=True).stdout
    held, left, _ = map(int, told.split())
    assert held > 38_000_000
    assert left < 2_000_000
