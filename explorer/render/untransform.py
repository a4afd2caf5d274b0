"""Untransform: moves a picture back by the inverse of its motion, and compares it with the untransformed one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.ops import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.util.steps import Steps

__all__ = [
    "DIFFERENCE_GAIN",
    "HEAT_FULL",
    "difference_picture",
    "heat_picture",
    "painted",
    "residual",
    "untransform",
]

DIFFERENCE_GAIN = 2.0
"""A difference of half the range is shown as black or white."""

HEAT_FULL = 0.5
"""Root mean square difference of the channels (range 2) that is shown in the brightest colour."""

_BAND_PIXELS = 1 << 17

_HEAT = ((0, 0, 0), (46, 16, 92), (140, 30, 105), (222, 74, 60), (250, 165, 40), (255, 250, 200))


def untransform(x: Tensor, forward: tuple[float, ...]) -> Steps[Tensor]:
    """Move `[C, H, W]` back by the inverse of `forward` (3x3, row by row, lengths in image widths), in steps."""
    back, _ = yield from resample.undo_steps(x[None], _matrix(forward))
    return back[0]


def residual(moved: Tensor, still: Tensor, forward: tuple[float, ...] | None) -> Steps[Tensor]:
    """Return how `moved` deviates from its motion: moved back, minus `still`; 0 outside the picture. In steps.

    Args:
        moved: `[C, H, W]`.
        still: The same picture without the motion.
        forward: The motion; None: none.
    """
    if forward is None:
        return moved - still
    back, mask = yield from resample.undo_steps(moved[None], _matrix(forward))
    return (back[0] - still) * mask[0]


def painted(difference: Tensor, paint: Callable[[Tensor], Tensor]) -> Steps[Tensor]:
    """Apply `paint` (one of the next two functions) to a difference, in steps of some rows."""
    rows = max(1, _BAND_PIXELS // difference.shape[2])
    bands = []
    for start in range(0, difference.shape[1], rows):
        bands.append(paint(difference[:, start : start + rows]))
        yield
    return torch.cat(bands, dim=1)


def difference_picture(difference: Tensor) -> Tensor:
    """Return a difference as a picture `[C, H, W]` in -1..1: signed, grey where it is zero."""
    return difference * DIFFERENCE_GAIN


def heat_picture(difference: Tensor) -> Tensor:
    """Return a difference as a heat map `[3, H, W]` in -1..1: black where it is zero, then red to pale yellow."""
    heat = difference.square().mean(dim=0).sqrt().div(HEAT_FULL).clamp(0, 1) * (len(_HEAT) - 1)
    colours = torch.tensor(_HEAT, dtype=torch.float32, device=difference.device) / 127.5 - 1
    below = heat.long().clamp(max=len(_HEAT) - 2)
    rest = (heat - below)[..., None]
    return (colours[below] * (1 - rest) + colours[below + 1] * rest).permute(2, 0, 1)


def _matrix(forward: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(forward, dtype=np.float64).reshape(3, 3)
