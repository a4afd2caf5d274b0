"""Memory of tensors: what objects hold, and errors that mean it ran out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from torch import Tensor

__all__ = ["held_bytes", "lacks_memory", "tensors_in"]

# What torch's allocators say in a plain RuntimeError, in lower case.
_SHORTAGES = ("out of memory", "can't allocate memory", "not enough memory")


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on whichever device."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _SHORTAGES)


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
    """Yield the tensors in a value: those of its items and, for our own objects, of its attributes."""
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
