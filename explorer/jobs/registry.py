"""The table of jobs: one entry names a kind's function and how it is described.

The functions are named, not imported: they lie in the layers above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from explorer.errors import LatentwalkError
from explorer.util.control import Control

if TYPE_CHECKING:
    from explorer.jobs.checkpoint import Checkpoint
    from explorer.jobs.job import Job, JobContext, JobSpec
    from explorer.state import ExplorerState

__all__ = [
    "CONTEXT_OF",
    "JOBS",
    "Apply",
    "JobFunction",
    "JobKind",
    "apply_of",
    "begin",
    "control_of",
    "failure_of",
    "function_of",
]

JobFunction: TypeAlias = "Callable[[JobContext | None, JobSpec], Job[Any]]"
"""Does a job. The context is that of the spec's request; None where the spec has none."""

Apply: TypeAlias = "Callable[[ExplorerState, Any], ExplorerState]"
"""Writes a value that a job reported into a state, and nothing else. Pure: it is called again whenever the user has
changed something. A state in which the job's part is gone stays as it is."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    Attributes:
        function: As "module:name".
        title: Of the work, for people: "the film".
        cancelled: The message after it was cancelled.
        resume: How to go on after that, or what is left.
        kept: What is left where it failed in a way that nobody foresaw.
        commits: Name of the undo step, of a job that writes its last value into the state. Values before it are
            shown live, except None.
        apply: The `Apply` that writes them, as "module:name".
        resumes: Whether its function takes a checkpoint as a third argument, and its job is a `ResumableJob`.
    """

    function: str
    title: str
    cancelled: str = ""
    resume: str = ""
    kept: str = ""
    commits: str = ""
    apply: str = ""
    resumes: bool = False


JOBS: Mapping[str, JobKind] = {
    "measure": JobKind("explorer.analysis.metric_jobs:measure", "the measurement", resumes=True),
    "samples": JobKind("explorer.analysis.metric_jobs:samples", "the measurement"),
    "curves": JobKind("explorer.analysis.metric_jobs:curves", "the measurement"),
    "directions": JobKind("explorer.directions.jobs:find", "the search for directions"),
    "library": JobKind("explorer.directions.jobs:library", "the search for directions"),
    "direction-sigmas": JobKind("explorer.directions.jobs:measure_sigmas", "the spread along the directions"),
    "teach": JobKind("explorer.directions.jobs:teach", "the new direction"),
    "attribute-changes": JobKind("explorer.directions.attributes:changes", "the measurement of attributes"),
    "attribute-samples": JobKind("explorer.directions.attributes:samples", "the direction of an attribute"),
    "channel-clusters": JobKind("explorer.analysis.channel_clusters:find", "the search for clusters"),
    "style-statistics": JobKind("explorer.directions.style_statistics:statistics", "the spread of styles"),
    "style-channels": JobKind("explorer.directions.style_space:rank", "the search for style channels"),
    "drag": JobKind("explorer.dragging.job:drag", "the drag", "The drag was cancelled; its steps are kept."),
    "average": JobKind("explorer.render.average_job:average", "the average"),
    "film": JobKind(
        "explorer.animation.film_jobs:film", "the film", "The film was cancelled; what is finished is kept.",
        "Render again to continue.", "What is finished is kept.",
    ),
    "frames": JobKind("explorer.animation.film_jobs:frames", "the frames"),
    "contact-sheet": JobKind(
        "explorer.animation.contact_sheet:pictures", "the contact sheet", "The contact sheet was cancelled."
    ),
    "restyle-grid": JobKind("explorer.animation.restyle_grid:cells", "the grid", "The grid was cancelled."),
    "even-speed": JobKind(
        "explorer.animation.film_jobs:even_speed", "even speed", "Even speed was cancelled.",
        "The timeline is as it was.", "The timeline is as it was.",
        commits="Even speed", apply="explorer.animation.film_jobs:with_timeline",
    ),
    "figures": JobKind("explorer.training.figures_job:figures", "the measurement"),
}  # fmt: skip

CONTEXT_OF = "explorer.render.headless:context_of"
"""Gives the context of a model and settings, on workers."""


def begin(spec: JobSpec, context: JobContext | None, checkpoint: Checkpoint | None = None) -> Job[Any]:
    """Begin a job, or go on from a checkpoint: the first `next` of what is returned does its first step."""
    function: Callable[..., Job[Any]] = function_of(spec.kind)
    if checkpoint is None:
        return function(context, spec)
    if not JOBS[spec.kind].resumes:
        raise ValueError(f"the job {spec.kind!r} cannot be resumed")
    return function(context, spec, checkpoint)


def control_of(kind: str) -> Control:
    """Return what pauses and cancels a job of a kind."""
    title, item = JOBS[kind].title, JOBS[kind]
    return Control(item.cancelled or f"{title.capitalize()} was cancelled.", item.resume)


def failure_of(kind: str, error: Exception) -> LatentwalkError:
    """Return the error to show where a job of a kind failed in a way that nobody foresaw."""
    item = JOBS[kind]
    return LatentwalkError(f"{item.title.capitalize()} failed: {type(error).__name__}: {error}", item.kept)


def function_of(kind: str) -> JobFunction:
    """Import and return the function of a kind of job."""
    function: JobFunction = _imported(JOBS[kind].function)
    return function


def apply_of(kind: str) -> Apply:
    """Return the function by which a kind of job that commits writes its values, imported now."""
    function: Apply = _imported(JOBS[kind].apply)
    return function


def _imported(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
