"""Sums of numbers out of files, which may overflow."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["total_of"]


def total_of(values: Iterable[float]) -> float:
    """Return the exact sum, rounded once; NaN where it overflows, which is refused with all that is not finite."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # beyond the largest float on the way, or infinity less infinity
        return math.nan
