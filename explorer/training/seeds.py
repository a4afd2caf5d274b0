"""One seed out of several numbers."""

from __future__ import annotations

import numpy as np

__all__ = ["seed_of"]


def seed_of(*numbers: int) -> int:
    """Return a seed in 32 bits, which is all that torch's generator of a CPU takes, from numbers from 0 on.

    The last number alone where the others are 0: the first data set, run and process count from 0.
    """
    *others, last = numbers
    if not any(others):
        return last
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
