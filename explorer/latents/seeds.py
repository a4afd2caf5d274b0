"""Maps seeds to `z`, and the plane of seeds to explore by dragging."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PLANE_STRIDE", "SEED_COUNT", "plane_corners", "plane_seed", "z_of_seed"]

SEED_COUNT = 2**32
"""Seeds are 0 .. 2**32 - 1, as in `numpy.random.RandomState`."""

PLANE_STRIDE = 100
"""A step down the plane is a hundred seeds, a step right is one (the field's convention)."""


@lru_cache(maxsize=4096)
def z_of_seed(seed: int, z_dim: int) -> NDArray[np.float32]:
    """Return a seed's `z`, float32 `[z_dim]`, read-only: `RandomState(seed).randn(z_dim)`, as in published work.

    Args:
        seed: Any integer; taken modulo 2**32.
        z_dim: Length of `z`.
    """
    z = np.random.RandomState(seed % SEED_COUNT).randn(z_dim).astype(np.float32)
    z.setflags(write=False)
    return z


def plane_seed(seed: int, i: int, j: int) -> int:
    """Return the seed at the integer point (i, j) of the plane around `seed`."""
    return (seed + i + PLANE_STRIDE * j) % SEED_COUNT


def plane_corners(seed: int, x: float, y: float) -> tuple[tuple[int, float], ...]:
    """Return the neighbouring points on the plane as (seed, bilinear weight); weights are non-zero and sum to 1.

    At an integer point this is a single seed with a weight of exactly 1.
    """
    i, j = math.floor(x), math.floor(y)
    fx, fy = x - i, y - j
    weights = (
        (i, j, (1.0 - fx) * (1.0 - fy)),
        (i + 1, j, fx * (1.0 - fy)),
        (i, j + 1, (1.0 - fx) * fy),
        (i + 1, j + 1, fx * fy),
    )
    return tuple((plane_seed(seed, a, b), weight) for a, b, weight in weights if weight > 0.0)
