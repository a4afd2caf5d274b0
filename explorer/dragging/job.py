"""The job that drags points of a request's picture, between the window's frames or in a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.assets.direction import StoredDirection
from explorer.dragging.engine import drag_steps
from explorer.dragging.problem import Drag
from explorer.jobs.job import JobSpec

if TYPE_CHECKING:
    from explorer.dragging.problem import DragStep
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["as_direction", "drag", "drag_spec"]


def drag_spec(request: RenderRequest, what: Drag) -> JobSpec:
    """Return the spec of a job that drags points of the picture of a request."""
    return JobSpec("drag", request, what.to_json())


def drag(context: JobContext | None, spec: JobSpec) -> Job[DragStep]:
    """Run a job of `drag_spec`; every step is reported, the last one with its outcome.

    Raises:
        UsageError: The points lie outside the picture, or the network has nothing to follow them in.
    """
    assert context is not None
    assert spec.request is not None
    what = Drag.from_json(spec.options)
    what.check(context.generator.info.img_size)
    inputs, edits = context.prepared(spec.request)
    yield None
    yield from drag_steps(context.generator, inputs, what, edits)


def as_direction(step: DragStep, model_sha: str = "", name: str = "Drag") -> StoredDirection | None:
    """Return the change of a step as a direction of `ws`, which a `Direction` edit of strength 1 applies in full.

    None where nothing has changed.
    """
    if not np.any(step.offset):
        return None
    return StoredDirection("ws", step.offset, 1.0, model_sha, name)
