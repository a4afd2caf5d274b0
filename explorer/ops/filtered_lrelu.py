"""StyleGAN3's alias-free nonlinearity: upsample, leaky ReLU, downsample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from . import backend
from .banded import resampling_matrix, separable_terms
from .bias_act import bias_act
from .filtered_products import FilteredProducts
from .upfirdn2d import Padding, parse_padding, upfirdn2d

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from .native import Kernels
    from .triton_kernels import FilterTiles

__all__ = ["FilteredLReLU", "filtered_lrelu"]

# Error of a radial filter's low-rank form, relative to the largest singular value: no more than rounding.
_RANK_TOLERANCE = {torch.float32: 5e-7, torch.float64: 1e-15, torch.bfloat16: 1e-3, torch.float16: 1e-3}


def filtered_lrelu(
    x: Tensor,
    fu: Tensor | None = None,
    fd: Tensor | None = None,
    b: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    gain: float = math.sqrt(2),
    slope: float = 0.2,
    clamp: float | None = None,
    flip_filter: bool = False,
) -> Tensor:
    """Add bias, upsample, apply leaky ReLU with gain and clamp, downsample: the reference of `FilteredLReLU`.

    Args:
        x: `[N, C, H, W]`, any float dtype (no float16 on the CPU).
        fu: Upsampling filter `[taps]` or `[height, width]`; None is the impulse.
        fd: Downsampling filter, likewise.
        b: Bias `[C]` added before upsampling; None adds none.
        up: Upsampling factor.
        down: Downsampling factor.
        padding: In pixels of the upsampled picture, around the zero-stuffed input; negative crops.
        gain: Factor after the leaky ReLU.
        slope: Negative slope of the leaky ReLU.
        clamp: Absolute limit after the gain and before downsampling; None does not clamp.
        flip_filter: Correlate with the filters instead of convolving.

    Returns:
        `[N, C, H', W']`, differentiable to any order.
    """
    x = bias_act(x, b)
    x = upfirdn2d(x, fu, up=up, padding=padding, gain=up**2, flip_filter=flip_filter)
    x = bias_act(x, act="lrelu", alpha=slope, gain=gain, clamp=clamp)
    return upfirdn2d(x, fd, down=down, flip_filter=flip_filter)


@dataclass(frozen=True, slots=True)
class _NativeTaps:
    """Arguments of the native kernel; see `native.Kernels.filtered_lrelu`."""

    up: int
    up_x: Tensor
    up_y: Tensor
    down_x: Tensor | None
    down_y: Tensor | None
    down: Tensor | None
    top: int
    left: int
    out_size: tuple[int, int]

    def run(
        self,
        kernels: Kernels,
        x: Tensor,
        scale: Tensor | None,
        bias: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        return kernels.filtered_lrelu(
            x.contiguous(memory_format=torch.channels_last),
            up=self.up,
            up_x=self.up_x,
            up_y=self.up_y,
            down_x=self.down_x,
            down_y=self.down_y,
            down=self.down,
            top=self.top,
            left=self.left,
            out_size=self.out_size,
            scale=None if scale is None else scale.float().contiguous(),
            bias=None if bias is None else bias.detach().float().contiguous(),
            slope=slope,
            clamp=clamp,
        )


class FilteredLReLU:
    """`filtered_lrelu` prepared for one input size; immutable.

    `FilteredLReLU(fu, fd, height, width, up=2, down=2, padding=...)(x)` equals `filtered_lrelu(x, fu, fd, up=2,
    down=2, padding=...)` up to rounding. It uses a native kernel if there is one and gradients are off, otherwise
    products with banded matrices, which are differentiable to any order.

    For the products a two-dimensional down filter becomes a sum of separable ones; the native kernel uses it
    directly. Up filters must be separable or of rank one.

    Args:
        fu: Upsampling filter; None is the impulse.
        fd: Downsampling filter; None is the impulse.
        height: Height of the input.
        width: Width of the input.
        up: As in `filtered_lrelu`, like the other arguments.
        down: Downsampling factor.
        padding: In pixels of the upsampled picture.
        gain: Factor after the leaky ReLU, positive.
        slope: Negative slope of the leaky ReLU.
        clamp: Absolute limit after the gain; None does not clamp.
        flip_filter: Correlate instead of convolving.
        dtype: Dtype of the features.
        device: Device of the features.
    """

    def __init__(
        self,
        fu: Tensor | None,
        fd: Tensor | None,
        height: int,
        width: int,
        *,
        up: int = 1,
        down: int = 1,
        padding: Padding = 0,
        gain: float = math.sqrt(2),
        slope: float = 0.2,
        clamp: float | None = None,
        flip_filter: bool = False,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> None:
        if gain <= 0:
            raise ValueError(f"gain must be positive, got {gain}")
        self.slope, self.clamp, self.dtype, self.device = slope, clamp, dtype, device
        self._size, self._up, self._down, self._flip = (height, width), up, down, flip_filter
        self._padding = parse_padding(padding)
        self._gain = gain
        ups = _terms(fu, 1e-6)
        if len(ups) != 1:
            raise ValueError("the upsampling filter must be separable")
        self._up_taps = ups[0]
        self._down_taps = _terms(fd, _RANK_TOLERANCE[dtype])
        self._down_filter = None if fd is None else fd.detach().cpu().double().numpy()
        self._native = self._native_taps()
        self._triton_tiles: FilterTiles | None = None

    @property
    def is_native(self) -> bool:
        """Whether the native kernel supports these filters."""
        return self._native is not None

    def __call__(self, x: Tensor, scale: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Apply the operator; the result is `[N, C, H', W']` in channels-last order.

        Args:
            x: `[N, C, height, width]` of the plan's dtype.
            scale: `[N, C]` float32 factor on `x`; None is 1.
            bias: `[C]` float32 added after the factor; None is 0.
        """
        kernels = None if torch.is_grad_enabled() or self._native is None else backend.native_for(x)
        if kernels is not None and self._native is not None:
            return self._native.run(kernels, x, scale, bias, self.slope, self.clamp)
        triton = None if torch.is_grad_enabled() or self._native is None else backend.triton_for(x)
        if triton is not None and self._native is not None:
            done: Tensor = triton.filtered_lrelu(
                x.contiguous(memory_format=torch.channels_last),
                self._tiles(triton, self._native),
                None if scale is None else scale.float().contiguous(),
                None if bias is None else bias.detach().float().contiguous(),
                self.slope,
                self.clamp,
            )
            return done
        if scale is not None:
            x = x * scale.to(x.dtype)[:, :, None, None]
        if bias is not None:
            x = x + bias.to(x.dtype)[:, None, None]
        if self._products_dtype == self.dtype:
            return self._products(x)
        return self._products(x.to(self._products_dtype)).to(self.dtype)

    @property
    def _products_dtype(self) -> torch.dtype:
        # On a CPU bfloat16 products are slower than float32 at these sizes, and rounding four times is coarse.
        on_cpu = self.device is None or self.device.type == "cpu"
        return torch.float32 if on_cpu and self.dtype == torch.bfloat16 else self.dtype

    def _tiles(self, triton: ModuleType, native: _NativeTaps) -> FilterTiles:
        """Return the filters in the Triton kernel's form, computed on first use."""
        if self._triton_tiles is None:
            order = 1 if self._flip else -1
            vertical, horizontal = self._up_taps
            self._triton_tiles = triton.FilterTiles(
                up=self._up,
                ups=(_turned(vertical, order, self._up), _turned(horizontal, order, self._up * self._gain)),
                downs=tuple((_turned(v, order), _turned(h, order)) for v, h in self._down_taps),
                padding=(native.top, native.left),
                out_size=native.out_size,
                device=self.device or torch.device("cpu"),
                dtype=self.dtype,
            )
        return self._triton_tiles

    @cached_property
    def _products(self) -> FilteredProducts:
        """The banded matrices; computed on first use, which takes some 50 ms for a 1024-pixel layer."""
        (height, width), up, down, flip = self._size, self._up, self._down, self._flip
        left, right, top, bottom = self._padding
        vertical, horizontal = self._up_taps
        # gain > 0 commutes with the leaky ReLU, so it is folded into a filter.
        rows = resampling_matrix(vertical, height, up, 1, (top, bottom), up, flip)
        columns = resampling_matrix(horizontal, width, up, 1, (left, right), up * self._gain, flip)
        downs = [
            (
                resampling_matrix(v, rows.shape[0], 1, down, flip_filter=flip),
                resampling_matrix(h, columns.shape[0], 1, down, flip_filter=flip),
            )
            for v, h in self._down_taps
        ]
        return FilteredProducts((rows, columns), downs, self.slope, self.clamp, self._products_dtype, self.device)

    def _native_taps(self) -> _NativeTaps | None:
        """Return the native kernel's arguments, or None if it does not support these filters."""
        up, vertical, horizontal = self._up, *self._up_taps
        if self._down != 2 or up not in (2, 4) or not 0 <= self.slope <= 1:
            return None
        taps = [(horizontal, 6 * up), (vertical, 6 * up), *((t, 12) for term in self._down_taps for t in term)]
        if any(t is None or len(t) != size for t, size in taps):
            return None
        left, right, top, bottom = self._padding
        height, width = (
            (size * up + sum(pads) - (6 * up - 1) - 12) // 2 + 1
            for size, pads in zip(self._size, ((top, bottom), (left, right)), strict=True)
        )
        if min(height, width) < 1:
            return None  # empty; the other form raises the error
        order = 1 if self._flip else -1
        down_y, down_x = self._down_taps[0]
        is_separable = len(self._down_taps) == 1
        return _NativeTaps(
            up=up,
            up_x=_floats(horizontal, order, up * self._gain),
            up_y=_floats(vertical, order, up),
            down_x=_floats(down_x, order) if is_separable else None,
            down_y=_floats(down_y, order) if is_separable else None,
            # Two terms would cost the kernel as much as the full filter.
            down=None if is_separable else _floats(self._down_filter, order),
            top=top,
            left=left,
            out_size=(height, width),
        )


def _terms(
    f: Tensor | None, tolerance: float
) -> list[tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]]:
    """Return the (vertical, horizontal) taps of each separable term of a filter."""
    if f is None:
        return [(None, None)]
    taps = f.detach().cpu().double().numpy()
    if taps.ndim == 1:
        return [(taps, taps)]
    return list(separable_terms(taps, tolerance))


def _floats(taps: NDArray[np.float64] | None, order: int, gain: float = 1.0) -> Tensor:
    """Return the taps as float32, in the given order along every axis."""
    return torch.as_tensor(_turned(taps, order, gain), dtype=torch.float32)


def _turned(taps: NDArray[np.float64] | None, order: int, gain: float = 1.0) -> NDArray[np.float64]:
    assert taps is not None
    return np.ascontiguousarray(taps[(slice(None, None, order),) * taps.ndim] * gain)
