"""Runs that are cancelled, drafts of them, and how long a run is expected to take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from explorer.generators.registry import build
from explorer.render.pipeline import Cancelled, Pipeline
from explorer.render.results import Tier
from explorer.state import Tap
from tests.generators.families import Wavelets
from tests.render.pipelines import generator_of, offset_from, pipeline_of, ran, request_of, run


class StopAfter:
    """A token that stops the run at its n-th question."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("questions", range(7))
def test_a_cancelled_run_keeps_only_completed_stages(questions: int) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    with pytest.raises(Cancelled):
        run(pipeline, request, token=StopAfter(questions))
    result = run(pipeline, request)
    done = max(0, questions)
    assert len([s for s in ran(result) if s not in ("present",)]) == 6 - done
    assert torch.equal(result.image, run(pipeline_of(generator), request).image)


def test_a_token_that_stays_silent_changes_nothing() -> None:
    generator = generator_of("tiny")
    assert run(pipeline_of(generator), request_of(generator), token=StopAfter(100)).tier is Tier.FULL


def slow_down(pipeline: Pipeline, ms: float) -> None:
    """As if every layer had been measured at `ms`."""
    pipeline.times.ms[:] = [ms] * len(pipeline.times.ms)


def test_a_draft_is_the_picture_so_far_and_costs_the_full_run_nothing() -> None:
    config = {"img_resolution": 128, "channel_base": 512, "channel_max": 8, "z_dim": 8, "w_dim": 8}
    torch.manual_seed(0)
    generator = build("stylegan2", {**config, "mapping_layers": 2}).requires_grad_(False)
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    assert pipeline.draft_layer(pipeline.plan(request, 0)) is None  # nothing is measured yet
    infos = generator.info.layers
    pipeline.times.ms[:] = [{128: 30.0, 64: 10.0}.get(info.height, 5.0) for info in infos]
    plan = pipeline.plan(request, 0)
    assert plan.expected_ms == 175.0  # conv1 torgb, then conv0 conv1 torgb at 8 ... 32, 64 and 128 px
    layer = pipeline.draft_layer(plan)
    assert layer is not None
    assert infos[layer].name == "b64.torgb"  # after 85 ms; b32.torgb takes 55 ms and is too small
    draft = run(pipeline, request, draft_layer=layer)
    assert draft.tier is Tier.DRAFT
    assert draft.pixels.shape == (64, 64, 4)
    full = run(pipeline, request)
    assert full.tier is Tier.FULL
    assert ran(full)[0] == "b128.conv0"
    assert torch.equal(full.image, run(pipeline_of(generator), request).image)


def test_no_draft_where_there_is_no_representative_one() -> None:
    for name in ("stylegan3-t", "tiny"):
        pipeline = pipeline_of(generator_of(name))
        slow_down(pipeline, 50.0)
        assert pipeline.draft_layer(pipeline.plan(request_of(pipeline.generator), 0)) is None
    pipeline = pipeline_of(generator_of("stylegan2"))
    slow_down(pipeline, 50.0)
    assert pipeline.draft_layer(pipeline.plan(request_of(pipeline.generator, tap=Tap("b8.conv0")), 0)) is None


def test_a_late_edit_is_expected_to_be_cheap() -> None:
    generator = generator_of("stylegan2")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    slow_down(pipeline, 10.0)
    assert pipeline.plan(request_of(generator, offset_from(5, 1.0)), 0).expected_ms == 10.0
    assert pipeline.plan(request_of(generator), 0).expected_ms == 0.0  # its picture is kept


def test_times_are_learnt_but_not_from_the_first_run() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator), view=None)
    assert pipeline.plan(request_of(generator)).expected_ms == 0.0
    run(pipeline, request_of(generator), view=None)
    second = pipeline.plan(request_of(generator)).expected_ms
    assert second > 0.0
    slow_down(pipeline, 1000.0)
    for _ in range(20):
        run(pipeline, request_of(generator), view=None)
    assert pipeline.plan(request_of(generator)).expected_ms < 100.0


def test_taps_and_drafts_show_what_the_family_previews() -> None:
    generator = Wavelets().eval()
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    full = run(pipeline, request)
    assert full.pixels.shape == (64, 64, 4)
    tapped = run(pipeline, request_of(generator, tap=Tap("w0")))
    assert tapped.image.shape == (3, 32, 32)
    pipeline.times.ms = [10.0, 100.0]
    plan = pipeline.plan(replace(request, transform=(1.0, 0.0, 0.1, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)), 0)
    assert pipeline.draft_layer(plan) == 0
    with torch.inference_mode():
        draft = pipeline.run(plan, draft_layer=0)
    assert torch.equal(draft.image, tapped.image)
