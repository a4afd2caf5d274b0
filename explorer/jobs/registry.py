"""The table of jobs: one entry names a kind's function and what is said of it.

The functions are named, not imported: they lie in the layers above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from explorer.jobs.control import Control

if TYPE_CHECKING:
    from explorer.jobs.job import Job, JobContext, JobSpec

__all__ = ["CONTEXT_OF", "JOBS", "JobFunction", "JobKind", "begin", "control_of", "function_of"]

JobFunction: TypeAlias = "Callable[[JobContext | None, JobSpec], Job[Any]]"
"""Does a job. The context is that of the spec's request; None where the spec has none."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    Attributes:
        function: As "module:name".
        title: Of the work, for people: "the film".
        cancelled: What is said when it was cancelled.
        resume: How to go on after that, or what is left.
        kept: What is left where it failed in a way that nobody foresaw.
    """

    function: str
    title: str
    cancelled: str = ""
    resume: str = ""
    kept: str = ""


JOBS: Mapping[str, JobKind] = {
    "measure": JobKind("explorer.analysis.metric_jobs:measure", "the measurement"),
    "samples": JobKind("explorer.analysis.metric_jobs:samples", "the measurement"),
    "curves": JobKind("explorer.analysis.metric_jobs:curves", "the measurement"),
    "average": JobKind("explorer.render.average_job:average", "the average"),
    "film": JobKind(
        "explorer.animation.film_jobs:film", "the film", "The film was cancelled; what is finished is kept.",
        "Render again to continue.", "What is finished is kept.",
    ),
    "frames": JobKind("explorer.animation.film_jobs:frames", "the frames"),
    "even-speed": JobKind(
        "explorer.animation.film_jobs:even_speed", "even speed", "Even speed was cancelled.",
        "The timeline is as it was.", "The timeline is as it was.",
    ),
    "figures": JobKind("explorer.training.figures_job:figures", "the measurement"),
}  # fmt: skip

CONTEXT_OF = "explorer.render.headless:context_of"
"""Gives the context of a model and settings, on workers."""


def begin(spec: JobSpec, context: JobContext | None) -> Job[Any]:
    """Begin a job: the first `next` of what is returned does its first step."""
    return function_of(spec.kind)(context, spec)


def control_of(kind: str) -> Control:
    """Return what pauses and cancels a job of a kind."""
    title, item = JOBS[kind].title, JOBS[kind]
    return Control(item.cancelled or f"{title.capitalize()} was cancelled.", item.resume)


def function_of(kind: str) -> JobFunction:
    """Import and return the function of a kind of job."""
    module, _, name = JOBS[kind].function.partition(":")
    function: JobFunction = getattr(import_module(module), name)
    return function
