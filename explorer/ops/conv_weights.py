"""Convolution weights in the fastest layouts, and matrix products that replace some convolutions."""

from __future__ import annotations

import logging

import torch
import torch.nn.functional as F
from torch import Tensor

from . import backend
from .native import DTYPES

__all__ = ["PRODUCT_PIXELS", "Kernel", "is_product", "modulated", "phase_weights", "phases", "product"]

_log = logging.getLogger("explorer.ops")
PRODUCT_PIXELS = 4096
"""Pixels that `product` processes at a time, per thread."""


class Kernel:
    """A convolution weight in oneDNN's layout, packed on first use; otherwise immutable.

    torch repacks a weight at every call, which for 512 channels on small maps takes longer than the convolution: on
    AVX-512 with 8x8 pixels, 0.9 against 0.35 ms in bfloat16. The operators are those of torch's compiler; where
    they are missing, the plain convolution is used.
    """

    def __init__(self, weight: Tensor, padding: tuple[int, int]) -> None:
        self.weight, self.padding = weight, list(padding)
        self._packed: dict[tuple[int, ...], Tensor | None] = {}

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Convolve `x`, channels-last."""
        packed = self._pack(x) if _worth_packing(self.weight, x) else None
        if packed is None:
            return F.conv2d(x, self.weight, bias, padding=self.padding)
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, packed, bias, self.padding, [1, 1], [1, 1], 1, "none", [], None
        )
        return y

    def _pack(self, x: Tensor) -> Tensor | None:
        key = tuple(x.shape)
        if key not in self._packed:
            try:
                packed = torch.ops.mkldnn._reorder_convolution_weight(
                    self.weight, self.padding, [1, 1], [1, 1], 1, list(key)
                )
            except (AttributeError, NotImplementedError, RuntimeError) as error:  # not part of torch's public API
                _log.debug("weights stay unpacked: %s", error)
                packed = None
            self._packed = {key: packed}  # a generator uses one size at a time
        return self._packed[key]


def _worth_packing(weight: Tensor, x: Tensor) -> bool:
    return x.device.type == "cpu" and weight.numel() > x.shape[0] * x.shape[2] * x.shape[3] * 256


def modulated(weight: Tensor, columns: Tensor, rows: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Return `weight` `[O, I, k, k]` times `columns` `[I]` and `rows` `[O]` (None is 1), in `dtype`."""
    kernels = backend.native_for(columns) if dtype in DTYPES else None
    if kernels is not None and weight.is_contiguous(memory_format=torch.channels_last):
        return kernels.modulate(weight, columns.contiguous(), None if rows is None else rows.contiguous(), dtype)
    weight = weight * columns.reshape(1, -1, 1, 1)
    return (weight if rows is None else weight * rows.reshape(-1, 1, 1, 1)).to(dtype)


def is_product(x: Tensor, weight: Tensor) -> bool:
    """Return whether `product` is the fastest form: 1x1, bfloat16, on a CPU."""
    return weight.shape[2:] == (1, 1) and x.dtype == torch.bfloat16 and x.device.type == "cpu"


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Compute a 1x1 convolution as matrix products of parts of the picture that fit the processor's cache.

    With 256 to 1024 channels it is 2 to 2.5 times as fast as oneDNN's convolution on AMX; in float32 oneDNN is
    faster.
    """
    n, i, h, w = x.shape
    turned = weight.flatten(1).t().contiguous()
    pixels = x.permute(0, 2, 3, 1).reshape(-1, i)
    out = x.new_empty(n, h, w, turned.shape[1])
    step = PRODUCT_PIXELS * torch.get_num_threads()
    parts = torch.split(pixels, step), torch.split(out.view(-1, turned.shape[1]), step)
    for part, target in zip(*parts, strict=True):
        torch.mm(part, turned, out=target)
    return out.permute(0, 3, 1, 2)


def phase_weights(weight: Tensor) -> list[tuple[Tensor, tuple[int, int]]]:
    """Return weights and paddings for the (even, even), (even, odd), (odd, even), (odd, odd) outputs.

    In a transposed convolution with three taps, even outputs depend on the previous pixel through tap 2 and on
    their own through tap 0; odd ones depend on their own through tap 1.
    """
    taps = (([2, 0], 1), ([1], 0))
    return [
        (weight[:, :, rows][:, :, :, columns].contiguous(memory_format=torch.channels_last), (pad_y, pad_x))
        for rows, pad_y in taps
        for columns, pad_x in taps
    ]


def phases(weight: Tensor, dtype: torch.dtype) -> list[Kernel]:
    """Return `phase_weights` as kernels of `dtype`."""
    return [
        Kernel(part.to(dtype).contiguous(memory_format=torch.channels_last), padding)
        for part, padding in phase_weights(weight)
    ]
