"""The render loop: what is shown, in which order, what survives errors. Threads wait at gates, nobody sleeps."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.checkpoints import Checkpoint
from explorer.errors import RenderError
from explorer.generators.registry import build
from explorer.render.finishing import Cancelled
from explorer.render.mailbox import Task
from explorer.render.model_store import LoadedModel, facts_of
from explorer.render.renderer import REMEASURE_AFTER, Renderer
from explorer.render.results import DeviceLost, Thumbnail, Tier
from explorer.state import Look, Transform
from explorer.state.request import RenderSettings
from tests.render.support import (
    WAIT_S,
    Published,
    gated,
    psi_request,
    renderer_of,
    request_of,
    tiny_model,
    with_model,
)


def skip_model() -> LoadedModel:
    """A StyleGAN2 of the skip architecture: the family with an honest draft."""
    torch.manual_seed(0)
    config = {"img_resolution": 64, "channel_base": 256, "channel_max": 8, "z_dim": 8, "w_dim": 8}
    generator = build("stylegan2", {**config, "mapping_layers": 2}).eval().requires_grad_(False)
    return LoadedModel(generator, facts_of(generator, Checkpoint("stylegan2", {}, {}, "s", sha256="skip"), "/s"))


def make_slow(renderer: Renderer, model: LoadedModel, ms: float = 100.0) -> None:
    """As if every layer had been measured at `ms`, the largest at four times that."""
    pipeline = renderer._pipeline(request_of(model))
    info = model.facts.info
    pipeline.times.ms[:] = [ms * (4 if layer.height == info.img_size[0] else 1) for layer in info.layers]
    pipeline.times.runs[:] = [0] * len(pipeline.times.runs)


# -- stepping --------------------------------------------------------------------------------------------------


def test_a_step_renders_the_latest_look_only() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    for psi in (0.1, 0.2, 0.3):
        renderer.mailbox.put(0, psi_request(model, psi))
    assert renderer.step()
    assert not renderer.step()
    (frame,) = published.frames
    assert (frame.view, frame.generation, frame.tier, frame.dropped) == (0, 3, Tier.FULL, 2)
    assert frame.request == psi_request(model, 0.3)
    assert (frame.width, frame.height) == (16, 16)
    assert (frame.device, frame.dtype) == ("cpu", "float32")
    assert frame.latents.ws.shape == (5, 8)


def test_every_view_gets_its_turn() -> None:
    model, other = tiny_model(), tiny_model("tiny-b", seed=1)
    renderer, published = renderer_of(model, other)
    renderer.mailbox.put(1, request_of(other))
    renderer.mailbox.put(0, request_of(model))
    renderer.mailbox.put(1, request_of(other))
    while renderer.step():
        pass
    assert [f.view for f in published.frames] == [1, 0]


def test_a_model_that_is_not_loaded_is_a_failure() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.mailbox.put(0, with_model(request_of(model), "gone"))
    renderer.step()
    (failure,) = published.failures
    assert isinstance(failure.error, RenderError)
    assert "not loaded" in str(failure.error)
    renderer._models.add(tiny_model("gone"))
    renderer.mailbox.put(0, with_model(request_of(model), "gone"))
    renderer.step()
    assert published.generations == [(2, 1)]


Running = tuple[LoadedModel, Renderer, Published]


# -- threads and gates -----------------------------------------------------------------------------------------


@pytest.fixture
def running() -> Iterator[Running]:
    """A started renderer of one tiny model, closed at the end."""
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.start()
    yield model, renderer, published
    for layer in gated(model).layers:
        layer.gate.open()
    assert renderer.close(WAIT_S)


def test_looks_that_come_during_a_render_are_merged_and_the_latest_is_shown(running: Running) -> None:
    model, renderer, published = running
    gate = gated(model).layer("t2").gate
    gate.close()
    renderer.mailbox.put(0, psi_request(model, 0.0))
    assert gate.wait_until_entered()
    for i in range(1, 50):
        renderer.mailbox.put(0, psi_request(model, i / 100))
    gate.open()
    published.wait_for(2)
    # The single tier is never cancelled, so the held look is shown too; of the others only the last.
    assert published.generations == [(1, 1), (50, 1)]
    assert published.frames[-1].request == psi_request(model, 0.49)
    assert published.frames[-1].dropped == 48


def test_shown_generations_only_grow_and_end_with_the_last(running: Running) -> None:
    model, renderer, published = running
    rng = random.Random(0)
    last = 0
    for _ in range(300):
        last = renderer.mailbox.put(0, psi_request(model, rng.random()))
    while not published.generations or published.generations[-1][0] != last:
        published.wait_for(len(published.messages) + 1)
    assert published.generations == sorted(set(published.generations))


def test_close_during_a_render_joins_in_bounded_time(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    model, renderer, published = running
    gate = gated(model).layer("t1").gate
    gate.close()
    renderer.mailbox.put(0, request_of(model))
    assert gate.wait_until_entered()
    with caplog.at_level(logging.ERROR):
        assert not renderer.close(0.01)  # held: told so, with the stage, instead of hanging
    assert "generation 1" in caplog.text
    gate.open()
    assert renderer.close(WAIT_S)
    assert published.messages == []  # what was cancelled by closing is not published
    assert gated(model).runs["t2"] == 0
    assert renderer.close(WAIT_S)


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    renderer, _ = renderer_of(tiny_model())
    renderer.start()
    assert renderer.close(WAIT_S)
    assert threading.active_count() == before


# -- tiers -----------------------------------------------------------------------------------------------------


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


# -- thumbnails and tasks --------------------------------------------------------------------------------------


def test_thumbnails_wait_for_looks_and_go_on_after_them() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    layer = gated(model).layer("t1")
    original = layer.run

    def spied(activation, w, noise=None):  # type: ignore[no-untyped-def]
        if layer.runs == 1:
            renderer.mailbox.put(0, psi_request(model, 0.5))
        return original(activation, w, noise)

    renderer.mailbox.put(0, request_of(model))
    renderer.thumbnail("key", 0, replace(request_of(model), max_px=8))
    renderer.step()
    layer.run = spied  # type: ignore[method-assign]
    while renderer.step():
        pass
    kinds = [type(m).__name__ for m in published.messages]
    assert kinds == ["Frame", "Frame", "Thumbnail"]
    assert layer.runs == 3  # once for each look and once for the thumbnail, which went on where it was
    thumbnail = published.messages[-1]
    assert isinstance(thumbnail, Thumbnail)
    assert (thumbnail.key, thumbnail.pixels.shape) == ("key", (8, 8, 4))


def test_a_thumbnail_without_memory_is_tried_once_more() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.device = "mps"  # of which this machine has none; there a second failure is a lost device
    renderer._generator = lambda request: model.generator  # type: ignore[method-assign]
    broken = Broken(model, torch.cuda.OutOfMemoryError("MPS backend out of memory"), times=1)
    renderer.thumbnail("key", 0, request_of(model))
    renderer.step()
    assert broken.calls == 2
    (thumbnail,) = published.messages
    assert isinstance(thumbnail, Thumbnail)


def test_a_thumbnail_of_a_model_closed_meanwhile_is_none(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.thumbnail("key", 0, with_model(request_of(model), "closed"))
    renderer.step()
    assert published.messages == []
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_failing_task_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)

    def fail() -> None:
        raise ValueError("broken task")

    renderer.mailbox.put_task(Task(fail, "a task"))
    renderer.mailbox.put(0, request_of(model))
    with caplog.at_level(logging.ERROR):
        assert renderer.step()
        assert renderer.step()
    assert "a task failed" in caplog.text
    assert len(published.frames) == 1


def test_forgetting_views_and_models_gives_memory_back() -> None:
    model, other = tiny_model(), tiny_model("tiny-b", seed=1)
    renderer, _ = renderer_of(model, other)
    renderer.mailbox.put(0, request_of(model))
    renderer.mailbox.put(1, request_of(other))
    renderer.forget_view(7)
    while renderer.step():
        pass
    both = renderer.cache.nbytes
    renderer.forget_view(0)
    renderer.step()
    assert 0 < renderer.cache.nbytes < both
    renderer.forget_models(("tiny-a", "tiny-b"))
    renderer.step()
    assert renderer.cache.nbytes == 0


def test_a_view_that_changes_its_model_keeps_nothing_of_the_old_one() -> None:
    model, other = tiny_model(), tiny_model("tiny-b", seed=1)
    renderer, published = renderer_of(model, other)
    for m in (model, other):
        renderer.mailbox.put(0, request_of(m))
        renderer.step()
    first, second = published.frames
    noise = sum(layer.info.has_noise * 16 * 16 * 4 for layer in model.generator.layers)
    assert second.cache_bytes == first.cache_bytes + noise  # only the noise maps of both


# -- errors ----------------------------------------------------------------------------------------------------


class Broken:
    """Makes a layer raise until it is mended."""

    def __init__(self, model: LoadedModel, error: Exception, times: int = 10**9) -> None:
        self.calls = 0
        layer = model.generator.layers[2]
        original = layer.run

        def run(activation, w, noise=None):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls <= times:
                raise error
            return original(activation, w, noise)

        layer.run = run  # type: ignore[method-assign]


def test_an_error_is_published_with_its_traceback_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    model, other = tiny_model(), tiny_model("tiny-b")
    renderer, published = renderer_of(model, other)
    Broken(model, ValueError("layer trouble"))
    renderer.mailbox.put(0, request_of(model))
    renderer.mailbox.put(1, request_of(other))
    with caplog.at_level(logging.ERROR):
        while renderer.step():
            pass
    (failure,) = published.failures
    assert (failure.view, failure.generation) == (0, 1)
    assert failure.error.__traceback__ is None  # its frames would keep the run's tensors
    assert "layer trouble" in failure.traceback_text
    assert "test_renderer" in failure.traceback_text
    assert len(published.frames) == 1
    assert "layer trouble" in caplog.text


def test_a_request_that_failed_is_not_tried_again_but_the_next_one_is() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    broken = Broken(model, ValueError("once"), times=1)
    for _ in range(3):
        renderer.mailbox.put(0, psi_request(model, 0.5))
        renderer.step()
    assert broken.calls == 1
    assert [f.generation for f in published.failures] == [1, 2, 3]
    renderer.mailbox.put(0, psi_request(model, 0.6))
    renderer.step()
    assert published.generations == [(4, 1)]


def test_remembered_failures_are_bounded() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    Broken(model, ValueError("always"))
    for i in range(100):
        renderer.mailbox.put(0, psi_request(model, i / 100))
        renderer.step()
    assert len(published.failures) == 100
    assert len(renderer._failures) == 32


def test_out_of_memory_empties_the_cache_and_tries_once_more() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.mailbox.put(0, request_of(model))
    renderer.step()
    broken = Broken(model, torch.cuda.OutOfMemoryError("CUDA out of memory"), times=1)
    renderer.mailbox.put(0, psi_request(model, 0.5))
    renderer.step()
    assert broken.calls == 2
    assert published.generations == [(1, 1), (2, 1)]
    assert published.frames[1].cache_hits == 0


def test_out_of_memory_twice_on_the_cpu_is_a_failure_that_may_be_tried_again() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    Broken(model, MemoryError("no memory"), times=2)
    for _ in range(2):
        renderer.mailbox.put(0, request_of(model))
        renderer.step()
    assert len(published.failures) == 1
    assert published.generations == [(2, 1)]


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: unspecified launch failure"), MemoryError("full")])
def test_a_lost_device_is_told_as_such(error: Exception) -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.device = "mps"  # of which this machine has none; the generator stays where it is
    renderer._generator = lambda request: model.generator  # type: ignore[method-assign]
    Broken(model, error)
    renderer.mailbox.put(0, request_of(model))
    renderer.step()
    (lost,) = published.messages
    assert isinstance(lost, DeviceLost)
    assert (lost.device, lost.error) == ("mps", error)
    renderer.thumbnail("key", 0, request_of(model))
    renderer.step()
    assert isinstance(published.messages[1], DeviceLost)


# -- settings --------------------------------------------------------------------------------------------------


def test_precisions_share_one_generator_and_pipelines_are_bounded() -> None:
    models = [tiny_model(f"tiny-{i}") for i in range(6)]
    renderer, published = renderer_of(*models)
    for dtype in ("float32", "bfloat16"):
        renderer.mailbox.put(0, replace(request_of(models[0]), settings=RenderSettings("cpu", dtype)))
        renderer.step()
    first, second = renderer._pipelines.values()
    assert first.generator is second.generator
    for model in models:
        renderer.mailbox.put(0, request_of(model))
        renderer.step()
    assert len(renderer._pipelines) == 4
    assert len(published.frames) == 8
