"""Parses numbers of options: seeds, and lists of finite numbers."""

from __future__ import annotations

import math

from explorer.errors import UsageError
from explorer.util.ranges import ranges_of

__all__ = ["SEEDS", "check_seed", "numbers_of", "seeds_of"]

SEEDS = 2**32
"""Seeds are 0 .. SEEDS - 1."""


def seeds_of(option: str, text: str) -> tuple[int, ...]:
    """Return the seeds of "1-8,12,1" in order, with duplicates.

    Raises:
        UsageError: The text is malformed, out of range, or has too many seeds.
    """
    return tuple(ranges_of(option, text, SEEDS - 1))


def check_seed(option: str, seed: int) -> None:
    """Raise UsageError for a seed that is out of range."""
    if not 0 <= seed < SEEDS:
        raise UsageError(f"{option} {seed} is not within 0 to {SEEDS - 1}.")


def numbers_of(option: str, text: str, count: int) -> list[float]:
    """Parse `count` finite numbers separated by commas. Raises UsageError."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise UsageError(
            f"{option} {text}: expected {count} finite number{'s, separated by commas' * (count > 1)}."
        )
    return numbers
