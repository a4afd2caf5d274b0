"""The numbers behind the w editor: which rows of `ws` are looked at, what was edited, what a bar's drag means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.edits.base import ResolvedEdit
from explorer.edits.offset import find_offset
from explorer.state import Edit, Offset

__all__ = ["Bars", "Scope", "bars_of", "interpolated", "offset_of"]

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
    rendered: Iterable[ResolvedEdit],
    edits: Iterable[Edit],
    scope: Scope,
) -> Bars:
    """The bars of a scope: the mean over its rows, and how far the rows differ.

    The frame shown may be older than the state, so the edits it was rendered with are taken out of it, and those of
    the state put in: a dragged bar follows the hand at once, not when the picture is done.

    Args:
        ws: `[num_ws, w_dim]` of the frame shown.
        rendered: Edits that frame was rendered with, of which only the offsets count.
        edits: Edits of the state, likewise. Offsets of another `w_dim` are another model's, and left out.
        scope: Which rows.
    """
    num_ws, w_dim = ws.shape
    rows = scope.rows(num_ws)
    before = _sum(_of_frame(rendered), num_ws, w_dim)[rows]
    now = _sum(_of_state(edits), num_ws, w_dim)[rows]
    plain = ws[rows] - before
    values = plain + now
    return Bars(
        values.mean(axis=0), plain.mean(axis=0), values.min(axis=0), values.max(axis=0), (now != 0.0).any(axis=0)
    )


Added = tuple[Sequence[float] | Array, float, Scope]
"""Values, the factor on them, and the entries that they are added to."""


def _of_frame(edits: Iterable[ResolvedEdit]) -> Iterator[Added]:
    for edit in edits:
        if edit.kind == Offset.kind:
            array, first, last = edit.data
            yield array, edit.strength, Scope(first, last)


def _of_state(edits: Iterable[Edit]) -> Iterator[Added]:
    for edit in edits:
        if isinstance(edit.value, Offset) and edit.is_on:
            yield edit.value.values, edit.strength, Scope(edit.value.first, edit.value.last)


def _sum(offsets: Iterable[Added], num_ws: int, w_dim: int) -> Array:
    total = np.zeros((num_ws, w_dim), np.float32)
    for values, strength, scope in offsets:
        if len(values) == w_dim and scope.first < num_ws:
            total[scope.rows(num_ws)] += np.float32(strength) * np.asarray(values, np.float32)
    return total


def offset_of(edits: Sequence[Edit], scope: Scope, w_dim: int) -> tuple[Array, float]:
    """The values `[w_dim]` that the state adds for exactly this scope, a fresh array, and the factor on them.

    Zeros and 1 if there are none.
    """
    number = find_offset(edits, scope.first, scope.last, w_dim)
    if number is None:
        return np.zeros(w_dim, np.float32), 1.0
    edit = edits[number]
    assert isinstance(edit.value, Offset)
    return np.asarray(edit.value.values, np.float32).copy(), edit.strength


def interpolated(start: tuple[int, float], end: tuple[int, float]) -> tuple[list[int], list[float]]:
    """Bars from one (number, value) to another along a straight line, both ends included."""
    (i, a), (j, b) = start, end
    if i == j:
        return [j], [b]
    step = 1 if j > i else -1
    numbers = list(range(i, j + step, step))
    return numbers, [a + (b - a) * (n - i) / (j - i) for n in numbers]
