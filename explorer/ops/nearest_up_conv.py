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
from .conv_weights import Kernel
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
    """`nearest_up_conv` and `blur2d` for inference: four small convolutions at the lower resolution; immutable.

    An even row of the doubled picture sees the rows i-1 and i of the input, an odd one i and i+1, so that a 3x3
    kernel there is a 2x2 kernel here: 16 instead of 36 multiplications for each pixel of the input.

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

    @cached_property
    def kernels(self) -> list[Kernel]:
        """The kernels of (even, even), (even, odd), (odd, even) and (odd, odd) rows and columns."""
        w = self._weight
        rows = (
            torch.stack([w[:, :, 0], w[:, :, 1] + w[:, :, 2]], 2),
            torch.stack([w[:, :, 0] + w[:, :, 1], w[:, :, 2]], 2),
        )
        made = []
        for part in rows:
            even = torch.stack([part[..., 0], part[..., 1] + part[..., 2]], -1)
            odd = torch.stack([part[..., 0] + part[..., 1], part[..., 2]], -1)
            made += [even, odd]
        return [Kernel(part.to(self.dtype).contiguous(memory_format=torch.channels_last), (0, 0)) for part in made]

    @cached_property
    def four_taps(self) -> Tensor | None:
        """Three taps of the blur and a zero, as the native filter takes four; None for another blur or device."""
        if self.taps is None or self.taps.shape[0] != 3 or not self.taps.is_cpu:
            return None
        return F.pad(self.taps.float(), (0, 1)).contiguous()

    def __call__(self, x: Tensor, slope: float) -> Tensor:
        """Return the leaky ReLU of the blurred result plus bias, `[N, O, 2 H, 2 W]`, channels-last.

        Args:
            x: `[N, I, H, W]` of the prepared dtype.
            slope: Negative slope of the leaky ReLU; 1 is none.
        """
        x = F.pad(x, (1, 1, 1, 1)).contiguous(memory_format=torch.channels_last)
        ee, eo, oe, oo = self.kernels
        native = backend.native_for(x)
        if native is not None and self.four_taps is not None:
            # The filter reads one row and column past the picture, where the blur sees zeros.
            corner, right = ee(x), eo(_channels_last(x[..., 1:]))
            below = oe(_channels_last(x[:, :, 1:]))
            corner[:, :, -1], corner[..., -1], right[:, :, -1], below[..., -1] = 0, 0, 0, 0
            phases = [corner, right, below, oo(_channels_last(x[:, :, 1:, 1:]))]
            return native.fir_epilogue(
                [_channels_last(phase) for phase in phases],
                fx=self.four_taps,
                fy=self.four_taps,
                scale=None,
                bias=self.bias,
                noise=None,
                slope=slope,
                clamp=None,
            )
        y = self._interleaved(
            ee(_channels_last(x[:, :, :-1, :-1])), eo(_channels_last(x[:, :, :-1, 1:])),
            oe(_channels_last(x[:, :, 1:, :-1])), oo(_channels_last(x[:, :, 1:, 1:])),
        )  # fmt: skip
        if self.taps is not None:
            y = blur2d(y, self.taps)
        y = y.add_(self.bias.to(y.dtype)[:, None, None])
        return y if slope == 1.0 else F.leaky_relu_(y, slope)

    @staticmethod
    def _interleaved(ee: Tensor, eo: Tensor, oe: Tensor, oo: Tensor) -> Tensor:
        n, o, h, w = ee.shape
        y = torch.empty(n, o, 2 * h, 2 * w, dtype=ee.dtype, device=ee.device, memory_format=torch.channels_last)
        y[:, :, ::2, ::2], y[:, :, ::2, 1::2], y[:, :, 1::2, ::2], y[:, :, 1::2, 1::2] = ee, eo, oe, oo
        return y


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
