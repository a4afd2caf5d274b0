"""Inert records: what a pickle's objects become instead of the objects it names."""

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
    """A byte string of the pickle, left where it lies: `size` bytes of `source` from `offset`."""

    source: Source
    offset: int
    size: int

    def read(self, limit: int) -> bytes:
        """Return the bytes, if there are at most `limit`."""
        if self.size > limit:
            raise self.source.damaged(f"{self.size:,} bytes at byte {self.offset:,} where at most {limit:,} belong")
        return self.source.read(self.offset, self.size)


@dataclass(frozen=True, slots=True, eq=False)
class StorageType:
    """An element type of a stored tensor."""

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
    """A tensor that was not read yet: a strided view of a storage, checked to lie inside it.

    `offset` and `stride` count elements.
    """

    storage: StorageRecord
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    is_parameter: bool = False

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
    """A record that the opcode BUILD may give a state."""

    @abstractmethod
    def set_state(self, state: object) -> str | None:
        """Take the state; the return value says what is wrong with it, None if nothing."""


class StubRecord(StatefulRecord):
    """What stands for an object of a class that is not read here: its name and what the file says of it.

    Args:
        name: Of the class or function, as the file writes it.
        arguments: What it would have been called with.
        makes_instances: It stands for a function that does nothing else, so that "calling" it is harmless.
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
        """Return its entries, for the file to add to."""
        if self.items is None:
            self.items = {}
        return self.items


class OtherKey:
    """The key of an entry that is neither text nor a number, such as a tuple; equal to itself only."""

    __slots__ = ()


# Codes of numpy's type strings -> struct codes; object, text and record types are not data and stay out.
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
    """The element type of a numpy scalar or array."""

    def __init__(self, code: str) -> None:
        self.code = code.lstrip("<>|=")
        self.byte_order = ">" if code.startswith(">") else "<"

    @property
    def is_plain(self) -> bool:
        """Whether elements are numbers or truth values."""
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
    """A numpy array that was not read; `data` is None for elements that are not numbers (objects, text)."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.dtype: NumpyType | None = None
        self.data: Blob | None = None
        self.is_fortran = False
        self.axes: tuple[int, ...] | None = None  # of the stored order that each axis is, if they were permuted

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
    """A network module: its class by name and its attributes. The file's source text of it is dropped."""

    class_name: str
    state: dict[object, object]
    version: int | None = None  # of the format in which NVIDIA's code wrote it; None if torch.save did

    def attribute(self, name: str) -> object:
        """Return a plain attribute, None if there is none."""
        return self.state.get(name)

    def table(self, name: str) -> dict[object, object]:
        """Return `_parameters`, `_buffers` or `_modules`; empty if missing."""
        return table_of(self.state.get(name)) or {}

    def child(self, name: str) -> ModuleRecord | None:
        """Return a sub-module."""
        return module_of(self.table("_modules").get(name))


_COMPILED = "torch._dynamo.eval_frame.OptimizedModule"  # of torch.compile; the module is its first argument


def table_of(value: object) -> dict[object, object] | None:
    """Return the entries of a table, also of one whose class is not known; None for anything else."""
    if isinstance(value, StubRecord):
        return value.items
    return value if isinstance(value, dict) else None


def module_of(value: object) -> ModuleRecord | None:
    """Return the network module that a value is, also one of a class that torch.save wrote by its name only."""
    if isinstance(value, StubRecord) and value.name == _COMPILED and value.arguments:
        value = value.arguments[0]
    if isinstance(value, StubRecord):
        state = value.state
        if not (isinstance(state, dict) and "_modules" in state and "_parameters" in state):
            return None
        value = ModuleRecord(value.name.rpartition(".")[2], state)
    return value if isinstance(value, ModuleRecord) else None
