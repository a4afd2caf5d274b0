"""The C library's heap: keeps freed memory for the next picture, or returns it. Does not import torch."""

from __future__ import annotations

import ctypes
import logging
import sys

__all__ = ["give_back_freed_memory", "keep_freed_memory"]

_log = logging.getLogger("explorer.heap")

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
"""Parameters of `mallopt`, from glibc's <malloc.h>."""


def keep_freed_memory(limit_bytes: int = 1 << 29) -> bool:
    """Keep up to `limit_bytes` of freed memory in the process for the next picture.

    Call this first, before any thread allocates: glibc gives threads separate heaps ("arenas"), and existing ones
    stay in use, with their own free memory.

    A generator allocates and frees the same tensors for each picture. By default glibc maps large ones anew, and
    the kernel clears every page: 12 ms for 33 MB, against 1.3 ms for writing them. Measured on two cores:
    StyleGAN2-256 107 -> 97 ms in float32, StyleGAN2-1024 410 -> 345 ms of CPU time in bfloat16, with a lower peak,
    because all threads share one arena.

    Returns:
        Whether the C library accepted it; other platforms are unchanged.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False  # musl has none
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, limit_bytes), (_M_ARENA_MAX, 1))
    taken = all(mallopt(name, value) == 1 for name, value in settings)
    _log.debug("freed memory is kept: %s", taken)
    return taken


def give_back_freed_memory() -> bool:
    """Return freed memory, which `keep_freed_memory` has kept, to the system; call it when idle.

    The next picture takes a few milliseconds longer, because its memory must be mapped again.

    Returns:
        Whether any memory was returned; False on platforms that do so automatically.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:
        return False  # musl has none
