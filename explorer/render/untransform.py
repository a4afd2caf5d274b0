"""Untransform: resample a picture back by the inverse of its motion, band-limited, fast enough for live display.

The same maths as `explorer.ops.resample.affine`, which the equivariance metrics use: enlarge four times with a
filter made for the motion, look up bilinearly. Here the filter is designed on a smaller domain, kept for each
linear part, and applied phase by phase.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from explorer.ops.resample import affine_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["apply_affine", "untransform"]

UP = 4
REACH = 6
"""Half width of the filter in pixels (twice the Lanczos parameter of 3)."""

SPAN, STILL_SPAN = 16, 64
"""Radius in pixels of the domain in which a filter is designed. The metrics use 64; 16 differs by less than
an 8-bit level and takes a twentieth of the time, which counts while a picture turns. A motion that only translates
needs the long one (two equal sincs decay slowly), but the same for every step."""


def untransform(x: Tensor, forward: tuple[float, ...]) -> Tensor:
    """`[C, H, W]` moved back by the inverse of `forward` (3x3, row by row, lengths in image widths)."""
    inverse = np.linalg.inv(np.array(forward, dtype=np.float64).reshape(3, 3)).astype(np.float64)
    return apply_affine(x, inverse)


def apply_affine(x: Tensor, motion: NDArray[np.float64]) -> Tensor:
    """`[C, H, W]` float32 moved by a forward motion; black where the picture does not reach.

    `motion`: `[3, 3]` float64; x right, y down, unit = image width, origin in the middle.
    """
    _, h, w = x.shape
    y = _upsample(x, _kernel(tuple(float(v) for v in motion[:2, :2].ravel())).to(x.device))
    p = UP * REACH - 1
    # Rows of theta give the lookup position in the enlarged picture, in grid_sample's -1..1 over its size.
    theta = np.linalg.inv(motion)[:2]
    theta[:, 2] = 2.0 * theta[:, 2] + (1.0 / (UP * w), 1.0 / (UP * h))
    theta[0] *= w / (w + 2.0 * p / UP)
    theta[1] *= h / (h + 2.0 * p / UP)
    matrix = torch.tensor(theta, dtype=torch.float32, device=x.device)[None]
    grid = F.affine_grid(matrix, [1, 1, h, w], align_corners=False)
    return F.grid_sample(y[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]


@lru_cache(maxsize=64)
def _kernel(linear: tuple[float, ...]) -> Tensor:
    span = STILL_SPAN if linear == (1.0, 0.0, 0.0, 1.0) else SPAN
    f = affine_filter(np.array(linear).reshape(2, 2), up=UP, radius=REACH, span=span)
    return torch.tensor(f, dtype=torch.float32)


def _upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """`[C, H, W]` enlarged four times with 23 more samples on each side, as sixteen small convolutions.

    The same as inserting zeros and convolving with the whole kernel, without multiplying by the zeros.
    """
    taps = kernel.shape[0]  # 2 * UP * REACH - 1
    h, w = x.shape[1:]
    per_phase = taps // UP + 1
    padded = F.pad(kernel, (0, 1, 0, 1))
    phases = padded.reshape(per_phase, UP, per_phase, UP).permute(1, 3, 0, 2).flip(2, 3)
    weight = phases.reshape(UP * UP, 1, per_phase, per_phase) * (UP * UP)
    y = F.conv2d(x[:, None], weight, padding=per_phase)  # [C, UP * UP, H + per_phase + 1, ...]
    y = F.pixel_shuffle(y, UP)[:, 0]
    # Phase 0 of the first sample lies two samples before the enlarged picture's edge.
    first = UP // 2
    return y[:, first : first + UP * h + taps - 1, first : first + UP * w + taps - 1]
