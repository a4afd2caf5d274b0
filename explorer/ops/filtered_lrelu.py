"""StyleGAN3's alias-free nonlinearity: upsample, leaky ReLU, downsample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from . import backend
from .banded import Banded, banded_matmul, resampling_matrix, separable_terms
from .bias_act import bias_act
from .upfirdn2d import Padding, parse_padding, upfirdn2d

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .native import Kernels

__all__ = ["FilteredLReLU", "filtered_lrelu"]

# Rows of a strip of output. Measured from 8 to 64: with 12 to 16 a strip of the upsampled signal stays in the
# second-level cache, and the rows computed twice where strips meet still cost less than that saves.
_STRIP_ROWS = 16
_TILE_ROWS = 32
# What the low-rank form of a radial filter may lose, relative to its largest singular value: below rounding.
_RANK_TOLERANCE = {torch.float32: 5e-7, torch.float64: 1e-15, torch.bfloat16: 1e-4, torch.float16: 1e-4}


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
    """Bias, upsampling, leaky ReLU with gain and clamp, downsampling: the reference of `FilteredLReLU`.

    Args:
        x: `[N, C, H, W]`, any float dtype (no float16 on the CPU).
        fu: Upsampling filter `[taps]` or `[height, width]`; None is the impulse.
        fd: Downsampling filter, likewise.
        b: Bias `[C]` added before upsampling; None adds none.
        up: Upsampling factor.
        down: Downsampling factor.
        padding: In pixels of the upsampled picture, around the zero-stuffed input; negative crops.
        gain: Factor after the leaky ReLU.
        slope: Slope of its negative half.
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
class _Strip:
    """A strip of output columns: from `start:stop` of the input through `up` to `first:last` through `downs`."""

    first: int
    last: int
    start: int
    stop: int
    up: Tensor
    downs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class _NativeTaps:
    """What the native kernel wants to know; see `native.Kernels.filtered_lrelu`."""

    up: int
    up_x: Tensor
    up_y: Tensor
    down_x: Tensor
    down_y: Tensor
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
            top=self.top,
            left=self.left,
            out_size=self.out_size,
            scale=None if scale is None else scale.float().contiguous(),
            bias=None if bias is None else bias.detach().float().contiguous(),
            slope=slope,
            clamp=clamp,
        )


class FilteredLReLU:
    """`filtered_lrelu` prepared for one size of input, as products with banded matrices; immutable.

    `FilteredLReLU(fu, fd, height, width, up=2, down=2, padding=...)(x)` equals
    `filtered_lrelu(x, fu, fd, up=2, down=2, padding=...)` up to rounding. Without gradients it works in strips, so
    that the upsampled signal never exists as a whole; with gradients it is differentiable to any order.

    A two-dimensional down filter becomes a sum of separable ones; up filters must be separable or of rank one.

    Args:
        fu: Upsampling filter; None is the impulse.
        fd: Downsampling filter; None is the impulse.
        height: Of the input.
        width: Of the input.
        up: As in `filtered_lrelu`, like the other arguments.
        down: Downsampling factor.
        padding: In pixels of the upsampled picture.
        gain: Factor after the leaky ReLU, positive.
        slope: Slope of its negative half.
        clamp: Absolute limit after the gain; None does not clamp.
        flip_filter: Correlate instead of convolving.
        dtype: Of the features.
        device: Of the features.
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
        self.slope, self.clamp, self.dtype = slope, clamp, dtype
        left, right, top, bottom = parse_padding(padding)
        ups = _terms(fu, 1e-6)
        if len(ups) != 1:
            raise ValueError("the upsampling filter must be separable")
        ((up_taps_y, up_taps_x),) = ups
        # gain > 0 commutes with the leaky ReLU, so it rides on a filter.
        rows = resampling_matrix(up_taps_y, height, up, 1, (top, bottom), up, flip_filter)
        columns = resampling_matrix(up_taps_x, width, up, 1, (left, right), up * gain, flip_filter)
        downs = _terms(fd, _RANK_TOLERANCE[dtype])
        down_rows = [resampling_matrix(v, rows.shape[0], 1, down, flip_filter=flip_filter) for v, _ in downs]
        down_columns = [resampling_matrix(h, columns.shape[0], 1, down, flip_filter=flip_filter) for _, h in downs]

        def banded(matrix: NDArray[np.float64]) -> Banded:
            return Banded(matrix, _TILE_ROWS, dtype, device)

        self._up_rows, self._up_columns = banded(rows), banded(columns)
        self._down_rows = tuple(banded(m) for m in down_rows)
        self._down_columns = tuple(banded(m) for m in down_columns)
        self._strips = _strips(columns, down_columns, dtype, device)
        self._native: _NativeTaps | None = None
        if (device is None or device.type == "cpu") and down == 2 and up in (2, 4) and len(downs) <= 4:
            taps = [(up_taps_x, 6 * up), (up_taps_y, 6 * up), *((t, 12) for term in downs for t in term)]
            if all(t is not None and len(t) == size for t, size in taps):
                order = 1 if flip_filter else -1
                self._native = _NativeTaps(
                    up=up,
                    up_x=_stacked([up_taps_x], order, up * gain)[0],
                    up_y=_stacked([up_taps_y], order, up)[0],
                    down_x=_stacked([h for _, h in downs], order),
                    down_y=_stacked([v for v, _ in downs], order),
                    top=top,
                    left=left,
                    out_size=(down_rows[0].shape[0], down_columns[0].shape[0]),
                )

    def __call__(self, x: Tensor, scale: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """`[N, C, H', W']` in channels-last order.

        Args:
            x: `[N, C, height, width]` of the plan's dtype.
            scale: `[N, C]` float32 factor on `x`; None is 1.
            bias: `[C]` float32 added after the factor; None is 0.
        """
        kernels = None if torch.is_grad_enabled() or self._native is None else backend.native_for(x)
        if kernels is not None and self._native is not None:
            return self._native.run(kernels, x, scale, bias, self.slope, self.clamp)
        if scale is not None:
            x = x * scale.to(x.dtype)[:, :, None, None]
        if bias is not None:
            x = x + bias.to(x.dtype)[:, None, None]
        return self._differentiable(x) if torch.is_grad_enabled() else self._in_strips(x)

    @property
    def is_native(self) -> bool:
        """Whether the native kernel knows these filters."""
        return self._native is not None

    def _in_strips(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        x = x.permute(0, 2, 3, 1).reshape(n, height, width * c)  # no copy if x is channels-last
        mid, out_h = self._down_rows[0].shape[1], self._down_rows[0].shape[0]
        out_w = self._down_columns[0].shape[0]
        out = x.new_empty(n, out_h, out_w * c)
        # Layouts are chosen so that every pass is a plain product without copies: filtering along rows leaves
        # the picture as (width, channels, height), and the last pass turns it back to (height, width, channels).
        tall = x.new_empty(width * c, mid)
        narrow = [x.new_empty(out_w, c * mid) for _ in self._down_rows]
        scratch = x.new_empty(max(s.up.shape[0] for s in self._strips), c * mid)
        for sample, result in zip(x, out, strict=True):
            self._up_rows.matmul_into(sample, tall.t())
            columns = tall.view(width, c * mid)
            for strip in self._strips:
                wide = scratch[: strip.up.shape[0]]
                torch.mm(strip.up, columns[strip.start : strip.stop], out=wide)
                if self.slope != 1:
                    F.leaky_relu_(wide, self.slope)
                if self.clamp is not None:
                    wide.clamp_(-self.clamp, self.clamp)
                for block, target in zip(strip.downs, narrow, strict=True):
                    torch.mm(block, wide, out=target[strip.first : strip.last])
            turned = [target.view(out_w * c, mid).t() for target in narrow]
            self._down_rows[0].matmul_into(turned[0], result)
            for matrix, term in zip(self._down_rows[1:], turned[1:], strict=True):
                matrix.add_matmul_into(term, result)
        return out.view(n, out_h, out_w, c).permute(0, 3, 1, 2)

    def _differentiable(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        x = x.permute(0, 2, 3, 1).reshape(n, height, width * c)
        x = banded_matmul(x, self._up_rows, turn_out=True)  # [N, W C, H']
        mid = x.shape[2]
        x = banded_matmul(x.reshape(n, width, c * mid), self._up_columns)  # [N, W', C H']
        x = bias_act(x, act="lrelu", alpha=self.slope, gain=1, clamp=self.clamp)
        total: Tensor | None = None
        for rows, columns in zip(self._down_rows, self._down_columns, strict=True):
            y = banded_matmul(x, columns).reshape(n, -1, mid)  # [N, W'' C, H']
            y = banded_matmul(y, rows, turn_in=True)  # [N, H'', W'' C]
            total = y if total is None else total + y
        assert total is not None
        return total.reshape(n, total.shape[1], -1, c).permute(0, 3, 1, 2)


def _terms(
    f: Tensor | None, tolerance: float
) -> list[tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]]:
    """(vertical, horizontal) taps of each separable term of a filter."""
    if f is None:
        return [(None, None)]
    taps = f.detach().cpu().double().numpy()
    if taps.ndim == 1:
        return [(taps, taps)]
    return list(separable_terms(taps, tolerance))


def _stacked(taps: Sequence[NDArray[np.float64] | None], order: int, gain: float = 1.0) -> Tensor:
    """`[len(taps), size]` float32, each row in the given order."""
    rows = np.stack([t[::order] * gain for t in taps if t is not None])
    return torch.as_tensor(np.ascontiguousarray(rows), dtype=torch.float32)


def _strips(
    up: NDArray[np.float64],
    downs: list[NDArray[np.float64]],
    dtype: torch.dtype,
    device: torch.device | None,
) -> tuple[_Strip, ...]:
    """Both passes along an axis, cut so that a strip needs only a short stretch of the upsampled signal."""

    def tensor(matrix: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(matrix), dtype=dtype, device=device)

    strips = []
    for first in range(0, downs[0].shape[0], _STRIP_ROWS):
        last = min(first + _STRIP_ROWS, downs[0].shape[0])
        middle = _extent(np.concatenate([d[first:last] for d in downs]))
        source = _extent(up[middle])
        strips.append(
            _Strip(
                first,
                last,
                source.start,
                source.stop,
                tensor(up[middle, source]),
                tuple(tensor(d[first:last, middle]) for d in downs),
            )
        )
    return tuple(strips)


def _extent(rows: NDArray[np.float64]) -> slice:
    """The columns that some row uses."""
    used = np.flatnonzero(rows.any(axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
