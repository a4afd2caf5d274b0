"""Decides when to collect garbage and return freed memory: a little often, everything when idle."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

__all__ = ["Housekeeping"]

FULL_EVERY_S = 10.0
"""From one full collection at rest to the next."""

FULL_AT_LATEST_S = 30.0
"""After which it is done although the pictures move, and freed memory is given back.

Both take some milliseconds. Freed memory stays with the process, and later pictures use other pages of it: given
back every two minutes, it made the process grow by 70 MB in an hour of random input.
"""


class Housekeeping:
    """Decide at every tick (about a second) what to do. For one thread, the only one that collects.

    Args:
        give_back: Returns freed memory to the system.
        collect: Collects a generation of garbage; 2 is everything.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        give_back: Callable[[], object],
        collect: Callable[[int], object] = gc.collect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._give_back, self._collect, self._clock = give_back, collect, clock
        self._collected_at = self._given_back_at = clock()
        self._closed_models = 0
        self._give_backs = 0

    def tick(self, *, at_rest: bool, given_up: int) -> None:
        """Do what is due.

        Args:
            at_rest: Whether nothing moves and nothing is being computed.
            given_up: Number of models evicted so far, whose memory is worth returning.
        """
        now = self._clock()
        if given_up != self._closed_models:
            # Twice: at the first rest the render thread may not have come to dropping its part yet.
            self._closed_models, self._give_backs = given_up, 2
        is_late = now - self._given_back_at >= FULL_AT_LATEST_S
        is_due = at_rest and (self._give_backs > 0 or now - self._collected_at >= FULL_EVERY_S)
        if not is_due and not is_late:
            self._collect(1)
            return
        self._collect(2)
        self._collected_at = now
        if is_late or self._give_backs:
            self._give_backs = max(0, self._give_backs - 1)
            self._given_back_at = now
            self._give_back()
