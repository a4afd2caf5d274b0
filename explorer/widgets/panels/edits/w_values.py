"""The values behind the w editor: the rows of `ws` shown, their edits, and the effect of a drag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.edits.offset import find_offset
from explorer.state import Edit, Offset

if TYPE_CHECKING:
    from explorer.edits.base import ResolvedEdit

__all__ = ["Bars", "Scope", "bars_of", "interpolated", "offset_of"]

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scope:
    """Entries first..last of `ws` to edit; `last` None means the last entry."""

    first: int = 0
    last: int | None = None

    def rows(self, num_ws: int) -> slice:
        """Return the scope as a slice of an array with `num_ws` rows; at least one row."""
        stop = num_ws if self.last is None else min(self.last + 1, num_ws)
        first = max(0, min(self.first, num_ws - 1))
        return slice(first, max(stop, first + 1))


@dataclass(frozen=True, slots=True)
class Bars:
    """The values that the plot shows, each `[w_dim]` float32.

    They are the values with and without the edits of the state, and the smallest and largest value among the rows
    of the scope. `edited` marks bars changed by an edit.
    """

    values: Array
    plain: Array
    low: Array
    high: Array
    edited: NDArray[np.bool_]

    @property
    def extent(self) -> float:
        """The largest absolute value shown."""
        return float(max(np.abs(self.low).max(), np.abs(self.high).max(), np.abs(self.plain).max()))


def bars_of(
    ws: Array,
    rendered: Iterable[ResolvedEdit],
    edits: Iterable[Edit],
    scope: Scope,
) -> Bars:
    """Return the bars of a scope: the mean over its rows, and the range over its rows.

    The frame shown may be older than the state, so the edits it was rendered with are replaced by those of the
    state: a dragged bar follows the pointer immediately, before the picture is rendered.

    Args:
        ws: `[num_ws, w_dim]` of the frame shown.
        rendered: Edits that the frame was rendered with; only offsets are used.
        edits: Edits of the state, likewise. Offsets of another `w_dim` belong to other models and are ignored.
        scope: The rows to use.
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
"""Values, a factor, and the entries to which they are added."""


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
    """Return a new array `[w_dim]` of what the state adds for exactly this scope, and its factor.

    Zeros and 1 if there is nothing.
    """
    number = find_offset(edits, scope.first, scope.last, w_dim)
    if number is None:
        return np.zeros(w_dim, np.float32), 1.0
    edit = edits[number]
    assert isinstance(edit.value, Offset)
    return np.asarray(edit.value.values, np.float32).copy(), edit.strength


def interpolated(start: tuple[int, float], end: tuple[int, float]) -> tuple[list[int], list[float]]:
    """Return bars from one (number, value) to another along a straight line, including both ends."""
    (i, a), (j, b) = start, end
    if i == j:
        return [j], [b]
    step = 1 if j > i else -1
    numbers = list(range(i, j + step, step))
    return numbers, [a + (b - a) * (n - i) / (j - i) for n in numbers]
