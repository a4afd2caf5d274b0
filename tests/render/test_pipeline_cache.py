"""What the pipeline keeps for the next picture, and what it gives up."""

from __future__ import annotations

import pytest
import torch

from explorer.generators.base import NoiseSpec
from explorer.state import Look, Noise, Truncation
from tests.render.pipelines import generator_of, offset_from, pipeline_of, ran, request_of, run


def test_under_pressure_the_stage_of_the_stroke_is_kept() -> None:
    generator = generator_of("tiny")
    one = 8 * 16 * 16 * 4
    pipeline = pipeline_of(generator, 4 * one + 64)  # three stages and the picture, of five and the picture
    run(pipeline, request_of(generator, offset_from(1, 0.0)))
    run(pipeline, request_of(generator, offset_from(1, 0.1)))
    result = run(pipeline, request_of(generator, offset_from(1, 0.2)))
    assert ran(result)[0] == "t1"  # although the input and t0 are the oldest
    for i in range(5):
        assert ran(run(pipeline, request_of(generator, offset_from(1, 0.3 + i))))[0] == "t1"


def test_without_a_view_nothing_is_kept() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    look = Look(noise=Noise("none"))
    run(pipeline, request_of(generator, look), view=None)
    assert len(pipeline.view_cache.cache) == 0
    assert ran(run(pipeline, request_of(generator, look), view=None))[0] == "input"


def test_forgetting() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    for view in (0, 1):
        run(pipeline, request_of(generator), view=view)
    both = pipeline.view_cache.cache.nbytes
    pipeline.forget(0)
    assert 0 < pipeline.view_cache.cache.nbytes < both
    assert ran(run(pipeline, request_of(generator), view=1)) == ["present"]
    pipeline.close()
    assert pipeline.view_cache.cache.nbytes == 0


def test_a_job_that_goes_on_after_its_model_was_closed_caches_nothing() -> None:
    """A cancelled job may take one more step; what it cached then kept the closed model's noise alive."""
    generator = generator_of("stylegan2")
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    with torch.inference_mode():
        steps = pipeline.steps(request)
        next(steps)
        pipeline.close()
        for _ in steps:
            pass
    assert len(pipeline.view_cache.cache) == 0
    run(pipeline, request)
    assert len(pipeline.view_cache.cache) == 0


def test_drawn_noise_is_kept() -> None:
    generator = generator_of("stylegan2")
    calls = 0
    layer = generator.layers[0]
    original = layer.noise

    def counted(spec: NoiseSpec, batch: int) -> torch.Tensor | None:
        nonlocal calls
        calls += 1
        return original(spec, batch)

    layer.noise = counted  # type: ignore[method-assign]
    pipeline = pipeline_of(generator)
    for psi in (0.1, 0.2, 0.3):
        run(pipeline, request_of(generator, Look(truncation=Truncation(psi), noise=Noise("random", 3))))
    assert calls == 1
    run(pipeline, request_of(generator, Look(noise=Noise("random", 4))))
    assert calls == 2


def test_a_layer_may_have_no_noise_after_all() -> None:
    generator = generator_of("tiny")
    silent = run(pipeline_of(generator), request_of(generator, Look(noise=Noise("none")))).image
    for layer in generator.layers:
        layer.noise = lambda spec, batch: None  # type: ignore[method-assign]
    assert torch.equal(run(pipeline_of(generator), request_of(generator)).image, silent)


def test_kernels_that_come_later_make_new_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    monkeypatch.setattr("explorer.render.keys.backend_fingerprint", lambda: "other kernels")
    assert ran(run(pipeline, request_of(generator)))[0] == "input"
