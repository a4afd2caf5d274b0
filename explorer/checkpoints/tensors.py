"""Reads recorded tensors from the file, with strides; sizes are checked before anything is allocated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source

__all__ = ["check_total", "read_tensors", "turned", "without_axes"]

_FLOAT32 = 4  # bytes
_CHUNK = 8 << 20  # bytes between two checks for cancellation


def read_tensors(source: Source, records: Mapping[str, TensorRecord], monitor: Monitor) -> dict[str, Tensor]:
    """Read `records` as contiguous CPU tensors in the stored dtype.

    Raises:
        UnreadableFileError: Together they declare more bytes than the file has, or the file cannot be read.
        CancelledError: The user cancelled.
    """
    total = check_total(source, records)
    tensors, done = {}, 0
    for key, record in records.items():
        tensors[key] = _read(record, monitor, done / max(total, 1))
        done += _bytes_of(record)
        monitor.step(done / max(total, 1))
    return tensors


def check_total(source: Source, records: Mapping[str, TensorRecord]) -> int:
    """Return the bytes of all tensors; raise UnreadableFileError if the file has fewer.

    Tensors can share a storage, so each may be within bounds and all of them together a memory bomb.
    """
    total = sum(_bytes_of(record) for record in records.values())
    if total > source.size:
        raise source.damaged(f"its tensors declare {total:,} bytes, the file has {source.size:,}")
    return total


def without_axes(record: TensorRecord, dimensions: int) -> TensorRecord:
    """Return a view without axes of length one at its ends, down to `dimensions` if there are as many."""
    shape, stride = record.shape, record.stride
    while len(shape) > dimensions and 1 in (shape[0], shape[-1]):
        cut = slice(1, None) if shape[0] == 1 else slice(None, -1)
        shape, stride = shape[cut], stride[cut]
    return replace(record, shape=shape, stride=stride)


def turned(record: TensorRecord) -> TensorRecord:
    """Return a weight of TensorFlow, `[kh, kw, in, out]` or `[in, out]`, with torch's order of axes."""
    order = {2: (1, 0), 4: (3, 2, 0, 1)}.get(len(record.shape))
    if order is None:
        return record  # the check of shapes names it
    shape, stride = (tuple(axes[i] for i in order) for axes in (record.shape, record.stride))
    return replace(record, shape=shape, stride=stride)


def _bytes_of(record: TensorRecord) -> int:
    return max(record.span, record.numel) * record.storage.dtype.itemsize


def _read(record: TensorRecord, monitor: Monitor, progress: float) -> Tensor:
    dtype, span = record.storage.dtype, record.span
    data = torch.empty(span * dtype.itemsize, dtype=torch.uint8)
    view = data.numpy().data  # a memoryview of the tensor's own memory
    offset = record.storage.offset + record.offset * dtype.itemsize
    for start in range(0, len(view), _CHUNK):
        record.storage.source.read_into(offset + start, view[start : start + _CHUNK])
        monitor.step(progress)
    flat = data.view(dtype) if span else torch.empty(0, dtype=dtype)
    if record.numel == 0:
        return flat.reshape(record.shape)
    return _adjusted(flat.as_strided(record.shape, record.stride), record).contiguous()


def _adjusted(tensor: Tensor, record: TensorRecord) -> Tensor:
    """Return the values in the form that the record asks for, sums in float32 at least."""
    if record.is_rotated and tensor.ndim >= 2:
        tensor = tensor.flip(-2, -1)
    if not record.added or not tensor.dtype.is_floating_point:
        return tensor  # whole numbers are refused by the check of their type
    return (tensor if tensor.dtype.itemsize >= _FLOAT32 else tensor.float()) + record.added
