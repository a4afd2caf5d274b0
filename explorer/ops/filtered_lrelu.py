"""StyleGAN3's alias-free nonlinearity: upsample, leaky ReLU, downsample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .banded import Banded, banded_matmul, resampling_matrix, separable_terms
from .bias_act import bias_act
from .upfirdn2d import Padding, parse_padding, upfirdn2d

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
        ((up_rows, up_columns),) = ups
        # gain > 0 commutes with the leaky ReLU, so it rides on a filter.
        rows = resampling_matrix(up_rows, height, up, 1, (top, bottom), up, flip_filter)
        columns = resampling_matrix(up_columns, width, up, 1, (left, right), up * gain, flip_filter)
        downs = _terms(fd, _RANK_TOLERANCE[dtype])
        down_rows = [resampling_matrix(v, rows.shape[0], 1, down, flip_filter=flip_filter) for v, _ in downs]
        down_columns = [resampling_matrix(h, columns.shape[0], 1, down, flip_filter=flip_filter) for _, h in downs]

        def banded(matrix: NDArray[np.float64]) -> Banded:
            return Banded(matrix, _TILE_ROWS, dtype, device)

        self._up_rows, self._up_columns = banded(rows), banded(columns)
        self._down_rows = tuple(banded(m) for m in down_rows)
        self._down_columns = tuple(banded(m) for m in down_columns)
        self._strips = _strips(columns, down_columns, dtype, device)

    def __call__(self, x: Tensor) -> Tensor:
        """`[N, C, H', W']` in channels-last order from `x` `[N, C, height, width]` of the plan's dtype."""
        if torch.is_grad_enabled():
            return self._differentiable(x)
        return self._in_strips(x)

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
