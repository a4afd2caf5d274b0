"""When to collect garbage and to give freed memory back: little often, everything when nothing moves."""

from __future__ import annotations

import gc
from collections.abc import Callable

__all__ = ["Housekeeping"]

FULL_EVERY = 10
"""Ticks at rest from one full collection to the next."""

FULL_AT_LAST = 120
"""Ticks after which it is done although the pictures move, and freed memory given back: some milliseconds in two
minutes, against a heap that only grows, because what is freed in it stays with the process."""


class Housekeeping:
    """Decides at every tick (about a second) what to do. For one thread, the only one that collects.

    Args:
        give_back: Hands freed memory to the system.
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
            at_rest: Nothing moves, and nothing is being computed.
            given_up: How many models were given up so far, whose memory is worth handing back.
        """
        self._ticks += 1
        self._kept_for += 1
        if given_up != self._given_up:
            # Twice: at the first rest the render thread may not have come to dropping its part yet.
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
