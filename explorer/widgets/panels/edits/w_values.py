"""The numbers behind the w editor: which rows of `ws` are looked at, what was edited, what a bar's drag means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.state import Offset

__all__ = ["Bars", "Scope", "bars_of", "interpolated", "offset_of", "scope_text"]

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scope:
    """Entries first..last of `ws` that an edit is for; `last` None means the last one."""

    first: int = 0
    last: int | None = None

    def rows(self, num_ws: int) -> slice:
        """The same as a slice of an array with `num_ws` rows; at least one row."""
        stop = num_ws if self.last is None else min(self.last + 1, num_ws)
        first = max(0, min(self.first, num_ws - 1))
        return slice(first, max(stop, first + 1))


def scope_text(first: int, last: int | None) -> str:
    """A range of entries in words."""
    if last is None:
        return "all layers" if first == 0 else f"layers {first} and up"
    return f"layer {first}" if first == last else f"layers {first}\u2013{last}"


@dataclass(frozen=True, slots=True)
class Bars:
    """What the plot shows, each `[w_dim]` float32: values with the edits of the state, the same without them, and
    the smallest and largest value among the rows of the scope. `edited` marks bars that an edit moves."""

    values: Array
    plain: Array
    low: Array
    high: Array
    edited: NDArray[np.bool_]

    @property
    def extent(self) -> float:
        """The largest distance from 0 of anything shown."""
        return float(max(np.abs(self.low).max(), np.abs(self.high).max(), np.abs(self.plain).max()))


def bars_of(
    ws: Array,
    rendered: Iterable[tuple[Sequence[float], int, int]],
    offsets: Iterable[Offset],
    scope: Scope,
) -> Bars:
    """The bars of a scope: the mean over its rows, and how far the rows differ.

    The frame shown may be older than the state, so the edits it was rendered with are taken out of it, and those of
    the state put in: a dragged bar follows the hand at once, not when the picture is done.

    Args:
        ws: `[num_ws, w_dim]` of the frame shown.
        rendered: Offsets that frame was rendered with: values, first and last entry (inclusive).
        offsets: Offsets of the state. Those of another `w_dim` are another model's, and left out.
        scope: Which rows.
    """
    num_ws, w_dim = ws.shape
    rows = scope.rows(num_ws)
    before = _sum(((values, Scope(first, last)) for values, first, last in rendered), num_ws, w_dim)[rows]
    now = _sum(((o.values, Scope(o.first, o.last)) for o in offsets), num_ws, w_dim)[rows]
    plain = ws[rows] - before
    values = plain + now
    return Bars(
        values.mean(axis=0), plain.mean(axis=0), values.min(axis=0), values.max(axis=0), (now != 0.0).any(axis=0)
    )


def _sum(offsets: Iterable[tuple[Sequence[float], Scope]], num_ws: int, w_dim: int) -> Array:
    total = np.zeros((num_ws, w_dim), np.float32)
    for values, scope in offsets:
        if len(values) == w_dim and scope.first < num_ws:
            total[scope.rows(num_ws)] += np.asarray(values, np.float32)
    return total


def offset_of(offsets: Iterable[Offset], scope: Scope, w_dim: int) -> Array:
    """The values `[w_dim]` that the state adds for exactly this scope; zeros if there are none. A fresh array."""
    for o in offsets:
        if (o.first, o.last) == (scope.first, scope.last) and len(o.values) == w_dim:
            return np.asarray(o.values, np.float32).copy()
    return np.zeros(w_dim, np.float32)


def interpolated(start: tuple[int, float], end: tuple[int, float]) -> tuple[list[int], list[float]]:
    """Bars from one (number, value) to another along a straight line, both ends included."""
    (i, a), (j, b) = start, end
    if i == j:
        return [j], [b]
    step = 1 if j > i else -1
    numbers = list(range(i, j + step, step))
    return numbers, [a + (b - a) * (n - i) / (j - i) for n in numbers]
