"""A cache of stage results with a byte budget: one value per slot, with an eviction order made for rendering."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["SMALL_BYTES", "StageCache"]

T = TypeVar("T")

SMALL_BYTES = 1 << 20
"""Results up to this size are evicted last: all stages of a 1024 px network up to 64 px are 11 MB together."""


@dataclass(slots=True)
class _Entry(Generic[T]):
    key: bytes
    value: T
    nbytes: int
    used: int
    is_wanted: bool


class StageCache(Generic[T]):
    """Caches one value per *slot* (view, stage), valid for one key. Belongs to one render thread.

    By design it holds one request per view: a new result replaces the old one in its slot, so that memory is
    recycled instead of filled with a history that is never needed. Above the budget it evicts results that are not
    wanted, then large ones, then the least recently used. A value larger than the whole budget is not cached.

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
        """Bytes currently cached."""
        return self._nbytes

    @property
    def budget_bytes(self) -> int:
        """The limit in bytes; lowering it evicts at once."""
        return self._budget

    @budget_bytes.setter
    def budget_bytes(self, budget: int) -> None:
        self._budget = budget
        self._shrink()

    def __len__(self) -> int:
        return len(self._entries)

    def has(self, slot: Hashable, key: bytes) -> bool:
        """Return whether `get` would succeed; does not count as a use."""
        entry = self._entries.get(slot)
        return entry is not None and entry.key == key

    def get(self, slot: Hashable, key: bytes) -> T | None:
        """Return the value cached in `slot` for `key`, or None."""
        entry = self._entries.get(slot)
        if entry is None or entry.key != key:
            self.misses += 1
            return None
        self.hits += 1
        self._clock += 1
        entry.used = self._clock
        return entry.value

    def put(self, slot: Hashable, key: bytes, value: T, nbytes: int, *, is_wanted: bool = False) -> None:
        """Cache a value in a slot, replacing the previous one.

        Args:
            slot: Hashable, such as (view, stage number).
            key: Identifies the value's inputs.
            value: Must not be modified afterwards.
            nbytes: Memory it holds.
            is_wanted: The current drag resumes from this value: evict everything else first.
        """
        self.drop(slot)
        if nbytes > self._budget:
            return
        self._clock += 1
        self._entries[slot] = _Entry(key, value, nbytes, self._clock, is_wanted)
        self._nbytes += nbytes
        self._shrink()

    def want(self, slot: Hashable, is_wanted: bool) -> None:
        """Set whether the current drag resumes from the value in `slot`, if there is one."""
        entry = self._entries.get(slot)
        if entry is not None:
            entry.is_wanted = is_wanted

    def drop(self, slot: Hashable) -> None:
        """Clear a slot."""
        entry = self._entries.pop(slot, None)
        if entry is not None:
            self._nbytes -= entry.nbytes

    def drop_where(self, prefix: Hashable) -> None:
        """Clear every slot that is a tuple beginning with `prefix`."""
        for slot in [p for p in self._entries if isinstance(p, tuple) and p and p[0] == prefix]:
            self.drop(slot)

    def clear(self) -> None:
        """Clear all slots."""
        self._entries.clear()
        self._nbytes = 0

    def _shrink(self) -> None:
        while self._nbytes > self._budget:
            slot = min(self._entries, key=lambda p: self._rank(self._entries[p]))
            self.drop(slot)

    @staticmethod
    def _rank(entry: _Entry[T]) -> tuple[bool, bool, int]:
        return entry.is_wanted, entry.nbytes <= SMALL_BYTES, entry.used
