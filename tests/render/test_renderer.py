"""The render loop: what is shown, in which order, and what closing it leaves. Nobody sleeps."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from explorer.errors import RenderError
from explorer.render.model_store import LoadedModel
from explorer.render.renderer import Renderer
from explorer.render.results import Thumbnail, Tier
from explorer.state.request import RenderSettings
from tests.render.renderers import Broken
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
