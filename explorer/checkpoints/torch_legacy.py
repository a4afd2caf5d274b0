"""Reads `torch.save` streams from before 2020 as records of their tensors' locations.

They consist of five pickles (magic number, protocol, system information, the value, list of keys), then for each
key the number of its elements as a little-endian int64, and the elements.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from explorer.checkpoints.allow_list import known_names
from explorer.checkpoints.machine import Budget, Stub
from explorer.checkpoints.records import StorageRecord
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.torch_storage import LEGACY_MAGIC, LEGACY_PROTOCOL, storage_of_id
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from explorer.checkpoints.machine import Machine
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import Source

__all__ = ["read_torch_stream"]


def read_torch_stream(source: Source, monitor: Monitor, budget: Budget | None = None) -> object:
    """Return the value passed to `torch.save`, with tensors as records of their location in the file.

    Args:
        source: The file.
        monitor: Monitor of the whole job.
        budget: Limits; afterwards it has the unknown names.

    Raises:
        UnsafeFileError: The stream would run code.
        UnreadableFileError: The stream is truncated, broken, or of another kind.
        UnsupportedModelError: It was written on a big-endian machine.
    """
    budget = Budget(monitor=monitor) if budget is None else budget
    start = _head(source, budget)
    declared: dict[str, StorageRecord] = {}

    def declare(vm: Machine, identifier: object) -> object:
        if (module := _module_class(identifier)) is not None:
            return module
        kind, key, numel = storage_of_id(vm, identifier)
        return declared.setdefault(key, StorageRecord(source, 0, kind.dtype, numel))

    def load(vm: Machine, identifier: object) -> object:
        if (module := _module_class(identifier)) is not None:
            return module
        kind, key, numel = storage_of_id(vm, identifier)
        found = placed.get(key)
        if found is None or (found.dtype, found.numel) != (kind.dtype, numel):
            vm.fail(f"the stored tensor {key[:40]!r} is missing or of another size")
        return found

    # The location of the elements comes after the value, so the value is read twice.
    _, position = Interpreter(source, known_names, start, None, budget, declare).run()
    keys, position = Interpreter(source, known_names, position, None, budget).run()
    placed = _placed(source, declared, keys, position)
    value, _ = Interpreter(source, known_names, start, None, budget, load).run()
    return value


def _module_class(identifier: object) -> Stub | None:
    """Return the class of a module, dropping the source text that was stored with it."""
    match identifier:
        case ("module", Stub() as stub, *_):
            return stub
    return None


def _head(source: Source, budget: Budget) -> int:
    """Check the header before the value; return the offset after it."""
    magic, position = Interpreter(source, known_names, 0, None, budget).run()
    if magic != LEGACY_MAGIC:
        raise source.damaged("it does not begin as torch.save begins a file")
    protocol, position = Interpreter(source, known_names, position, None, budget).run()
    if protocol != LEGACY_PROTOCOL:
        raise source.damaged("its version of torch.save's format is unknown")
    system, position = Interpreter(source, known_names, position, None, budget).run()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise UnsupportedModelError(
            f"{source.name} was written on a big-endian machine.", "Save it again on an ordinary computer."
        )
    return position


def _placed(
    source: Source, declared: dict[str, StorageRecord], keys: object, position: int
) -> dict[str, StorageRecord]:
    """Return the storages with their offsets, in the order of the file's list of keys."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise source.damaged("the list of its stored tensors is broken")
    placed: dict[str, StorageRecord] = {}
    for key in keys:
        (numel,) = struct.unpack("<q", source.read(position, 8))
        storage = declared.get(key)
        if storage is None or key in placed or numel != storage.numel:
            raise source.damaged(f"the stored tensor {key[:40]!r} has {numel:,} elements that it does not declare")
        placed[key] = StorageRecord(source, position + 8, storage.dtype, numel)
        position += 8 + numel * storage.dtype.itemsize
        if position > source.size:
            raise source.truncated(placed[key].offset)
    return placed
