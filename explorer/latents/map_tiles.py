"""Tiles of the latent map: which pictures cover a part of the plane, which come first, and which are kept."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

__all__ = ["LARGEST_PX", "RecentlyUsed", "Tile", "level_of", "nearest_first", "tiles_in"]

LARGEST_PX = 112
"""Side of a tile beyond which the next level, of half the step, is shown."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The picture at (column, row) of a level, `step` units of the plane apart from its neighbours."""

    level: int
    column: int
    row: int

    @property
    def step(self) -> float:
        """Distance of neighbours, in units of the plane: halved from each level to the next."""
        return 2.0**-self.level

    @property
    def place(self) -> tuple[float, float]:
        """The point of the plane that it shows, at its middle; the same bits on every level that has it."""
        return self.column * self.step, self.row * self.step


def level_of(scale: float) -> int:
    """Return the level whose tiles have a side of more than half of `LARGEST_PX` and at most all of it.

    Args:
        scale: Pixels per unit of the plane, above 0.
    """
    return math.ceil(math.log2(scale / LARGEST_PX) - 1e-9)


def tiles_in(level: int, left: float, low: float, right: float, high: float) -> list[Tile]:
    """Return the tiles of a level of which any part lies in a rectangle of the plane."""
    step = 2.0**-level
    columns = range(math.floor(left / step + 0.5), math.ceil(right / step + 0.5))
    rows = range(math.floor(low / step + 0.5), math.ceil(high / step + 0.5))
    return [Tile(level, column, row) for row in rows for column in columns]


def nearest_first(tiles: Iterable[Tile], x: float, y: float) -> list[Tile]:
    """Return tiles in the order of their distance from a point of the plane."""
    return sorted(tiles, key=lambda tile: (math.dist(tile.place, (x, y)), tile))


class RecentlyUsed(Generic[T]):
    """A cache of limited size: what was not asked for the longest goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        """Return an item, which counts as used now; None if there is none."""
        item = self._items.get(key)
        if item is not None:
            self._items.move_to_end(key)
        return item

    def put(self, key: Hashable, item: T) -> None:
        """Add or replace an item; beyond the limit the least recently used is dropped."""
        self._items[key] = item
        self._items.move_to_end(key)
        while len(self._items) > self._limit:
            self._items.popitem(last=False)

    def __iter__(self) -> Iterator[Hashable]:
        """Yield the keys, the least recently used first."""
        yield from tuple(self._items)

    def clear(self) -> None:
        """Drop everything."""
        self._items.clear()

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)
