"""Which function does which kind of job. The functions are named, not imported: they lie in the layers above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from explorer.jobs.job import Job, JobContext, JobSpec

__all__ = ["JOBS", "JobFunction", "begin", "function_of"]

JobFunction: TypeAlias = "Callable[[JobContext | None, JobSpec], Job[Any]]"
"""Does a job. The context is that of the spec's request; None where the spec has none."""

JOBS: Mapping[str, str] = {
    "measure": "explorer.analysis.metric_jobs:measure",
    "samples": "explorer.analysis.metric_jobs:samples",
    "curves": "explorer.analysis.metric_jobs:curves",
    "average": "explorer.render.average_job:average",
}


def begin(spec: JobSpec, context: JobContext | None) -> Job[Any]:
    """Begin a job: the first `next` of what is returned does its first step."""
    return function_of(spec.kind)(context, spec)


def function_of(kind: str) -> JobFunction:
    """The function of a kind of job, imported now."""
    module, _, name = JOBS[kind].partition(":")
    function: JobFunction = getattr(import_module(module), name)
    return function
