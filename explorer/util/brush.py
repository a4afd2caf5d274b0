"""The brush that marks and erases regions of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["brushed", "erased"]

Point = tuple[float, float]
"""x and y in picture widths from the upper left corner."""


def brushed(
    region: NDArray[np.bool_] | None, size: tuple[int, int], start: Point, end: Point, radius: float
) -> NDArray[np.bool_]:
    """Return a region with what the brush covers between two points added.

    Args:
        region: bool `[H, W]`; None for none.
        size: Height and width of the picture in pixels.
        start: Where the stroke begins.
        end: Where it ends.
        radius: Of the brush, in picture widths.
    """
    covered = _covered(size, start, end, radius)
    made: NDArray[np.bool_] = covered if region is None else covered | region
    made.setflags(write=False)
    return made


def erased(
    region: NDArray[np.bool_] | None, size: tuple[int, int], start: Point, end: Point, radius: float
) -> NDArray[np.bool_] | None:
    """Return a region without what the brush covers between two points, see `brushed`; None if nothing is left."""
    if region is None:
        return None
    made: NDArray[np.bool_] = region & ~_covered(size, start, end, radius)
    made.setflags(write=False)
    return made if made.any() else None


def _covered(size: tuple[int, int], start: Point, end: Point, radius: float) -> NDArray[np.bool_]:
    """Return every pixel whose middle is near a line, or that an end of the line lies in."""
    height, width = size
    down, across = (np.mgrid[:height, :width] + 0.5) / width
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    length = dx * dx + dy * dy
    along = ((across - x) * dx + (down - y) * dy) / length if length else np.zeros(size)
    along = np.clip(along, 0.0, 1.0)
    near: NDArray[np.bool_] = np.hypot(across - x - along * dx, down - y - along * dy) <= radius
    for i, j in ((int(at[1] * width), int(at[0] * width)) for at in (start, end)):
        if 0 <= i < height and 0 <= j < width:
            near[i, j] = True
    return near
