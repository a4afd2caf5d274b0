"""Reads the old `torch.save` stream of one storage, in which NVIDIA's pickles store each tensor.

It consists of five small pickles (magic number, protocol, system information, persistent id, list of keys), then
the number of elements as a little-endian int64, then the elements.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.machine import unsafe
from explorer.checkpoints.records import StorageRecord, StorageType
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.checkpoints.machine import Budget, Machine
    from explorer.checkpoints.records import Blob

__all__ = ["LEGACY_MAGIC", "LEGACY_PROTOCOL", "STORAGE_TYPES", "UNTYPED_TYPES", "read_storage", "storage_of_id"]

LEGACY_MAGIC = 119547037146038801333356
LEGACY_PROTOCOL = 1001
_WINDOW = 1024  # the five pickles take about 300 bytes

STORAGE_TYPES: Mapping[str, StorageType] = {
    f"torch.{name}": StorageType(name, dtype)
    for name, dtype in {
        "FloatStorage": torch.float32,
        "HalfStorage": torch.float16,
        "BFloat16Storage": torch.bfloat16,
        "DoubleStorage": torch.float64,
        "LongStorage": torch.int64,
        "IntStorage": torch.int32,
        "ShortStorage": torch.int16,
        "CharStorage": torch.int8,
        "ByteStorage": torch.uint8,
        "BoolStorage": torch.bool,
        # Weights do not have these types, but other tensors in the file may.
        "ComplexFloatStorage": torch.complex64,
        "ComplexDoubleStorage": torch.complex128,
        "QInt8Storage": torch.qint8,
        "QUInt8Storage": torch.quint8,
        "QInt32Storage": torch.qint32,
    }.items()
}
_UNTYPED = StorageType("UntypedStorage", torch.uint8)
UNTYPED_TYPES: Mapping[str, StorageType] = {
    "torch.storage.UntypedStorage": _UNTYPED,
    "torch.UntypedStorage": _UNTYPED,
}
"""Storage class of newer versions of torch for dtypes without their own; its size is in bytes."""


def read_storage(blob: Blob, budget: Budget) -> StorageRecord:
    """Return the storage in `blob`; its elements stay in the file.

    Raises:
        UnsafeFileError: The stream names anything but a storage type.
        UnreadableFileError: The stream is broken, or its size differs from the declared one.
        UnsupportedModelError: It was written on a big-endian machine.
    """
    source = blob.source
    values: list[object] = []
    position, end = blob.offset, blob.offset + blob.size
    for _ in range(5):
        reader = Interpreter(source, _names, position, end, budget, _persistent, _WINDOW)
        value, position = reader.run()
        values.append(value)
    magic, protocol, system, storage, keys = values
    if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL or not isinstance(storage, _Declared):
        raise source.damaged(f"the stored tensor at byte {blob.offset:,} is not in torch's format")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise UnsupportedModelError(
            f"{source.name} was written on a big-endian machine.", "Save it again on an ordinary computer."
        )
    if not isinstance(keys, list) or keys != [storage.key]:
        raise source.damaged(f"the stored tensor at byte {blob.offset:,} lists the wrong keys")
    if end - position < 8:
        raise source.damaged(f"the stored tensor at byte {blob.offset:,} has no elements")
    (numel,) = struct.unpack("<q", source.read(position, 8))
    start = position + 8
    if numel != storage.numel or numel * storage.kind.dtype.itemsize != end - start:
        raise source.damaged(
            f"the tensor stored at byte {blob.offset:,} declares {storage.numel:,} and {numel:,} elements "
            f"but has {end - start:,} bytes"
        )
    return StorageRecord(source, start, storage.kind.dtype, numel)


class _Declared:
    """A persistent id `('storage', type, key, device, numel, None)`."""

    def __init__(self, kind: StorageType, key: str, numel: int) -> None:
        self.kind, self.key, self.numel = kind, key, numel


def storage_of_id(vm: Machine, identifier: object) -> tuple[StorageType, str, int]:
    """Return type, key and number of elements of a persistent id."""
    match identifier:
        case ("storage", StorageType() as kind, str(key), str(), int(numel), *view) if (
            type(numel) is int and numel >= 0 and (not view or view == [None])
        ):
            return kind, key, numel
    vm.fail("a stored tensor with a broken description")


def _persistent(vm: Machine, identifier: object) -> _Declared:
    return _Declared(*storage_of_id(vm, identifier))


def _names(vm: Machine, module: str, name: str) -> object:
    full_name = f"{module}.{name}"
    found = STORAGE_TYPES.get(full_name) or UNTYPED_TYPES.get(full_name)
    if found is None:
        text = f"{module}.{name}".encode("ascii", "backslashreplace").decode()[:80]
        raise unsafe(vm.source, f"for {text} inside a stored tensor")
    return found
