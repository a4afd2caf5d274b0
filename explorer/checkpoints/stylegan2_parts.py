"""What ports of StyleGAN2 store beside the layers: resampling kernels, the mean of w, an order of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.records import StorageRecord, TensorRecord
from explorer.checkpoints.source import BytesSource
from explorer.checkpoints.tensors import read_tensors, without_axes
from explorer.errors import UnsupportedModelError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.checkpoints.source import Source

__all__ = ["mean_of_w", "resample_filter", "with_channels_reversed"]

_TAPS = 64  # of one kernel; the published ones have 4


def resample_filter(source: Source, kernels: Mapping[str, TensorRecord]) -> dict[str, object]:
    """Return the setting `resample_filter` of stored kernels `[n, n]`; empty for the default or none.

    Raises:
        UnreadableFileError: A kernel is no square.
        UnsupportedModelError: A kernel is not one filter for both axes, or they differ.
    """
    taps: torch.Tensor | None = None
    for key, record in kernels.items():
        size = record.shape[-1] if record.shape else 0
        if record.shape != (size, size) or not 0 < size <= _TAPS or not record.storage.dtype.is_floating_point:
            raise source.damaged(f"the kernel {visible(key, 80)} has shape {list(record.shape)}")
        kernel = read_tensors(source, {key: record}, Monitor())[key].double()
        own = kernel.sum(dim=0) / kernel.sum()
        is_outer = bool((torch.outer(own, own) - kernel / kernel.sum()).abs().max() < 1e-4)  # False for NaN too
        is_same = taps is None or (own.shape == taps.shape and torch.allclose(own, taps, atol=1e-5))
        if not is_outer or not is_same:
            raise UnsupportedModelError(
                f"{source.name} resamples by another kernel than StyleGAN2 ({visible(key, 80)}).",
                "It was trained with modified code, which is not supported.",
            )
        taps = own
    if taps is None or (len(taps) == 4 and bool((taps * 8 - taps.new_tensor([1, 3, 3, 1])).abs().max() < 1e-3)):
        return {}
    return {"resample_filter": [float(tap) * 8 for tap in taps]}


def mean_of_w(source: Source, *means: TensorRecord) -> tuple[TensorRecord | None, tuple[str, ...]]:
    """Return the last of the tensors as one mean of w `[w_dim]`, or None, and a note if it stood for several.

    Encoders repeat it for each entry of `ws`, `[num_ws, w_dim]`.
    """
    if not means:
        return None, ()
    mean = without_axes(means[-1], 2)
    if len(mean.shape) != 2 or not mean.shape[0]:
        return without_axes(mean, 1), ()
    row = TensorRecord(mean.storage, mean.offset, mean.shape[1:], mean.stride[1:])
    rows = read_tensors(source, {"": mean}, Monitor())[""]
    if torch.equal(rows, rows[:1].expand_as(rows)):
        return row, ()
    return row, ("Its mean of w differs from layer to layer; that of the first is used for all.",)


def with_channels_reversed(source: Source, records: Mapping[str, TensorRecord]) -> dict[str, TensorRecord]:
    """Return tensors with the order of their first axis reversed; they are small, and held in memory."""
    found = {}
    for key, tensor in read_tensors(source, records, Monitor()).items():
        flipped = tensor.flip(0).contiguous()
        data = BytesSource(flipped.reshape(-1).view(torch.uint8).numpy().tobytes(), source.name)
        storage = StorageRecord(data, 0, flipped.dtype, flipped.numel())
        found[key] = TensorRecord(storage, 0, tuple(flipped.shape), flipped.stride(), records[key].is_parameter)
    return found
