"""Parses lists of whole numbers, such as 1-8,12: of seeds, layers, latents."""

from __future__ import annotations

from explorer.errors import UsageError

__all__ = ["MAX_NUMBERS", "ranges_of"]

MAX_NUMBERS = 10_000
"""Limit for one list; more are assumed to be a typing error."""


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
        if len(found) + high - low >= MAX_NUMBERS:
            raise UsageError(f"{option} {text}: more than {MAX_NUMBERS:,} numbers.", "Use several calls.")
        found.extend(range(low, high + 1))
    return found
