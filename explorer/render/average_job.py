"""The job of an average: its reports become pixels in the thread that made them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from explorer.analysis import averages
from explorer.jobs.job import JobSpec, Report
from explorer.render import display

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["average", "average_spec"]


def average_spec(request: RenderRequest, kind: str, radius: float, count: int) -> JobSpec:
    """Return the spec of an average of `count` pictures: "neighbours" within a radius, "shifted" or "turned"."""
    return JobSpec("average", request, {"average": kind, "radius": radius, "count": count})


def average(context: JobContext | None, spec: JobSpec) -> Job[Any]:
    """Run a job of `average_spec`: report the mean so far as pixels in a frame's format."""
    request, options = spec.request, spec.options
    if context is None or request is None:
        raise ValueError("an average needs a request")
    kind, count = options["average"], int(options["count"])
    if kind == "neighbours":
        return _pixels(averages.neighbours(context, request, float(options["radius"]), count), request)
    return _pixels(
        averages.brought_back(context, request, "turned" if kind == "turned" else "shifted", count), request
    )


def _pixels(job: Job[Tensor], request: RenderRequest) -> Iterator[Report[NDArray[np.uint8]] | None]:
    for report in job:
        if report is None:
            yield None
        else:
            shown = display.select_channels(report.value, request.tap)
            pixels = display.present(display.grade(shown, request.tap))
            yield Report(pixels, report.done, report.total)
