"""Untransform: a picture moved back by the inverse of its motion, for display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.ops import resample

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["untransform"]


def untransform(x: Tensor, forward: tuple[float, ...]) -> Tensor:
    """`[C, H, W]` moved back by the inverse of `forward` (3x3, row by row, lengths in image widths)."""
    matrix = np.array(forward, dtype=np.float64).reshape(3, 3)
    return resample.undo(x[None], matrix)[0][0]
