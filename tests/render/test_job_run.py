"""Jobs in the render thread: where the device fails they are begun again, or its loss is handed on."""

from __future__ import annotations

import pytest
import torch

from explorer.jobs.job import JobSpec
from explorer.render.average_job import average_spec
from explorer.render.job_run import JobEvent, JobRun
from explorer.render.results import DeviceLost
from tests.render.renderers import Broken
from tests.render.support import renderer_of, request_of, tiny_model


def run_with(error: Exception, times: int, device: str) -> tuple[list[object], JobRun]:
    """What is published of an average of two pictures on a device whose network fails so many times."""
    model = tiny_model()
    renderer, published = renderer_of(model)
    request = request_of(model)
    renderer.device = device  # the generator stays where it is
    renderer._generator = lambda request: model.generator  # type: ignore[method-assign]
    renderer.mailbox.put(0, request)
    renderer.step()  # something lies in the cache
    published.messages.clear()
    Broken(model, error, times=times)
    run = JobRun("average/0", 0, average_spec(request, "neighbours", 0.2, 2))
    renderer.run_job(run)
    while renderer.step():
        pass
    return list(published.messages), run


def test_a_job_without_memory_is_begun_once_more_with_an_empty_cache() -> None:
    messages, run = run_with(torch.cuda.OutOfMemoryError("MPS backend out of memory"), 1, "mps")
    assert [type(m) for m in messages] == [JobEvent] * 3
    assert run.was_retried
    done = [m.report.done for m in messages if isinstance(m, JobEvent) and m.report is not None]
    assert done == [1, 2]
    last = messages[-1]
    assert isinstance(last, JobEvent)
    assert last.is_done
    assert last.error is None


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error: unspecified launch failure"), torch.cuda.OutOfMemoryError("CUDA out of memory")],
)
def test_a_device_that_a_job_lost_is_reported_as_such(error: Exception) -> None:
    messages, _ = run_with(error, 9, "mps")
    event, lost = messages
    assert isinstance(event, JobEvent)
    assert event.is_done
    assert event.error is error
    assert isinstance(lost, DeviceLost)
    assert (lost.device, lost.error) == ("mps", error)
    assert error.__traceback__ is None  # its frames would hold the device's tensors


def test_a_processor_that_lacks_memory_is_not_lost() -> None:
    (event,) = run_with(MemoryError("full"), 9, "cpu")[0]
    assert isinstance(event, JobEvent)
    assert isinstance(event.error, MemoryError)


def test_a_job_that_is_wrong_is_not_tried_again() -> None:
    messages, run = run_with(ValueError("wrong"), 1, "mps")
    (event,) = messages
    assert isinstance(event, JobEvent)
    assert isinstance(event.error, ValueError)
    assert not run.was_retried


def test_an_unknown_kind_of_job_ends_with_an_error() -> None:
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.run_job(JobRun("x/0", 0, JobSpec("beauty", request_of(model))))
    renderer.step()
    (event,) = published.messages
    assert isinstance(event, JobEvent)
    assert isinstance(event.error, KeyError)
