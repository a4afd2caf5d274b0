"""StyleGAN's upsampling convolution: every pixel doubled in both axes, then a 3x3 convolution, then a blur.

From some resolution on StyleGAN fuses the first two into a transposed convolution with a 4x4 kernel. For the same
stored weight that gives another picture: it equals the plain form with the weight mirrored in both axes.
"""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from . import backend
from .conv_weights import Kernel, phases
from .precision import check_dtype

__all__ = ["PreparedNearestUpConv", "blur2d", "nearest_up_conv"]


def nearest_up_conv(x: Tensor, weight: Tensor, *, fused: bool = False) -> Tensor:
    """Double the resolution and convolve, as StyleGAN does; the readable form, differentiable to any order.

    Args:
        x: `[N, I, H, W]`, any float dtype (no float16 on the CPU).
        weight: `[O, I, 3, 3]` as stored, gains included.
        fused: The fused form, which mirrors the weight.

    Returns:
        `[N, O, 2 H, 2 W]`.
    """
    check_dtype(x)
    weight = weight.to(x.dtype)
    if not fused:
        return F.conv2d(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), weight, padding=1)
    return F.conv_transpose2d(x, _four_windows(weight).transpose(0, 1), stride=2, padding=1)


def _four_windows(weight: Tensor) -> Tensor:
    """Return the sum of a 3x3 kernel at the four offsets in 4x4."""
    padded = F.pad(weight, (1, 1, 1, 1))
    return padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]


def blur2d(x: Tensor, taps: Tensor) -> Tensor:
    """Filter each channel with the same odd number of taps `[k]` along both axes; zeros come in from outside."""
    c, k = x.shape[1], taps.shape[0]
    kernel = torch.outer(taps, taps).to(x.dtype).expand(c, 1, k, k)
    return F.conv2d(x, kernel, padding=k // 2, groups=c)


class PreparedNearestUpConv:
    """`nearest_up_conv` and `blur2d` for inference, at the lower resolution; immutable.

    An even row of the doubled picture sees the rows i-1 and i of the input, an odd one i and i+1, so that a 3x3
    kernel there is a 2x2 kernel here: 16 instead of 36 multiplications for each pixel of the input. With the native
    kernels and a blur of three taps 9 are enough: doubling pixels is a filter [1, 1], which commutes with the
    convolution and joins the blur, except at the picture's edge (`_edges`).

    Args:
        weight: `[O, I, 3, 3]` as stored, gains included.
        bias: `[O]`, added after the blur.
        taps: `[k]` of the blur, an odd number; None does not blur.
        fused: As in `nearest_up_conv`.
        dtype: Dtype of the features.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        taps: Tensor | None,
        *,
        fused: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._weight = weight.detach().flip([2, 3]) if fused else weight.detach()
        self.bias, self.taps, self.dtype = bias.detach().float(), taps, dtype
        self.four_taps: Tensor | None = None
        if taps is not None and taps.shape[0] == 3 and taps.is_cpu:
            self.four_taps = (F.pad(taps, (0, 1)) + F.pad(taps, (1, 0))).float().contiguous()

    @cached_property
    def phases(self) -> list[Kernel]:
        """The convolution of the input with zeros between its pixels, by parity of rows and columns."""
        return phases(self._weight.flip([2, 3]), self.dtype)

    @cached_property
    def kernels(self) -> list[Kernel]:
        """The kernels of (even, even), (even, odd), (odd, even) and (odd, odd) rows and columns of the result."""
        parts = [
            columns
            for rows in _halves(self._weight.transpose(2, 3))  # rows are last
            for columns in _halves(rows.transpose(2, 3))
        ]
        return [Kernel(_channels_last(part.to(self.dtype)), (0, 0)) for part in parts]

    def __call__(self, x: Tensor, slope: float) -> Tensor:
        """Return the leaky ReLU of the blurred result plus bias, `[N, O, 2 H, 2 W]`, channels-last.

        Args:
            x: `[N, I, H, W]` of the prepared dtype.
            slope: Negative slope of the leaky ReLU; 1 is none.
        """
        native = backend.native_for(x)
        if native is not None and self.four_taps is not None:
            x = _channels_last(x)
            parts = [_channels_last(kernel(x)) for kernel in self.phases]
            taps = self.four_taps
            y = native.fir_epilogue(
                parts, fx=taps, fy=taps, scale=None, bias=self.bias, noise=None, slope=1.0, clamp=None
            )
            self._edges(y, parts)
        else:
            y = self._by_parity(x)
        return y if slope == 1.0 else F.leaky_relu_(y, slope)

    def _edges(self, y: Tensor, parts: list[Tensor]) -> None:
        """Take away from the edges of `y` what the blur should not see, since it lies outside the picture.

        With z as the convolution of the spread input and b as the blur's taps, the filter at row 0 has b0 * z[0]
        too much, and at the last row b2 * z[-1]; the same in columns.
        """
        assert self.taps is not None
        assert self.four_taps is not None
        first, last = float(self.taps[0]), float(self.taps[2])
        ee, eo, oe, _ = parts
        for at, factor in ((0, first), (-1, last)):
            across = _woven(ee[:, :, at], eo[:, :, at])
            filtered = self._filtered(across)
            filtered[..., 0] -= first * across[..., 0]
            filtered[..., -1] -= last * across[..., -1]
            y[:, :, at] -= (factor * filtered).to(y.dtype)
        for at, factor in ((0, first), (-1, last)):
            y[..., at] -= (factor * self._filtered(_woven(ee[..., at], oe[..., at]))).to(y.dtype)

    def _filtered(self, line: Tensor) -> Tensor:
        """Filter a row or column `[N, C, 2 L + 1]` with the four taps: `[N, C, 2 L]`."""
        assert self.four_taps is not None
        padded = F.pad(line, (1, 1))
        count = line.shape[2] - 1
        filtered = torch.zeros_like(line[..., 1:])
        for t, tap in enumerate(self.four_taps.tolist()):
            filtered.add_(padded[..., t : t + count], alpha=tap)
        return filtered

    def _by_parity(self, x: Tensor) -> Tensor:
        """Return the blurred result plus bias, with 2x2 kernels."""
        x = F.pad(x, (1, 1, 1, 1))
        ee, eo, oe, oo = (
            kernel(_channels_last(x[:, :, row : x.shape[2] - 1 + row, column : x.shape[3] - 1 + column]))
            for kernel, (row, column) in zip(self.kernels, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True)
        )
        n, o, h, w = ee.shape
        y = torch.empty(n, o, 2 * h, 2 * w, dtype=ee.dtype, device=ee.device, memory_format=torch.channels_last)
        y[:, :, ::2, ::2], y[:, :, ::2, 1::2], y[:, :, 1::2, ::2], y[:, :, 1::2, 1::2] = ee, eo, oe, oo
        if self.taps is not None:
            y = blur2d(y, self.taps)
        return y.add_(self.bias.to(y.dtype)[:, None, None])


def _halves(w: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two taps along the last axis for even and for odd pixels of three taps."""
    first, middle, last = w.unbind(-1)
    return torch.stack([first, middle + last], -1), torch.stack([first + middle, last], -1)


def _woven(even: Tensor, odd: Tensor) -> Tensor:
    """Return `[N, C, 2 L + 1]` float32 of its even and odd samples."""
    line = even.new_empty(*even.shape[:2], even.shape[2] + odd.shape[2], dtype=torch.float32)
    line[..., ::2], line[..., 1::2] = even, odd
    return line


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
