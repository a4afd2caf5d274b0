"""Interpolation between lists of edits, for the timeline."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from explorer.edits.base import Edit
from explorer.edits.registry import kind_of
from explorer.util.sums import total_of

__all__ = ["blend_edits"]

Weights = Sequence[float]

NO_MEAN = 1e-6
"""Strengths whose sum is below this cancel each other and have no mean value: their edits stay separate."""


def blend_edits(lists: Sequence[tuple[Edit, ...]], weights: Weights) -> tuple[Edit, ...]:
    """Interpolate between lists of edits.

    Edits of one kind with the same identity are blended: their strengths, and their values by the parts that they
    have in the strength. An edit that is off, or that a list lacks, has strength 0 there: it fades in or out. What
    is off everywhere stays off. The order is that of the first list, then of the others.
    """
    if all(edits == lists[0] for edits in lists):
        return lists[0]
    rows: dict[Hashable, list[Edit | None]] = {}
    for i, edits in enumerate(lists):
        counts: dict[Hashable, int] = {}
        for edit in edits:
            name = _identity(edit)
            counts[name] = counts.get(name, 0) + 1
            row = rows.setdefault((name, counts[name]), [None] * len(lists))
            row[i] = edit
    return tuple(edit for row in rows.values() for edit in _blended(row, weights))


def _identity(edit: Edit) -> Hashable:
    kind = kind_of(edit.value)
    return edit.value if kind is None else (kind.name, kind.identity(edit.value))


def _blended(row: Sequence[Edit | None], weights: Weights) -> list[Edit]:
    """Return one blended edit, or several separate ones."""
    present = [edit for edit in row if edit is not None]
    is_on = any(edit.is_on for edit in present)
    strengths = [0.0 if edit is None or (is_on and not edit.is_on) else edit.strength for edit in row]
    first, kind = present[0], kind_of(present[0].value)
    strength = _number(strengths, weights)
    if kind is None or all(edit.value == first.value for edit in present):
        return [Edit(first.value, strength, is_on)]
    parts = [(e.value, n, s) for e, n, s in zip(row, strengths, weights, strict=True) if e is not None and n and s]
    if len({value for value, _, _ in parts}) <= 1:
        return [Edit(parts[0][0] if parts else first.value, strength, is_on)]
    if abs(strength) < NO_MEAN:
        return [Edit(value, n * s, is_on) for value, n, s in parts]
    value_weights = [n * s / strength for _, n, s in parts]
    return [Edit(kind.blend([value for value, _, _ in parts], value_weights), strength, is_on)]


def _number(values: Sequence[float], weights: Weights) -> float:
    if all(value == values[0] for value in values):
        return values[0]
    return total_of(value * weight for value, weight in zip(values, weights, strict=True))
