"""Converts weights saved as numpy arrays and numbers to tensor records."""

from __future__ import annotations

import struct

import torch

from explorer.checkpoints.records import NumpyArray, StorageRecord, TensorRecord
from explorer.checkpoints.source import BytesSource

__all__ = ["tensor_of_array", "tensor_of_number"]

_TYPES = {"f2": torch.float16, "f4": torch.float32, "f8": torch.float64}


def tensor_of_array(array: NumpyArray) -> TensorRecord | None:
    """Return an array as a tensor record; None for unsupported element types or byte orders."""
    if array.dtype is None or array.data is None or array.axes is not None or array.dtype.byte_order == ">":
        return None
    dtype = _TYPES.get(array.dtype.code)
    if dtype is None or len(array.shape) > 8:
        return None
    stride, step = [], 1
    for size in array.shape if array.is_fortran else reversed(array.shape):
        stride.append(step)
        step *= size
    storage = StorageRecord(array.data.source, array.data.offset, dtype, array.data.size // dtype.itemsize)
    return TensorRecord(storage, 0, array.shape, tuple(stride if array.is_fortran else reversed(stride)))


def tensor_of_number(value: float, name: str) -> TensorRecord:
    """Return a number that was read from the file `name` as a float32 tensor without axes."""
    try:
        data = struct.pack("<f", value)
    except OverflowError:
        data = struct.pack("<f", float("inf"))  # the check of values names it
    return TensorRecord(StorageRecord(BytesSource(data, name), 0, torch.float32, 1), 0, (), ())
