"""The sticking score on scenes of which the answer is known, and on walks of real generators."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.analysis import sticking
from explorer.analysis.measurement import measure
from explorer.analysis.registry import metric_named
from explorer.errors import UsageError
from explorer.jobs.job import last_value
from explorer.render.headless import open_model
from explorer.state import Look, Truncation
from tests.analysis.scenes import TinyContext, blurred_noise, boiling, rigid, shift, stuck

SCORE = [metric_named("sticking")]


def test_flow_finds_a_known_motion() -> None:
    first = blurred_noise(64, 5.0, 3)
    u = sticking.flow(first, shift(first, 1.7, -0.9))[:, :, 8:-8, 8:-8]
    assert u[:, 0].mean() == pytest.approx(1.7, abs=0.1)
    assert u[:, 1].mean() == pytest.approx(-0.9, abs=0.1)


@pytest.mark.parametrize("speed", [1.0, 1.7, 3.0])
@pytest.mark.parametrize("size", [64, 96])
def test_constructed_scenes(size: int, speed: float) -> None:
    assert sticking.evidence_of(rigid(size, speed)).value < 0.02
    assert sticking.evidence_of(stuck(size, speed)).value > 0.93
    assert sticking.evidence_of(boiling(size, speed)).value == pytest.approx(0.5, abs=0.05)


def test_contrast_and_brightness_do_not_matter() -> None:
    pictures = stuck(64, 1.7)
    plain = sticking.evidence_of(pictures).value
    assert sticking.evidence_of([0.2 * p + 0.5 for p in pictures]).value == pytest.approx(plain, abs=0.01)


def test_where_nothing_moves_nothing_is_reported() -> None:
    still = [blurred_noise(64, 4.0, 1)[0]] * 3
    with pytest.raises(UsageError, match="Nothing moves"):
        sticking.evidence_of(still)
    context = TinyContext()
    frozen = context.renderer.request(Look(truncation=Truncation(psi=0.0)))  # every latent is w_avg
    with torch.inference_mode(), pytest.raises(UsageError, match="Nothing moves"):
        last_value(measure(SCORE, context, frozen, 2))


def test_one_walk_is_too_few() -> None:
    context = TinyContext()
    with pytest.raises(UsageError, match="1 walk "):
        measure(SCORE, context, context.request(), 1)


@pytest.mark.slow
def test_the_bundled_stylegan2_sticks_more_than_its_stylegan3() -> None:
    assets = Path(__file__).resolve().parents[2] / "assets"
    pair = [assets / f"critters-{name}.safetensors" for name in ("stylegan2", "stylegan3-t")]
    if not all(path.is_file() for path in pair):
        pytest.skip("the bundled generators are not here")
    scores = []
    with torch.inference_mode():
        for path in pair:
            renderer, _ = open_model(str(path))
            scores.append(last_value(measure(SCORE, renderer.context, renderer.request(Look()), 12))["sticking"])
    assert scores[0].value > scores[1].value, scores
