"""Points at equal distances along a path drawn on the latent map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["along", "length_of"]

Point = tuple[float, float]


def length_of(path: Sequence[Point]) -> float:
    """Return the length of a path of straight lines, in units of the plane."""
    if len(path) < 2:
        return 0.0
    return float(np.linalg.norm(np.diff(np.asarray(path, dtype=np.float64), axis=0), axis=1).sum())


def along(path: Sequence[Point], count: int) -> list[Point]:
    """Return `count` points from the first to the last of a path, at equal distances along it.

    Args:
        path: At least one point; the path goes straight from each to the next.
        count: At least 2.
    """
    points = np.asarray(path, dtype=np.float64)
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0.0, at[-1], count)
    xs, ys = (np.interp(wanted, at, points[:, axis]) for axis in (0, 1))
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
