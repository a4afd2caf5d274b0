"""Warps pictures by an affine map without aliasing: wavelet upsampling, lookup, downsampling by the mirror filter.

Karras et al. 2020 (ADA), appendix B. An orthogonal wavelet filter followed by its mirror image is the identity at
whole samples, so the identity map changes nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["SYM2", "SYM6", "lookup", "warp"]

SYM2 = np.array([1 - math.sqrt(3), 3 - math.sqrt(3), 3 + math.sqrt(3), 1 + math.sqrt(3)]) / (4 * math.sqrt(2))
"""Low-pass filter of Daubechies' least asymmetric wavelet with 2 vanishing moments, unit norm."""

SYM6 = np.array(
    [
        *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
        *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
        *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
    ]
)
"""The wavelet filter with 6 vanishing moments."""

_HALO = 3  # pixels by which the filters extend beyond a picture
# Samples by which the asymmetric filter shifts a picture.
_DELAY = float(SYM6 @ np.arange(SYM6.size) / SYM6.sum() - (SYM6.size - 1) / 2)


def warp(pictures: Tensor, inverse: Tensor) -> Tensor:
    """Warp pictures `[N, C, R, R]` by inverse maps `[N, 3, 3]` (target to source); borders are mirrored.

    Coordinates are relative to the centre in units of half a picture, x right and y down. Differentiable twice.
    """
    side = pictures.shape[-1]
    margin = _margin(inverse, side)
    x = F.pad(pictures, (margin,) * 4, mode="reflect")
    padded = x.shape[-1]
    x = _enlarge(x)
    fine = 2 * (side + 2 * _HALO)
    # The upsampled picture is `_DELAY` samples off until the mirrored filter shifts it back: rotate about that.
    into = _scale_and_shift(fine / (2 * side), -_DELAY / side).to(inverse)
    out_of = _scale_and_shift(side / padded, _DELAY / padded).to(inverse)
    theta = out_of @ inverse @ into
    shape = [x.shape[0], x.shape[1], fine, fine]
    x = lookup(x, F.affine_grid(theta[:, :2], shape, align_corners=False))
    return _reduce(x)


def _scale_and_shift(scale: float, shift: float) -> Tensor:
    return torch.tensor([[scale, 0.0, shift], [0.0, scale, shift], [0.0, 0.0, 1.0]])


def _margin(inverse: Tensor, side: int) -> int:
    """Return how many border pixels the warped corners need, limited to what mirroring provides."""
    ends = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1]], device=inverse.device).t()
    reach = float((inverse @ ends)[:, :2].abs().max())
    wanted = math.ceil((reach - 1) * side / 2) + 2 * _HALO
    return max(min(wanted, side - 1), 0)


def _taps(x: Tensor) -> Tensor:
    return torch.from_numpy(SYM6).to(x.device, x.dtype).expand(x.shape[1], 1, -1)


def _enlarge(x: Tensor) -> Tensor:
    """Upsample by 2: zeros between samples, then the filter along both axes; the mean is unchanged."""
    taps = _taps(x) * math.sqrt(2)
    channels, cut = x.shape[1], SYM6.size // 2 - 1
    x = F.conv_transpose2d(x, taps[:, :, None, :], stride=(1, 2), padding=(0, cut), groups=channels)
    return F.conv_transpose2d(x, taps[:, :, :, None], stride=(2, 1), padding=(cut, 0), groups=channels)


def _reduce(x: Tensor) -> Tensor:
    """Downsample by 2 without the halo: the mirrored filter, then every other sample."""
    # `conv2d` correlates, which mirrors the filter.
    taps = _taps(x) / math.sqrt(2)
    channels, cut = x.shape[1], 2 * _HALO - (SYM6.size // 2 - 1)
    x = x[..., cut:-cut, cut:-cut]
    x = F.conv2d(x, taps[:, :, None, :], stride=(1, 2), groups=channels)
    return F.conv2d(x, taps[:, :, :, None], stride=(2, 1), groups=channels)


def lookup(x: Tensor, grid: Tensor) -> Tensor:
    """Look up bilinearly with zeros outside, like `grid_sample`, which is not twice differentiable on all devices.

    Gradients flow to `x` `[N, C, H, W]`, not to `grid` `[N, h, w, 2]`.
    """
    result: Tensor = _Lookup.apply(x, grid)  # type: ignore[no-untyped-call]
    return result


class _Lookup(torch.autograd.Function):
    """The lookup is linear in the picture: its derivative is its adjoint, whose derivative is the lookup again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = x.shape
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Adjoint.apply(gradient, grid, ctx.shape), None  # type: ignore[no-untyped-call]


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        blank = gradient.new_zeros(()).expand(shape)
        back: Tensor = torch.ops.aten.grid_sampler_2d_backward(gradient, blank, grid, 0, 0, False, [True, False])[0]
        return back

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Lookup.apply(gradient, grid), None, None  # type: ignore[no-untyped-call]
