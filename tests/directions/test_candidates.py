"""Candidates: around what was kept, without what the rejected ones do besides."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.assets.direction import StoredDirection
from explorer.directions.candidates import COUNT, candidates

DIM = 12
AXES = np.eye(DIM, dtype=np.float32)
COMPONENTS = [StoredDirection("w", AXES[i], 2.0**-i, "sha") for i in range(8)]


def test_candidates_lie_in_the_span_of_the_components_and_differ() -> None:
    found = candidates(COMPONENTS, [], [], seed=1)
    assert len(found) == COUNT
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(found.vectors[:, 8:], 0.0, atol=1e-7)
    assert np.abs(found.vectors @ found.vectors.T - np.eye(COUNT)).max() < 0.999999
    again = candidates(COMPONENTS, [], [], seed=1)
    np.testing.assert_array_equal(found.vectors, again.vectors)
    expected = np.sqrt(((found.vectors[:, :8] * 2.0 ** -np.arange(8)) ** 2).sum(axis=1))
    np.testing.assert_allclose(found.sigmas, expected, rtol=1e-5)


def test_candidates_are_drawn_around_the_kept_ones() -> None:
    found = candidates(COMPONENTS, [AXES[3]], [], seed=2)
    assert (found.vectors[:, 3] > 0.5).all()
    assert len({tuple(row) for row in found.vectors.round(4)}) == COUNT


@pytest.mark.parametrize("seed", range(3))
def test_side_effects_of_the_rejected_are_taken_out(seed: int) -> None:
    """The rejected one moves what is kept, and axis 5 besides: only that goes."""
    rejected = (AXES[3] + AXES[5]) / np.sqrt(2.0)
    found = candidates(COMPONENTS, [AXES[3]], [rejected.astype(np.float32)], seed=seed)
    np.testing.assert_allclose(found.vectors[:, 5], 0.0, atol=1e-6)
    assert (found.vectors[:, 3] > 0.5).all()


def test_rejecting_what_is_kept_takes_nothing_out() -> None:
    found = candidates(COMPONENTS, [AXES[3]], [AXES[3]], seed=4)
    assert (found.vectors[:, 3] > 0.5).all()
