"""Errors in the render loop are published and survived: faults, no memory, lost devices."""

from __future__ import annotations

import logging

import pytest
import torch

from explorer.render.mailbox import Task
from explorer.render.results import DeviceLost
from tests.render.renderers import Broken
from tests.render.support import psi_request, renderer_of, request_of, tiny_model


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
    assert "renderers.py" in failure.traceback_text
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
def test_a_lost_device_is_reported_as_such(error: Exception) -> None:
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
