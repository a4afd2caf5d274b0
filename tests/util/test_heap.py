"""Keeping freed memory: in a process of its own, because the setting is for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

from explorer.util.heap import keep_freed_memory

_PROGRAM = """
import ctypes, resource
from explorer.util.heap import keep_freed_memory
assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def touch():
    p = libc.malloc(ctypes.c_size_t(64 << 20))
    ctypes.memset(p, 1, 64 << 20)
    libc.free(ctypes.c_void_p(p))
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_a_second_allocation_costs_no_page_faults() -> None:
    result = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 1000  # 64 MB are 16384 pages


@pytest.mark.skipif(sys.platform.startswith("linux"), reason="elsewhere it does nothing")
def test_elsewhere_it_says_no() -> None:
    assert not keep_freed_memory()
