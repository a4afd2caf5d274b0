"""Directions taught by examples, on latents of which the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.directions.boundary import ENOUGH, conditioned, separate, wilson
from explorer.errors import UsageError

DIM = 32


def examples(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` latents on either side of a plane through the first axis."""
    x = np.random.RandomState(seed).randn(400, DIM).astype(np.float32)
    return x[x[:, 0] > 0.7][:count], x[x[:, 0] < -0.7][:count]


@pytest.mark.parametrize(("count", "cosine"), [(3, 0.2), (ENOUGH, 0.4), (40, 0.75)])
def test_the_normal_points_from_one_group_to_the_other(count: int, cosine: float) -> None:
    found = separate(*examples(count), spread=np.ones(DIM))
    assert found.examples == 2 * count
    np.testing.assert_allclose(np.linalg.norm(found.vector), 1.0, rtol=1e-6)
    assert found.vector[0] > cosine
    if count < ENOUGH:
        assert math.isnan(found.accuracy)
    else:
        low, high = found.interval
        assert 0.0 <= low < found.accuracy <= high <= 1.0


def test_each_dimension_counts_in_its_own_spread() -> None:
    """A dimension that varies little must not drown in one that varies much."""
    scale = np.ones(DIM)
    scale[0] = 1e-2
    liked, unliked = (group * scale.astype(np.float32) for group in examples(40))
    found = separate(liked, unliked, scale)
    np.testing.assert_allclose(
        found.vector / scale / np.linalg.norm(found.vector / scale), separate(*examples(40), np.ones(DIM)).vector,
        atol=1e-3,
    )  # fmt: skip


def test_groups_that_say_nothing_are_refused() -> None:
    liked, _ = examples(4)
    with pytest.raises(UsageError, match="both groups"):
        separate(liked, liked[:0], np.ones(DIM))
    with pytest.raises(UsageError, match="same mean"):
        separate(liked, liked, np.ones(DIM))


def test_conditional_directions_leave_the_others_alone() -> None:
    random = np.random.RandomState(1)
    vector, *others = (x / np.linalg.norm(x) for x in random.randn(4, DIM).astype(np.float32))
    found = conditioned(vector, others)
    assert all(abs(float(found @ other)) < 1e-6 for other in others)
    one = vector - (vector @ others[0]) * others[0]
    np.testing.assert_allclose(conditioned(vector, others[:1]), one / np.linalg.norm(one), atol=1e-6)
    assert conditioned(vector, []) is vector
    with pytest.raises(UsageError, match="mixture"):
        conditioned(vector, [*others, vector])


def test_wilson_interval() -> None:
    low, high = wilson(0.9, 40)  # by the published formula
    assert (round(low, 3), round(high, 3)) == (0.769, 0.96)
    assert wilson(1.0, 10)[1] == 1.0
