"""A byte-budgeted cache of stage results: one for each place, and the right one to give up when it is full."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["SMALL_BYTES", "StageCache"]

T = TypeVar("T")

SMALL_BYTES = 1 << 20
"""Results up to this size are given up last: all boundaries of a 1024 px network up to 64 px together are 11 MB."""


@dataclass(slots=True)
class _Entry(Generic[T]):
    key: bytes
    value: T
    nbytes: int
    used: int
    is_wanted: bool


class StageCache(Generic[T]):
    """Keeps one value for each *place* (view, stage), valid for one key. Belongs to one render thread.

    One request's worth by design: a new result of a place replaces the old one, so that memory is recycled
    instead of filled with a history that nobody asks for. Above the budget, these go first: results not wanted,
    then large ones, then those used longest ago. A value larger than the whole budget is not kept.

    Args:
        budget_bytes: The sum of `nbytes` never exceeds this.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._entries: dict[Hashable, _Entry[T]] = {}
        self._nbytes = 0
        self._clock = 0
        self.hits = 0
        self.misses = 0

    @property
    def nbytes(self) -> int:
        """Bytes kept now."""
        return self._nbytes

    @property
    def budget_bytes(self) -> int:
        """The limit; lowering it evicts at once."""
        return self._budget

    @budget_bytes.setter
    def budget_bytes(self, budget: int) -> None:
        self._budget = budget
        self._shrink()

    def __len__(self) -> int:
        return len(self._entries)

    def has(self, place: Hashable, key: bytes) -> bool:
        """Return whether `get` would find it; counts as no use."""
        entry = self._entries.get(place)
        return entry is not None and entry.key == key

    def get(self, place: Hashable, key: bytes) -> T | None:
        """Return the value kept at `place` under `key`, or None."""
        entry = self._entries.get(place)
        if entry is None or entry.key != key:
            self.misses += 1
            return None
        self.hits += 1
        self._clock += 1
        entry.used = self._clock
        return entry.value

    def put(self, place: Hashable, key: bytes, value: T, nbytes: int, *, is_wanted: bool = False) -> None:
        """Keep a value at a place, in the stead of what was there.

        Args:
            place: Where: hashable, such as (view, stage number).
            key: What it was made from.
            value: Never changed afterwards by anyone.
            nbytes: Memory it holds.
            is_wanted: The present stroke resumes from here: give everything else up first.
        """
        self.drop(place)
        if nbytes > self._budget:
            return
        self._clock += 1
        self._entries[place] = _Entry(key, value, nbytes, self._clock, is_wanted)
        self._nbytes += nbytes
        self._shrink()

    def want(self, place: Hashable, is_wanted: bool) -> None:
        """Mark what lies at `place` (if anything) as what the present stroke resumes from, or no longer."""
        entry = self._entries.get(place)
        if entry is not None:
            entry.is_wanted = is_wanted

    def drop(self, place: Hashable) -> None:
        """Forget what lies at `place`."""
        entry = self._entries.pop(place, None)
        if entry is not None:
            self._nbytes -= entry.nbytes

    def drop_where(self, prefix: Hashable) -> None:
        """Forget every place that is a tuple beginning with `prefix`."""
        for place in [p for p in self._entries if isinstance(p, tuple) and p and p[0] == prefix]:
            self.drop(place)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._nbytes = 0

    def _shrink(self) -> None:
        while self._nbytes > self._budget:
            place = min(self._entries, key=lambda p: self._rank(self._entries[p]))
            self.drop(place)

    @staticmethod
    def _rank(entry: _Entry[T]) -> tuple[bool, bool, int]:
        return entry.is_wanted, entry.nbytes <= SMALL_BYTES, entry.used
