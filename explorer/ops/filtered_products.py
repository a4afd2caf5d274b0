"""The filtered leaky ReLU as products with banded matrices: fast on any device, differentiable to any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .banded import Banded, banded_matmul
from .bias_act import bias_act

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FilteredProducts"]

# Rows per strip of output. Measured from 8 to 64: with 12 to 16, a strip of the upsampled signal stays in the
# second-level cache, which saves more than computing the overlapping rows twice costs.
_STRIP_ROWS = 16
_TILE_ROWS = 32


@dataclass(frozen=True, slots=True)
class _Strip:
    """A strip of output columns: from `start:stop` of the input through `up` to `first:last` through `downs`."""

    first: int
    last: int
    start: int
    stop: int
    up: Tensor
    downs: tuple[Tensor, ...]


class FilteredProducts:
    """Upsampling, leaky ReLU, clamp and downsampling by matrices; immutable.

    Args:
        up: Upsampling along the (vertical, horizontal) axis, `[H', H]` and `[W', W]`, including all gains.
        downs: Downsampling (vertical `[H'', H']`, horizontal `[W'', W']`) for each separable term.
        slope: Negative slope of the leaky ReLU.
        clamp: Absolute limit after it; None does not clamp.
        dtype: Dtype of the features.
        device: Device of the features.
    """

    def __init__(
        self,
        up: tuple[NDArray[np.float64], NDArray[np.float64]],
        downs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
        slope: float,
        clamp: float | None,
        dtype: torch.dtype,
        device: torch.device | None,
    ) -> None:
        self.slope, self.clamp = slope, clamp

        def banded(matrix: NDArray[np.float64]) -> Banded:
            return Banded(matrix, _TILE_ROWS, dtype, device)

        self._up_rows, self._up_columns = banded(up[0]), banded(up[1])
        self._down_rows = tuple(banded(rows) for rows, _ in downs)
        self._down_columns = tuple(banded(columns) for _, columns in downs)
        self._strips = _strips(up[1], [columns for _, columns in downs], dtype, device)

    def __call__(self, x: Tensor) -> Tensor:
        """Map `x` `[N, C, H, W]` to `[N, C, H'', W'']`, channels-last.

        Without gradients it works in strips, so that the upsampled signal is never in memory as a whole.
        """
        return self._differentiable(x) if torch.is_grad_enabled() else self._in_strips(x)

    def _in_strips(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        x = x.permute(0, 2, 3, 1).reshape(n, height, width * c)  # no copy if x is channels-last
        mid, out_h = self._down_rows[0].shape[1], self._down_rows[0].shape[0]
        out_w = self._down_columns[0].shape[0]
        out = x.new_empty(n, out_h, out_w * c)
        # The layouts make every pass a plain product without copies: filtering along rows leaves the picture as
        # (width, channels, height), and the last pass brings it back to (height, width, channels).
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


def _strips(
    up: NDArray[np.float64],
    downs: list[NDArray[np.float64]],
    dtype: torch.dtype,
    device: torch.device | None,
) -> tuple[_Strip, ...]:
    """Cut both passes along an axis into strips that need only a short part of the upsampled signal."""

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
    """Return the range of columns with non-zero entries."""
    used = np.flatnonzero(rows.any(axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
