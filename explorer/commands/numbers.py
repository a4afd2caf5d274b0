"""Parses numbers of options: seeds, ranges such as 1-8,12, and lists of finite numbers."""

from __future__ import annotations

import math

from explorer.errors import UsageError

__all__ = ["MAX_SEEDS", "SEEDS", "check_seed", "numbers_of", "ranges_of", "seeds_of"]

SEEDS = 2**32
"""Seeds are 0 .. SEEDS - 1."""

MAX_SEEDS = 10_000
"""Limit for one call; more are assumed to be a typing error."""


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


def ranges_of(option: str, text: str, largest: int, smallest: int = 0) -> list[int]:
    """Return the numbers of "1-8,12", from `smallest` to `largest`. Raises UsageError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            message = f"{option} {text}: {part!r} is not a number from {smallest} or a range."
            raise UsageError(message, "For example 1-8,12.")
        # Python refuses to parse numbers with thousands of digits.
        low, high = (int(digits[:20]) for digits in (first, last if dash else first))
        if low < smallest or high > largest or low > high:
            message = f"{option} {text}: {part!r} is not within {smallest} to {largest}, the smaller number first."
            raise UsageError(message)
        if len(found) + high - low >= MAX_SEEDS:
            raise UsageError(f"{option} {text}: more than {MAX_SEEDS:,} numbers.", "Use several calls.")
        found.extend(range(low, high + 1))
    return found


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
