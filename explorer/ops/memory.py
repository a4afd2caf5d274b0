"""Memory of tensors: how much objects hold, and which errors mean that it ran out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from torch import Tensor

__all__ = ["held_bytes", "lacks_memory", "tensors_in"]

# Messages of torch's allocators in a plain RuntimeError, in lower case.
_SHORTAGES = ("out of memory", "can't allocate memory", "not enough memory")


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on any device."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _SHORTAGES)


def held_bytes(tensors: Iterable[Tensor]) -> int:
    """Return the total bytes of the tensors' storages, each counted once."""
    sizes: dict[object, int] = {}
    for tensor in tensors:
        if tensor.is_mkldnn:  # packed by oneDNN, without an accessible storage
            sizes[id(tensor)] = tensor.numel() * tensor.element_size()
        else:
            storage = tensor.untyped_storage()
            sizes[tensor.device, storage.data_ptr()] = storage.nbytes()
    return sum(sizes.values())


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors in a value, including its items and, for objects of this package, its attributes."""
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
