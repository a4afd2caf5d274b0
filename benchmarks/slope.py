"""How fast a quantity grows, whatever single samples do: for memory, which comes and goes in steps."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ["growth", "slope"]


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return the median slope between all pairs of (time, value); 0 for fewer than two (Theil 1950, Sen 1968).

    Up to 29 % of the samples may be anything, so that a step up and back again, or a collection just before the
    last sample, changes nothing.
    """
    pairs = [
        (after[1] - before[1]) / (after[0] - before[0])
        for i, before in enumerate(samples)
        for after in samples[i + 1 :]
        if after[0] > before[0]
    ]
    return statistics.median(pairs) if pairs else 0.0


def growth(samples: Sequence[tuple[float, float]], warm_up: float, span: float) -> float:
    """By how much the value grows in a time of `span`, judged by the samples after `warm_up`."""
    return slope([sample for sample in samples if sample[0] >= warm_up]) * span
