"""Drafts of families without a picture so far: moved pictures and narrower precision, where honest."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from explorer.generators.base import Generator
from explorer.generators.registry import build
from explorer.render import drafts
from explorer.render.cache import StageCache
from explorer.render.pipeline import Pipeline, Result
from explorer.render.resolve import resolve_look
from explorer.render.results import Tier
from explorer.state import Latent, Look, Tap, Transform
from explorer.state.request import ModelKey, RenderRequest
from tests.generators.configs import small_generator


def request_of(generator: Generator, transform: Transform | None = None, seed: int = 1) -> RenderRequest:
    look = Look(latent=Latent(seed=seed), transform=transform or Transform())
    return resolve_look(look, Tap(), generator.info, model=ModelKey("sha"))


def pipeline_of(generator: Generator, dtype: torch.dtype = torch.float32) -> Pipeline:
    return Pipeline(generator.eval(), StageCache(64 << 20), dtype=dtype)


def run(pipeline: Pipeline, request: RenderRequest) -> Result:
    with torch.inference_mode():
        return pipeline.run(pipeline.plan(request, 0))


def preview(pipeline: Pipeline, request: RenderRequest) -> Result | None:
    with torch.inference_mode():
        return pipeline.preview(pipeline.plan(request, 0))


@pytest.mark.parametrize(("resolution", "draft"), [(16, None), (32, None), (64, 32), (128, 64), (256, 128)])
def test_a_draft_has_half_of_the_pixels_along_a_side_and_32(resolution: int, draft: int | None) -> None:
    """A draft of 8 pixels for a picture of 64 was a grey blob that flickered."""
    config = {"img_resolution": resolution, "channel_base": 512, "channel_max": 8, "z_dim": 8, "w_dim": 8}
    generator = build("stylegan2", {**config, "mapping_layers": 1}).requires_grad_(False)
    pipeline = pipeline_of(generator)
    layers = [layer.info for layer in generator.layers]

    def draft_of(times: list[float]) -> int | None:
        pipeline.times.ms[:] = times
        layer = pipeline.draft_layer(pipeline.plan(request_of(generator), 0))
        return None if layer is None else layers[layer].height

    assert draft_of([100.0 * info.height for info in layers]) == draft, "however slow"
    # Whatever the times: a draft, if there is one, is large enough.
    times = [1.0 if info.height < resolution else 100.0 for info in layers]
    assert draft_of(times) == draft
    assert draft_of([100.0 if info.height < resolution else 1.0 for info in layers]) is None, "it saves nothing"


def test_which_motions_a_picture_may_follow() -> None:
    infos = {name: small_generator(name).info for name in ("stylegan2-skip", "stylegan3-t", "stylegan3-r")}
    generator = small_generator("stylegan3-r")
    still = request_of(generator)
    shift = request_of(generator, Transform(x=0.1, y=-0.05))
    turn = request_of(generator, Transform(rotate=20))
    far = request_of(generator, Transform(x=0.9))
    other = request_of(generator, Transform(x=0.1), seed=2)
    tapped = replace(shift, tap=Tap(generator.info.layers[1].name))

    def may(before: RenderRequest, now: RenderRequest) -> list[str]:
        return [name for name, info in infos.items() if drafts.step_between(before, now, info) is not None]

    assert may(still, shift) == may(shift, still) == ["stylegan3-t", "stylegan3-r"]
    assert may(still, turn) == ["stylegan3-r"]
    assert may(still, far) == may(still, other) == may(still, tapped) == may(still, still) == []
    step = drafts.step_between(shift, turn, infos["stylegan3-r"])
    assert step is not None
    moved = step @ torch.tensor([0.1, -0.05, 1.0], dtype=step.dtype)
    torch.testing.assert_close(moved[:2], torch.zeros(2, dtype=step.dtype), rtol=0, atol=1e-6)


@pytest.mark.parametrize("pixels", [1, 3])
def test_a_moved_picture_moves_as_the_network_moves_it(pixels: int) -> None:
    """By whole pixels the draft is the last picture's pixels, shifted."""
    generator = small_generator("stylegan3-t")
    pipeline = pipeline_of(generator, torch.bfloat16)  # no narrower precision is left
    first = run(pipeline, request_of(generator))
    assert preview(pipeline, request_of(generator, seed=2)) is None
    share = pixels / generator.info.img_size[1]
    draft = preview(pipeline, request_of(generator, Transform(x=share)))
    assert draft is not None
    assert draft.tier is Tier.DRAFT
    torch.testing.assert_close(draft.image[:, :, pixels:], first.image[:, :, :-pixels], rtol=0, atol=1e-4)
    moved = request_of(generator, Transform(x=share))
    full = run(pipeline, moved)
    assert full.tier is Tier.FULL
    assert torch.equal(full.image, run(pipeline_of(generator, torch.bfloat16), moved).image)


def test_a_draft_in_a_narrower_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "fastest_dtype", lambda _: torch.bfloat16)
    generator = small_generator("stylegan3-t")
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    draft = preview(pipeline, request)
    assert draft is not None
    assert draft.tier is Tier.DRAFT
    full = run(pipeline, request)
    assert full.hits == 0, "a draft leaves nothing for the picture to resume from"
    error = float((draft.image - full.image).square().mean())
    scale = float(full.image.abs().max())
    assert 0 < error < 1e-3 * scale**2
    assert 10 * math.log10(4 * scale**2 / error) > 35
    monkeypatch.setattr(drafts, "fastest_dtype", lambda _: torch.float32)
    assert preview(pipeline_of(generator), request) is None
