"""Inert records, which replace the objects of a pickle."""

from __future__ import annotations

import math
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from explorer.checkpoints.source import Source

__all__ = [
    "Blob",
    "ModuleRecord",
    "NumpyArray",
    "NumpyType",
    "OtherKey",
    "StatefulRecord",
    "StorageRecord",
    "StorageType",
    "StubRecord",
    "TensorRecord",
    "module_of",
    "table_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A byte string of the pickle, left in the file: `size` bytes of `source` from `offset`."""

    source: Source
    offset: int
    size: int

    def read(self, limit: int) -> bytes:
        """Return the bytes, if there are at most `limit`."""
        if self.size > limit:
            raise self.source.damaged(f"{self.size:,} bytes at byte {self.offset:,}, at most {limit:,} expected")
        return self.source.read(self.offset, self.size)


@dataclass(frozen=True, slots=True, eq=False)
class StorageType:
    """Element type of a stored tensor."""

    name: str
    dtype: torch.dtype


@dataclass(frozen=True, slots=True, eq=False)
class StorageRecord:
    """Elements of one stored tensor: `numel` of `dtype`, little-endian, from `offset` of `source`."""

    source: Source
    offset: int
    dtype: torch.dtype
    numel: int


@dataclass(frozen=True, slots=True, eq=False)
class TensorRecord:
    """A tensor that is not read yet: a strided view of a storage, checked to be within it.

    `offset` and `stride` are in elements. A reader may ask for the values in another form than they are stored:
    with the last two axes reversed (`is_rotated`, a kernel turned by half a turn), and with a number added.
    """

    storage: StorageRecord
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    is_parameter: bool = False
    is_rotated: bool = False
    added: float = 0.0

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def span(self) -> int:
        """Number of storage elements from the first to the last one the view touches."""
        if self.numel == 0:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))


class StatefulRecord(ABC):
    """A record whose state the opcode BUILD may set."""

    @abstractmethod
    def set_state(self, state: object) -> str | None:
        """Set the state; return an error message, or None if it is valid."""


class StubRecord(StatefulRecord):
    """Stand-in for an object of an unknown class, with its name and content.

    Args:
        name: Name of the class or function in the file.
        arguments: Arguments it would have been called with.
        makes_instances: Whether it stands for a function that only makes instances, so that "calling" it is
            harmless.
    """

    __slots__ = ("arguments", "items", "makes_instances", "name", "state")

    def __init__(self, name: str, arguments: tuple[object, ...] = (), *, makes_instances: bool = False) -> None:
        self.name = name
        self.makes_instances = makes_instances
        self.arguments = arguments
        self.state: object = None
        self.items: dict[object, object] | None = None  # entries, if it is a table

    def set_state(self, state: object) -> str | None:
        self.state = state
        return None

    def entries(self) -> dict[object, object]:
        """Return the object's entries, to which the file may add."""
        if self.items is None:
            self.items = {}
        return self.items


class OtherKey:
    """Key of an entry that is neither text nor a number, such as a tuple; compares by identity."""

    __slots__ = ()


# numpy type codes -> struct codes; object, text and record types are not data and are excluded.
_STRUCT_CODES = {
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f2": "e",
    "f4": "f",
    "f8": "d",
}


class NumpyType(StatefulRecord):
    """Element type of a numpy scalar or array."""

    def __init__(self, code: str) -> None:
        self.code = code.lstrip("<>|=")
        self.byte_order = ">" if code.startswith(">") else "<"

    @property
    def is_plain(self) -> bool:
        """Whether the elements are numbers or booleans."""
        return self.code in _STRUCT_CODES

    @property
    def item_size(self) -> int:
        """Bytes of one element."""
        return struct.calcsize("<" + _STRUCT_CODES[self.code])

    def unpack(self, data: bytes) -> list[bool | int | float]:
        """Return the elements in `data`, whose length must be a multiple of `item_size`."""
        count = len(data) // self.item_size
        return list(struct.unpack(f"{self.byte_order}{count}{_STRUCT_CODES[self.code]}", data))

    def set_state(self, state: object) -> str | None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            return "a numpy type with a broken state"
        self.byte_order = ">" if state[1] == ">" else "<"
        return None


class NumpyArray(StatefulRecord):
    """A numpy array that is not read yet; `data` is None for elements that are not numbers (objects, text)."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.dtype: NumpyType | None = None
        self.data: Blob | None = None
        self.is_fortran = False
        self.axes: tuple[int, ...] | None = None  # stored index of each axis, if permuted

    def set_state(self, state: object) -> str | None:
        match state:
            case (_, tuple(), NumpyType() as dtype, *_) if not dtype.is_plain:
                return None
            case (_, tuple(shape), NumpyType() as dtype, bool(is_fortran), Blob() as data) if (
                len(shape) <= 64 and all(type(n) is int and 0 <= n < 1 << 48 for n in shape) and dtype.is_plain
            ):
                if math.prod(shape) * dtype.item_size != data.size:
                    return f"a numpy array of shape {shape} with {data.size:,} bytes of data"
                self.shape, self.dtype, self.data, self.is_fortran = shape, dtype, data, is_fortran
                return None
        return "a numpy array with a broken or unusual state"

    def values(self, limit: int = 64) -> list[bool | int | float] | None:
        """Return the elements in storage order; None if there are more than `limit`."""
        if self.dtype is None or self.data is None or self.data.size > limit * self.dtype.item_size:
            return None
        return self.dtype.unpack(self.data.read(self.data.size))


@dataclass(frozen=True, slots=True, eq=False)
class ModuleRecord:
    """A network module: its class name and attributes. Its source text in the file is dropped."""

    class_name: str
    state: dict[object, object]
    version: int | None = None  # version of NVIDIA's format; None if written by torch.save

    def attribute(self, name: str) -> object:
        """Return a plain attribute, or None."""
        return self.state.get(name)

    def table(self, name: str) -> dict[object, object]:
        """Return `_parameters`, `_buffers` or `_modules`; empty if missing."""
        return table_of(self.state.get(name)) or {}

    def child(self, name: str) -> ModuleRecord | None:
        """Return a sub-module."""
        return module_of(self.table("_modules").get(name))


_COMPILED = "torch._dynamo.eval_frame.OptimizedModule"  # by torch.compile; the module is its first argument


def table_of(value: object) -> dict[object, object] | None:
    """Return the entries of a table, even if its class is unknown; None for anything else."""
    if isinstance(value, StubRecord):
        return value.items
    return value if isinstance(value, dict) else None


def module_of(value: object) -> ModuleRecord | None:
    """Return a value as a network module, even if torch.save wrote its class by name only; None for others."""
    if isinstance(value, StubRecord) and value.name == _COMPILED and value.arguments:
        value = value.arguments[0]
    if isinstance(value, StubRecord):
        state = value.state
        if not (isinstance(state, dict) and "_modules" in state and "_parameters" in state):
            return None
        value = ModuleRecord(value.name.rpartition(".")[2], state)
    return value if isinstance(value, ModuleRecord) else None
