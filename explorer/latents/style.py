"""Pure maths on `ws` arrays, in the one order that every render uses: blend, mix, truncate, edit.

1. *blend*: `w = anchor + sum(weight * (mapping(z) - w_avg))`, relative to the centre so that every point
   between seeds keeps the distance that truncation expects;
2. *mix*: chosen entries move towards a source's entry;
3. *truncate*: each entry moves towards `w_avg` by its own psi;
4. *edit*: edits of the stage `ws` come last, so truncation never weakens what the user set. Those of the stage `w`
   change the base latent, before it is mixed and truncated.

Everything is numpy float32 on the host: the arrays are small (18 x 512), and a torch call costs more than
the arithmetic. Batches of metrics and training have a form in torch, `explorer/generators/style_maths.py`.
No function changes its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from explorer.edits.base import ResolvedEdit

__all__ = ["apply_edits", "blend", "blend_of", "broadcast", "mix", "psi_of_entries", "truncate"]

Array = NDArray[np.float32]


def blend(anchor: Array, w_avg: Array, points: Iterable[tuple[Array, float]]) -> Array:
    """Return `anchor + sum(weight * (w - w_avg))`.

    Args:
        anchor: `[w_dim]` or `[num_ws, w_dim]`: `w_avg` for a point of the plane, a stored latent otherwise.
        w_avg: `[w_dim]`, the centre.
        points: (`w` `[w_dim]`, weight) of each mapped seed.

    Returns:
        The shape of `anchor`. A single point of weight 1 around `w_avg` is returned without rounding.
    """
    points = tuple(points)
    if anchor is w_avg and len(points) == 1 and points[0][1] == 1.0:
        return points[0][0]
    result = anchor
    for w, weight in points:
        result = result + np.float32(weight) * (w - w_avg)
    return result


NEARLY_PARALLEL = 0.9995
"""Cosine above which the sphere's formula loses digits and a straight line is the same."""


def blend_of(points: Sequence[Array], weights: Sequence[float], centre: Array, *, spherical: bool = False) -> Array:
    """Return the weighted sum of latents relative to a centre, which cancels if the weights sum to 1.

    Args:
        points: `[dim]` or `[rows, dim]`, all of one shape.
        weights: One for each point; negative ones occur on smooth curves.
        centre: `[dim]`: zeros for z, `w_avg` for w.
        spherical: Each row turns about the centre on a great circle between two points (Shoemake 1985), and its
            length changes evenly. More than two points, or weights that do not sum to 1: the direction of the sum
            of unit vectors.

    Returns:
        float32; a single point of weight 1 is returned as it is.
    """
    if len(points) == 1 and weights[0] == 1.0:
        return points[0]
    rows = [np.asarray(point, dtype=np.float64) - centre for point in points]
    if spherical:
        return (centre + _on_sphere(rows, weights)).astype(np.float32)
    total = sum((weight * row for weight, row in zip(weights, rows, strict=True)), np.zeros_like(rows[0]))
    result: Array = (centre + total).astype(np.float32)
    return result


def _on_sphere(rows: list[NDArray[np.float64]], weights: Sequence[float]) -> NDArray[np.float64]:
    lengths: list[NDArray[np.float64]] = [np.linalg.norm(row, axis=-1, keepdims=True) for row in rows]
    units = [row / np.maximum(length, 1e-12) for row, length in zip(rows, lengths, strict=True)]
    length = sum((w * n for w, n in zip(weights, lengths, strict=True)), np.zeros_like(lengths[0]))
    straight = sum((w * u for w, u in zip(weights, units, strict=True)), np.zeros_like(units[0]))
    straight /= np.maximum(np.linalg.norm(straight, axis=-1, keepdims=True), 1e-12)
    if len(rows) != 2 or abs(sum(weights) - 1.0) > 1e-6:
        return length * straight
    cosine = np.clip((units[0] * units[1]).sum(axis=-1, keepdims=True), -1.0, 1.0)
    angle = np.arccos(cosine)
    turned: NDArray[np.float64] = np.sin(weights[0] * angle) * units[0] + np.sin(weights[1] * angle) * units[1]
    turned /= np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-12)
    chosen: NDArray[np.float64] = np.where(np.abs(cosine) > NEARLY_PARALLEL, straight, turned)
    return length * chosen


def broadcast(w: Array, num_ws: int) -> Array:
    """Return `ws` `[num_ws, w_dim]` from `w` `[w_dim]` (repeated) or from `ws` (returned as it is)."""
    return np.repeat(w[None], num_ws, axis=0) if w.ndim == 1 else w


def mix(ws: Array, sources: Sequence[Array], rows: Iterable[tuple[int, int, float]]) -> Array:
    """Return `ws` with some entries moved towards those of the sources.

    Args:
        ws: `[num_ws, w_dim]`.
        sources: Each `[w_dim]` or `[num_ws, w_dim]`.
        rows: (entry, source number, amount 0..1); amount 1 copies the source's entry exactly.
    """
    result = ws
    for entry, number, amount in rows:
        if result is ws:
            result = ws.copy()
        source = sources[number]
        target = source if source.ndim == 1 else source[entry]
        start = result[entry]
        result[entry] = target if amount == 1.0 else start + np.float32(amount) * (target - start)
    return result


def psi_of_entries(
    num_ws: int, psi: float, cutoff: int | None, layer_psi: Iterable[tuple[int, float]] = ()
) -> tuple[float, ...]:
    """Return psi for each entry of `ws`: `psi` below the cutoff (None: all), 1 above; single entries overridden."""
    last = num_ws if cutoff is None else max(0, min(cutoff, num_ws))
    values = [psi] * last + [1.0] * (num_ws - last)
    for entry, value in layer_psi:
        if 0 <= entry < num_ws:
            values[entry] = value
    return tuple(values)


def truncate(ws: Array, w_avg: Array, psi: Sequence[float]) -> Array:
    """Return `w_avg + psi * (ws - w_avg)` with one psi for each entry; entries of psi 1 stay bit for bit."""
    if all(p == 1.0 for p in psi):
        return ws
    factors = np.asarray(psi, dtype=np.float32)[:, None]  # [num_ws, 1]
    return np.where(factors == 1.0, ws, w_avg + factors * (ws - w_avg))


def apply_edits(target: Array, edits: Iterable[ResolvedEdit]) -> Array:
    """Apply the edits of one stage to `w` or `ws` in their order."""
    for edit in edits:
        target = edit.apply(target)
    return target
