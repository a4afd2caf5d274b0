"""One seed from several numbers."""

from __future__ import annotations

import numpy as np

__all__ = ["seed_of"]


def seed_of(*numbers: int) -> int:
    """Return a 32-bit seed, as torch's CPU generator needs, from non-negative numbers.

    If all but the last number are 0, the last one is the seed.
    """
    *others, last = numbers
    if not any(others):
        return last
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
