"""Sums of numbers from files, which may overflow."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["total_of"]


def total_of(values: Iterable[float]) -> float:
    """Return the exact sum, rounded once; NaN if it overflows, so that it is refused as not finite."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # an intermediate overflow, or infinity minus infinity
        return math.nan
