"""Where a job runs: here, or in a thread. In the window's render thread it is `explorer.render.job_run`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.jobs.registry import begin

if TYPE_CHECKING:
    from explorer.jobs.job import JobContext, JobSpec, Report

__all__ = ["run_inline"]


def run_inline(
    spec: JobSpec, context: JobContext | None, on_report: Callable[[Report[Any]], object] = lambda report: None
) -> Any:
    """Do a job in the calling thread, and give its last value.

    Args:
        spec: What to do.
        context: Of the spec's request.
        on_report: Called with each report.

    Raises:
        LatentwalkError: What the job raises.
    """
    from explorer.jobs.job import last_value

    def reported() -> Any:
        for report in begin(spec, context):
            if report is not None:
                on_report(report)
            yield report

    with _inference(context):
        return last_value(reported())


def _inference(context: JobContext | None) -> contextlib.AbstractContextManager[Any]:
    """Inference mode for jobs that make pictures in their context, as the render thread has it."""
    if context is None:
        return contextlib.nullcontext()
    import torch

    return torch.inference_mode()
