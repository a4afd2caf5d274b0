"""k-means in short steps, so that it can run between a window's frames.

scikit-learn's needs seconds to be imported, and gives nothing back until it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from explorer.util.steps import Steps

__all__ = ["kmeans_steps"]

_Array = NDArray[np.float64]

_ITERATIONS = 100


def kmeans_steps(points: _Array, count: int, *, starts: int = 10, seed: int = 0) -> Steps[NDArray[np.intp]]:
    """Return the cluster 0.. of each of the `points` `[n, d]`, of the best of several starts; one start a step.

    Each start draws its centres by k-means++ (Arthur and Vassilvitskii 2007). There are `count` clusters, or fewer
    where fewer points differ.
    """
    random = np.random.RandomState(seed)
    best, least = np.zeros(len(points), np.intp), np.inf
    for _ in range(starts):
        yield
        labels, inertia = _lloyd(points, _drawn(points, count, random))
        if inertia < least:
            best, least = labels, inertia
    return best


def _distances(points: _Array, centres: _Array) -> _Array:
    """Return squared distances `[n, k]`."""
    products = points @ centres.T
    total = (points**2).sum(axis=1)[:, None] - 2.0 * products + (centres**2).sum(axis=1)
    found: _Array = np.maximum(total, 0.0)
    return found


def _drawn(points: _Array, count: int, random: np.random.RandomState) -> _Array:
    """Draw different centres, each with a probability that grows with its squared distance from those before."""
    chosen = [random.randint(len(points))]
    nearest = _distances(points, points[chosen])[:, 0]
    tiny = 1e-12 * max(float((points**2).sum(axis=1).max()), 1e-300)
    while len(chosen) < count and nearest.max() > tiny:
        weights = np.where(nearest > tiny, nearest, 0.0)
        chosen.append(int(random.choice(len(points), p=weights / weights.sum())))
        nearest = np.minimum(nearest, _distances(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _lloyd(points: _Array, centres: _Array) -> tuple[NDArray[np.intp], float]:
    """Move centres to the means of their points until no point changes; return labels and summed distances."""
    centres, labels = centres.copy(), np.full(len(points), -1)
    for _ in range(_ITERATIONS):
        distances = _distances(points, centres)
        before, labels = labels, distances.argmin(axis=1)
        if np.array_equal(before, labels):
            break
        for i in range(len(centres)):
            if (labels == i).any():  # a centre that lost all of its points stays
                centres[i] = points[labels == i].mean(axis=0)
    return labels, float(distances[np.arange(len(points)), labels].sum())
