"""Candidate directions to keep and to reject: drawn at random, then around those that the user kept.

The interaction follows GANzilla (Evirgen and Chen 2022: many candidates, keep some, sample again) and GANravel
(Evirgen and Chen 2023: what the rejected ones do besides is taken out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.directions.direction_set import DirectionSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explorer.assets.direction import StoredDirection

__all__ = ["COUNT", "candidates"]

COUNT = 24
"""Candidates on one sheet."""

_NOISE = 0.6
"""Length of the random part of a candidate around a kept direction, which has length one."""


def candidates(
    components: Sequence[StoredDirection],
    kept: Sequence[NDArray[np.float32]],
    rejected: Sequence[NDArray[np.float32]],
    seed: int,
    count: int = COUNT,
) -> DirectionSet:
    """Return random directions of w.

    Args:
        components: Principal components of w. Candidates are drawn in their span, in proportion to their spread.
        kept: Directions `[w_dim]` to sample around; none: everywhere.
        rejected: Directions `[w_dim]` whose side effects, their parts orthogonal to the kept ones, are taken out.
        seed: Of the random numbers.
        count: How many.
    """
    random = np.random.RandomState(seed)
    basis = np.stack([item.array for item in components]).astype(np.float64)
    sigmas = np.array([item.sigma for item in components])
    out = _span([_without(row.astype(np.float64), _span(kept)) for row in rejected])
    vectors: list[NDArray[np.float64]] = []
    spreads: list[float] = []
    while len(vectors) < count:
        noise = _unit((random.randn(len(sigmas)) * sigmas) @ basis)
        if kept:
            weights = random.dirichlet(np.ones(len(kept)))
            noise = _unit(weights @ np.stack(kept).astype(np.float64)) + _NOISE * noise
        vector = _without(noise, out)
        if np.linalg.norm(vector) > 1e-3:
            vectors.append(_unit(vector))
            spreads.append(float(np.sqrt((((basis @ vectors[-1]) * sigmas) ** 2).sum())))
    names = tuple(f"Candidate {i + 1}" for i in range(count))
    values = np.sort(np.array(spreads) ** 2)[::-1]
    order = np.argsort(spreads)[::-1]
    found = np.stack(vectors).astype(np.float32)[order]
    return DirectionSet("candidate", "w", found, values, np.sqrt(values), names, (), components[0].model_sha)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


def _span(vectors: Sequence[NDArray[np.float32] | NDArray[np.float64]]) -> NDArray[np.float64] | None:
    """Return an orthonormal basis `[d, r]` of the span of vectors `[d]`; None for none."""
    rows = [row for row in vectors if np.linalg.norm(row) > 1e-6]
    if not rows:
        return None
    basis, _, _ = np.linalg.svd(np.stack(rows).astype(np.float64).T, full_matrices=False)
    return basis[:, : np.linalg.matrix_rank(np.stack(rows))]


def _without(vector: NDArray[np.float64], basis: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return vector if basis is None else vector - basis @ (basis.T @ vector)
