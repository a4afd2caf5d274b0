"""A brush that marks pixels of a picture, for whatever asks the user to paint over one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BRUSH", "Place", "brushed"]

BRUSH = 0.04
"""Radius of a brush at first, in picture widths."""

Place = tuple[float, float]
"""(x, y) in picture widths from the upper left corner."""


def brushed(
    region: NDArray[np.bool_] | None,
    size: tuple[int, int],
    start: Place,
    end: Place,
    radius: float,
    *,
    is_erasing: bool = False,
) -> NDArray[np.bool_]:
    """Return a region with, or without, what a brush covers on a line.

    That is every pixel whose middle is near the line, or that an end of the line lies in.

    Args:
        region: The region so far, bool `[H, W]`; None for an empty one.
        size: (height, width) of the picture.
        start: Where the line begins.
        end: Where it ends.
        radius: Of the brush, in picture widths.
        is_erasing: Whether those pixels leave the region.
    """
    height, width = size
    down, across = (np.mgrid[:height, :width] + 0.5) / width
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    length = dx * dx + dy * dy
    along = ((across - x) * dx + (down - y) * dy) / length if length else np.zeros(size)
    along = np.clip(along, 0.0, 1.0)
    near = np.hypot(across - x - along * dx, down - y - along * dy) <= radius
    for i, j in ((int(at[1] * width), int(at[0] * width)) for at in (start, end)):
        if 0 <= i < height and 0 <= j < width:
            near[i, j] = True
    before = np.zeros(size, bool) if region is None else region
    made: NDArray[np.bool_] = before & ~near if is_erasing else before | near
    made.setflags(write=False)
    return made
