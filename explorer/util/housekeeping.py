"""Decides when to collect garbage and return freed memory: a little often, everything when idle."""

from __future__ import annotations

import gc
from collections.abc import Callable

__all__ = ["Housekeeping"]

FULL_EVERY = 10
"""Idle ticks between two full collections."""

FULL_AT_LAST = 120
"""Ticks after which this happens even while pictures move: it costs some milliseconds in two minutes, but otherwise
the heap would only grow, because freed memory stays with the process."""


class Housekeeping:
    """Decides at every tick (about a second) what to do. For the only thread that collects garbage.

    Args:
        give_back: Returns freed memory to the system.
        collect: Collects a generation of garbage; 2 is everything.
    """

    def __init__(self, give_back: Callable[[], object], collect: Callable[[int], object] = gc.collect) -> None:
        self._give_back, self._collect = give_back, collect
        self._ticks = self._kept_for = 0
        self._given_up = 0
        self._give_backs = 0

    def tick(self, *, at_rest: bool, given_up: int) -> None:
        """Do what is due.

        Args:
            at_rest: Whether nothing moves and nothing is being computed.
            given_up: Number of models evicted so far, whose memory is worth returning.
        """
        self._ticks += 1
        self._kept_for += 1
        if given_up != self._given_up:
            # Twice, because the render thread may not have released its part at the first idle tick.
            self._given_up, self._give_backs = given_up, 2
        is_due = at_rest and (self._give_backs > 0 or self._ticks >= FULL_EVERY)
        is_late = self._kept_for >= FULL_AT_LAST
        if not is_due and not is_late:
            self._collect(1)
            return
        self._ticks = 0
        self._collect(2)
        if is_late or (at_rest and self._give_backs):
            self._give_backs = max(0, self._give_backs - 1)
            self._kept_for = 0
            self._give_back()
