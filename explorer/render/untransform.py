"""Untransform: resample a picture back by the inverse of its motion, band-limited, for inspection.

The filter is a sinc in the grid of the input convolved with one in the grid of the output, each windowed with
Lanczos 3, as the equivariance metrics use it. The picture is enlarged four times with it and looked up bilinearly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["affine_filter", "apply_affine", "untransform"]

UP = 4
REACH = 6
"""Half width of the filter in pixels (twice the Lanczos parameter of 3)."""

FILTER_RANGE = 16
"""Half length in pixels of the sincs that are convolved. The metrics use 64; for display 16 differs by less than an
8-bit level and takes a hundredth of the time."""


def untransform(x: Tensor, forward: tuple[float, ...]) -> Tensor:
    """`[C, H, W]` moved back by the inverse of `forward` (3x3, row by row, lengths in image widths)."""
    inverse = np.linalg.inv(np.array(forward, dtype=np.float64).reshape(3, 3))
    return apply_affine(x, inverse)


def apply_affine(x: Tensor, motion: np.ndarray, filter_range: int = FILTER_RANGE) -> Tensor:
    """`[C, H, W]` moved by a forward motion; black where the picture does not reach.

    Args:
        x: float32.
        motion: `[3, 3]` float64 forward motion; x right, y down, unit = image width, origin in the middle.
        filter_range: Half length of the sincs in pixels.
    """
    _, h, w = x.shape
    linear = tuple(float(v) for v in motion[:2, :2].ravel())
    kernel = _kernel(linear, filter_range).to(x.device)
    y = _upsample(x, kernel)  # [C, 4H + 2p, 4W + 2p]
    p = UP * REACH - 1
    inverse = np.linalg.inv(motion)
    # Rows of theta give the lookup position in the enlarged picture, in grid_sample's -1..1 over its size.
    theta = np.concatenate([inverse[:2, :2], 2.0 * inverse[:2, 2:]], axis=1)
    theta[0, 2] += 1.0 / (UP * w)
    theta[1, 2] += 1.0 / (UP * h)
    theta[0] *= w / (w + 2.0 * p / UP)
    theta[1] *= h / (h + 2.0 * p / UP)
    matrix = torch.tensor(theta, dtype=torch.float32, device=x.device)[None]
    grid = F.affine_grid(matrix, [1, 1, h, w], align_corners=False)
    return F.grid_sample(y[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


@lru_cache(maxsize=64)
def _kernel(linear: tuple[float, ...], filter_range: int) -> Tensor:
    f = affine_filter(np.array(linear).reshape(2, 2), filter_range, up=UP, reach=REACH)
    return torch.tensor(f, dtype=torch.float32)


def _upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """`[C, H, W]` enlarged four times with 23 more samples on each side, as sixteen small convolutions.

    The same as inserting zeros and convolving with the whole kernel, without multiplying by the zeros.
    """
    taps = kernel.shape[0]  # 2 * UP * REACH - 1
    p = taps // 2
    c, h, w = x.shape
    # Sample n of the output sums x[k] * f[n - UP*k - offset]; a phase n % UP uses every fourth tap.
    padded = F.pad(kernel, (0, 1, 0, 1))  # [2 * UP * REACH] squared: 12 taps of each phase
    phases = padded.reshape(taps // UP + 1, UP, taps // UP + 1, UP).permute(1, 3, 0, 2)
    phases = phases.flip(2, 3).reshape(UP * UP, 1, taps // UP + 1, taps // UP + 1) * (UP * UP)
    reach = taps // UP
    y = F.conv2d(x[:, None], phases, padding=reach)  # [C, UP * UP, H + reach, W + reach]
    y = F.pixel_shuffle(y, UP)[:, 0]
    return y[:, : UP * h + 2 * p, : UP * w + 2 * p]


def affine_filter(linear: np.ndarray, filter_range: int, up: int, reach: int, lanczos: int = 3) -> np.ndarray:
    """The band-limiting filter of a motion with this linear part, float64 `[2 * reach * up - 1]` squared.

    Each polyphase component sums to 1 / up^2. Indices count rows, then columns; not flipped.
    """
    size = 2 * filter_range * up - 1
    centre = filter_range * up - 1
    taps = np.roll((np.arange(size) + 1) / up - filter_range, -centre)
    xi, yi = np.meshgrid(taps, taps)
    xo = linear[0, 0] * xi + linear[0, 1] * yi
    yo = linear[1, 0] * xi + linear[1, 1] * yi
    spectrum = np.fft.rfft2(np.sinc(xi) * np.sinc(yi)) * np.fft.rfft2(np.sinc(xo) * np.sinc(yo))
    f = np.fft.irfft2(spectrum, s=(size, size))
    wi, wo = (_window(a, lanczos) * _window(b, lanczos) for a, b in ((xi, yi), (xo, yo)))
    f = f * np.fft.irfft2(np.fft.rfft2(wi) * np.fft.rfft2(wo), s=(size, size))
    f = np.roll(f, (centre, centre), axis=(0, 1))
    crop = (filter_range - reach) * up
    f = f[crop : size - crop, crop : size - crop] if crop else f
    f = np.pad(f, ((0, 1), (0, 1))).reshape(2 * reach, up, 2 * reach, up)
    f = f / (f.sum(axis=(0, 2), keepdims=True) * up**2)
    return f.reshape(2 * reach * up, 2 * reach * up)[:-1, :-1]


def _window(x: np.ndarray, a: int) -> np.ndarray:
    return np.where(np.abs(x) < a, np.sinc(x / a), 0.0)
