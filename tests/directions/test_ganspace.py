"""GANSpace: principal components of known latents and of a layer's features."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from explorer.directions.direction_set import cosines
from explorer.directions.ganspace import ganspace, ganspace_of_layer
from explorer.directions.jobs import directions_spec
from explorer.directions.samples import mapped
from explorer.errors import UsageError
from explorer.jobs.executors import run_inline
from explorer.jobs.job import JobSpec, last_value
from explorer.render.headless import HeadlessRenderer
from explorer.state import Look
from tests.generators.configs import small_generator

INFERENCE = torch.inference_mode


def axes(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis, and falling standard deviations."""
    q, _ = np.linalg.qr(np.random.RandomState(5).randn(dim, dim))
    return q.T, 2.0 ** -np.arange(dim)


def skewed(dim: int) -> Any:
    """A mapping network of which the principal components are known."""
    basis, sigmas = axes(dim)
    matrix = torch.from_numpy((basis * sigmas[:, None]).astype(np.float32))
    info = SimpleNamespace(z_dim=dim, c_dim=0, w_dim=dim)
    return SimpleNamespace(
        info=info, device=torch.device("cpu"), w_avg=torch.full((dim,), 3.0), mapping=lambda z, c: z @ matrix + 3.0
    )


def test_components_of_w_are_those_of_its_distribution() -> None:
    basis, sigmas = axes(6)
    found = last_value(ganspace(skewed(6), samples=40_000))
    assert found is not None
    assert found.vectors.shape == (6, 6)
    np.testing.assert_allclose(np.abs(np.diag(cosines(found.vectors, basis.astype(np.float32)))), 1.0, atol=1e-3)
    np.testing.assert_allclose(found.sigmas, sigmas, rtol=0.02)
    np.testing.assert_allclose(found.values, sigmas**2, rtol=0.04)


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-r"])
def test_directions_of_a_layer_move_its_features_along_their_component(name: str) -> None:
    generator = small_generator(name)
    with INFERENCE():
        found = last_value(ganspace_of_layer(generator, 1, samples=600, components=8))
        assert found is not None
        assert found.vectors.shape == (8, generator.info.w_dim)
        assert (np.diff(found.values) <= 0.0).all()
        assert (found.sigmas > 0.0).all()
        # Least squares: the first direction explains the first component better than a random one does.
        w = torch.cat(list(mapped(generator, 400, seed=3)))
        features = _features(generator, w)
    centred = features - features.mean(dim=0)
    u, _, _ = torch.linalg.svd(centred, full_matrices=False)
    score = (w - w.mean(dim=0)) @ torch.from_numpy(found.vectors[0])
    random = (w - w.mean(dim=0)) @ torch.randn(generator.info.w_dim)
    assert abs(_correlation(u[:, 0], score)) > max(0.5, abs(_correlation(u[:, 0], random)))


def _features(generator: Any, w: torch.Tensor) -> torch.Tensor:
    from explorer.generators.base import Inputs, NoiseSpec, fold

    inputs = Inputs(generator.broadcast(w), noise=NoiseSpec())
    return fold(generator.layers, generator.begin(inputs), inputs, stop=1).x.flatten(1)


def _correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1])


def test_features_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.directions.ganspace._NUMBERS", 1000)
    with INFERENCE(), pytest.raises(UsageError, match="too many to analyse"):
        last_value(ganspace_of_layer(small_generator("stylegan2-skip"), 2, components=8))


@pytest.mark.parametrize(("method", "layer"), [("sefa", None), ("ganspace", None), ("ganspace", 0)])
def test_a_job_finds_the_same_from_its_json(method: str, layer: int | None) -> None:
    renderer = HeadlessRenderer(small_generator("stylegan2-skip"))
    spec = directions_spec(renderer.request(Look()), method, [0, 1], samples=500, layer=layer)
    seen: list[tuple[int, int]] = []
    found = run_inline(spec, renderer.context, lambda report: seen.append((report.done, report.total)))
    again = run_inline(JobSpec.from_json(spec.to_json()), renderer.context)
    np.testing.assert_array_equal(found.vectors, again.vectors)
    assert found.entries == (0, 1)
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
