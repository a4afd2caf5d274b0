"""k-means: as good as scikit-learn's, the same for a seed, and with points that coincide."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from explorer.analysis.kmeans import kmeans_steps
from explorer.util.steps import run


def inertia(points: np.ndarray, labels: np.ndarray) -> float:
    return sum(float(((points[labels == i] - points[labels == i].mean(axis=0)) ** 2).sum()) for i in set(labels))


def test_its_clusters_are_as_tight_as_scikit_learns() -> None:
    random = np.random.RandomState(0)
    for dimension in (2, 30):
        points = random.randn(6, dimension)[random.randint(6, size=200)] * 2 + random.randn(200, dimension)
        labels = run(kmeans_steps(points, 5))
        assert set(labels) == set(range(5))
        wanted = KMeans(5, n_init=10, random_state=0).fit(points).inertia_
        assert inertia(points, labels) <= 1.01 * wanted
        np.testing.assert_array_equal(labels, run(kmeans_steps(points, 5)))


def test_points_that_coincide() -> None:
    points = np.repeat(np.array([[1.0, 2.0], [-3.0, 4.0]]), 5, axis=0)
    labels = run(kmeans_steps(points, 4))
    assert len(set(labels[:5])) == len(set(labels[5:])) == 1
    assert labels[0] != labels[5]
    assert set(run(kmeans_steps(np.zeros((3, 2)), 2))) == {0}
