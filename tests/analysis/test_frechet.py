"""The Frechet distance against closed forms, and where features are more than pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from explorer.analysis import moments_cache
from explorer.analysis.frechet import Moments, distance


def _exact(mean: Tensor, covariance: Tensor) -> Moments:
    """Moments that hold exactly these."""
    return Moments(1, mean.double(), covariance.double() + torch.outer(mean, mean).double())


def test_axis_aligned_normals_have_the_closed_form() -> None:
    a = _exact(torch.tensor([1.0, 2.0]), torch.diag(torch.tensor([4.0, 9.0])))
    b = _exact(torch.tensor([0.0, 4.0]), torch.diag(torch.tensor([1.0, 16.0])))
    assert distance(a, b) == pytest.approx(1 + 4 + (2 - 1) ** 2 + (3 - 4) ** 2)


def test_it_is_the_published_formula() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=random) @ torch.randn(6, 6, generator=random)
    y = torch.randn(300, 6, generator=random) + 0.5
    a, b = Moments.of(x), Moments.of(y)
    root = scipy.linalg.sqrtm(a.covariance.numpy() @ b.covariance.numpy())
    expected = float((a.mean - b.mean).square().sum()) + float(
        np.trace(a.covariance.numpy() + b.covariance.numpy() - 2 * root.real)
    )
    assert distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9)


def test_fewer_pictures_than_features() -> None:
    x = torch.randn(10, 40, generator=torch.Generator().manual_seed(1))
    a = Moments.of(x)
    assert distance(a, a) == pytest.approx(0, abs=1e-9)
    assert distance(a, Moments.of(x + 1)) == pytest.approx(40, rel=1e-6)


def test_sets_are_joined_by_adding() -> None:
    x = torch.randn(30, 5, generator=torch.Generator().manual_seed(2))
    joined, whole = Moments.of(x[:11]) + Moments.of(x[11:]), Moments.of(x)
    torch.testing.assert_close(joined.covariance, whole.covariance)
    torch.testing.assert_close(whole.covariance, torch.cov(x.double().t(), correction=0))


def test_moments_are_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path))
    key = {"what": "data", "network": "n"}
    assert moments_cache.recall(key) is None
    found = Moments.of(torch.randn(7, 3))
    moments_cache.remember(key, found)
    again = moments_cache.recall(key)
    assert again is not None
    assert again.count == 7
    assert torch.equal(again.products, found.products)
    moments_cache.CACHE.remember(key, {"total": np.zeros(3)})
    assert moments_cache.recall(key) is None
