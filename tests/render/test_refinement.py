"""A draft first, then the full picture, which newer looks interrupt without losing its work."""

from __future__ import annotations

import numpy as np
import torch

from explorer.checkpoints import Checkpoint
from explorer.generators.registry import build
from explorer.render.finishing import Cancelled
from explorer.render.model_store import LoadedModel, model_info_of
from explorer.render.renderer import REMEASURE_AFTER, Renderer
from explorer.render.results import Tier
from explorer.state import Look, Transform
from tests.render.support import psi_request, renderer_of, request_of, tiny_model


def skip_model() -> LoadedModel:
    """A StyleGAN2 of the skip architecture: the family with an honest draft."""
    torch.manual_seed(0)
    config = {"img_resolution": 64, "channel_base": 256, "channel_max": 8, "z_dim": 8, "w_dim": 8}
    generator = build("stylegan2", {**config, "mapping_layers": 2}).eval().requires_grad_(False)
    return LoadedModel(
        generator, model_info_of(generator, Checkpoint("stylegan2", {}, {}, "s", sha256="skip"), "/s")
    )


def make_slow(renderer: Renderer, model: LoadedModel, ms: float = 100.0) -> None:
    """As if every layer had been measured at `ms`, the largest at four times that."""
    pipeline = renderer._pipeline(request_of(model))
    info = model.model_info.info
    pipeline.times.ms[:] = [ms * (4 if layer.height == info.img_size[0] else 1) for layer in info.layers]
    pipeline.times.runs[:] = [0] * len(pipeline.times.runs)


def test_an_expensive_look_shows_a_draft_first_and_is_then_refined() -> None:
    model = skip_model()
    renderer, published = renderer_of(model)
    make_slow(renderer, model)
    renderer.mailbox.put(0, request_of(model))
    renderer.step()
    assert published.generations == [(1, 0)]
    assert published.frames[0].width == 32
    renderer.step()
    assert published.generations == [(1, 0), (1, 1)]
    assert published.frames[1].width == 64
    assert published.frames[1].cache_hits > 0
    assert not renderer.step()


def test_while_looks_keep_coming_only_drafts_are_made_and_each_is_shown() -> None:
    model = skip_model()
    renderer, published = renderer_of(model)
    make_slow(renderer, model)
    for i in range(5):
        renderer.mailbox.put(0, psi_request(model, i / 10))
        renderer.step()
    assert published.generations == [(i, 0) for i in range(1, 6)]
    renderer.step()
    assert published.generations[-1] == (5, 1)


def test_a_refinement_is_cancelled_by_a_newer_look_and_a_draft_never() -> None:
    model = skip_model()
    renderer, published = renderer_of(model)
    make_slow(renderer, model)
    layers = model.generator.layers
    seen: list[str] = []

    for layer in layers:
        original = layer.run

        def spied(activation, w, noise=None, original=original, name=layer.info.name):  # type: ignore[no-untyped-def]
            seen.append(name)
            if renderer.mailbox._newest[0] == {"b4.torgb": 1, "b64.conv1": 2}.get(name):
                renderer.mailbox.put(0, psi_request(model, 0.1 * len(seen)))
            return original(activation, w, noise)

        layer.run = spied  # type: ignore[method-assign]
    renderer.mailbox.put(0, request_of(model))
    renderer.step()  # a newer look comes during the draft: it is finished and shown all the same
    assert published.generations == [(1, 0)]
    renderer.step()
    assert published.generations == [(1, 0), (2, 0)]
    renderer.step()  # a newer look comes during the refinement of the second: it stops before the next layer
    assert published.generations == [(1, 0), (2, 0)]
    assert seen[-1] == "b64.conv1"
    renderer.step()
    renderer.step()
    assert published.generations == [(1, 0), (2, 0), (3, 0), (3, 1)]
    assert published.frames[-1].dropped == 1


def test_another_views_look_interrupts_a_refinement_without_losing_its_work() -> None:
    model, other = skip_model(), tiny_model()
    renderer, published = renderer_of(model, other)
    make_slow(renderer, model)
    layer = next(layer for layer in model.generator.layers if layer.info.name == "b64.conv1")
    original, runs = layer.run, []

    def spied(activation, w, noise=None):  # type: ignore[no-untyped-def]
        runs.append(1)
        if len(runs) == 1:
            renderer.mailbox.put(1, request_of(other))
        return original(activation, w, noise)

    layer.run = spied  # type: ignore[method-assign]
    renderer.mailbox.put(0, request_of(model))
    while renderer.step():
        pass
    assert [(f.view, int(f.tier)) for f in published.frames] == [(0, 0), (1, 1), (0, 1)]
    assert len(runs) == 1


def test_after_many_drafts_in_a_row_the_full_time_is_measured_again() -> None:
    model = skip_model()
    renderer, published = renderer_of(model)
    make_slow(renderer, model, 8.0)
    for i in range(REMEASURE_AFTER + 1):
        renderer.mailbox.put(0, psi_request(model, i / 100))
        renderer.step()
    tiers = [f.tier for f in published.frames]
    assert tiers[:REMEASURE_AFTER] == [Tier.DRAFT] * REMEASURE_AFTER
    assert tiers[-1] is Tier.FULL


def test_every_view_counts_its_own_drafts() -> None:
    model = skip_model()
    renderer, published = renderer_of(model)
    make_slow(renderer, model, 8.0)
    for i in range(REMEASURE_AFTER - 1):
        renderer.mailbox.put(0, psi_request(model, i / 100))
        renderer.step()
    renderer.mailbox.put(1, psi_request(model, 0.9))  # its first draft is not the 30th in a row
    renderer.step()
    renderer.mailbox.put(1, psi_request(model, 0.91))
    renderer.step()
    assert [f.tier for f in published.frames] == [Tier.DRAFT] * (REMEASURE_AFTER + 1)
    assert renderer._drafts == {0: REMEASURE_AFTER - 1, 1: 2}


def test_nothing_is_counted_for_views_that_are_gone() -> None:
    model = tiny_model()
    renderer, _ = renderer_of(model)
    for view in range(5):
        renderer.mailbox.put(view, request_of(model))
        renderer.step()
        renderer.forget_view(view)
        renderer.step()
    assert (renderer._dropped, renderer._drafts) == ({}, {})


def test_an_untransform_that_is_interrupted_again_and_again_is_finished() -> None:
    """Undoing the motion of a large picture takes longer than the time between two looks of a moving view."""
    model = skip_model()
    renderer, published = renderer_of(model)
    make_slow(renderer, model)
    moved = request_of(model, Look(transform=Transform(x=0.1, rotate=5.0, untransform=True)))
    renderer.mailbox.put(0, moved)
    renderer.step()
    assert published.generations == [(1, 0)]
    pipeline = renderer._pipeline(moved)
    asked = 0

    def token() -> bool:
        nonlocal asked
        asked += 1
        return asked % 2 == 0  # every second time somebody is more urgent

    runs = 0
    while True:
        runs += 1
        try:
            result = pipeline.run(pipeline.plan(moved, 0), token)
            break
        except Cancelled:
            assert runs < 500, "it begins anew each time"
    assert runs > 5
    alone = pipeline.run(pipeline.plan(moved, 1))
    assert np.array_equal(result.pixels, alone.pixels)
