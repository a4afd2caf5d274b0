"""Memory: freed memory kept for the next picture or given back, what objects hold, errors that mean it ran out."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from torch import Tensor

__all__ = ["give_back_freed_memory", "held_bytes", "keep_freed_memory", "lacks_memory", "tensors_in"]

_log = logging.getLogger("explorer.ops")
# <malloc.h> of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8


# What torch's allocators say in a plain RuntimeError, in lower case.
_SHORTAGES = ("out of memory", "can't allocate memory", "not enough memory")


def lacks_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on whichever device."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _SHORTAGES)


def keep_freed_memory(limit_bytes: int = 1 << 29) -> bool:
    """Let freed memory up to `limit_bytes` stay with the process, for the next picture. For a program's start.

    A generator allocates and frees the same tensors for each picture. By default glibc maps big ones afresh, and
    the kernel clears every page again: 12 ms for 33 MB here, against 1.3 ms for writing them. Measured on two
    cores: StyleGAN2-256 107 -> 97 ms in float32, StyleGAN2-1024 410 -> 345 ms of CPU time in bfloat16, with a
    lower peak, because one arena serves all threads.

    Returns:
        Whether the C library took it; other platforms are left as they are.
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
    """Hand memory that was freed back to the system, which `keep_freed_memory` has let stay. For quiet moments.

    The next picture takes a few milliseconds longer, because its memory has to be mapped again.

    Returns:
        Whether anything was given back; False on platforms that do so by themselves.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:
        return False  # musl has none


def held_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the storages of tensors, each counted once and in whole."""
    sizes: dict[object, int] = {}
    for tensor in tensors:
        if tensor.is_mkldnn:  # packed by oneDNN, which shows no storage
            sizes[id(tensor)] = tensor.numel() * tensor.element_size()
        else:
            storage = tensor.untyped_storage()
            sizes[tensor.device, storage.data_ptr()] = storage.nbytes()
    return sum(sizes.values())


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors in a value: those of its items and, for our own objects, of its attributes."""
    pending, seen = [value], set()
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, Mapping):
            pending.extend(item.values())
        elif isinstance(item, Sequence) and not isinstance(item, str | bytes):
            pending.extend(item)
        elif type(item).__module__.startswith("explorer."):
            names = [name for kind in type(item).__mro__ for name in getattr(kind, "__slots__", ())]
            pending.extend(getattr(item, name, None) for name in names)
            pending.extend(vars(item).values() if hasattr(item, "__dict__") else ())
