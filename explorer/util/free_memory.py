"""Free memory for this process: the minimum of the machine's, its container's and its own limit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["free_memory"]

_CGROUPS = (  # (limit, in use) in version 2 and version 1 of Linux's control groups
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def free_memory() -> int | None:
    """Return the bytes that can be allocated without swapping or being killed; None if unknown."""
    found = [_of_machine(), _of_container(), _of_process()]
    known = [max(bytes_, 0) for bytes_ in found if bytes_ is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    if sys.platform == "win32":
        return _of_windows()
    lines = _text("/proc/meminfo").splitlines()
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    try:  # the free memory is unknown: assume half of the total
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _of_container() -> int | None:
    for limit_file, usage_file in _CGROUPS:
        limit, usage = _text(limit_file).strip(), _text(usage_file).strip()
        if limit.isdecimal() and usage.isdecimal():
            return int(limit) - int(usage) + _file_cache()
    return None


def _file_cache() -> int:
    """Return the bytes of file cache in the container's usage, which are reclaimed on demand."""
    for line in _text("/sys/fs/cgroup/memory.stat").splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _of_process() -> int | None:
    """Return the rest of a limit on the address space (`ulimit -v`)."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _text("/proc/self/statm").split()
    if limit == resource.RLIM_INFINITY or not pages:
        return None
    return limit - int(pages[0]) * resource.getpagesize()


def _of_windows() -> int | None:
    if sys.platform != "win32":
        return None
    import ctypes

    class Status(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong) for name in ("total", "free", "c", "d", "e", "f", "g")
        ]

    status = Status()
    status.length = ctypes.sizeof(status)
    return int(status.free) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
