"""The jobs for films: a whole film, a range of its frames for another machine, and even speed."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.animation.compose import SINGLE
from explorer.animation.film import FilmRenderer, models_of, whole_film
from explorer.animation.job import FilmJob, job_from_json, job_to_json, with_absolute_models
from explorer.animation.pace import evened_steps
from explorer.animation.recorder import Recorder
from explorer.jobs.job import JobSpec, Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.animation.recorder import Frames
    from explorer.assets.table import AssetTable
    from explorer.jobs.cluster import Cluster
    from explorer.jobs.job import Job, JobContext
    from explorer.state import ExplorerState, Timeline
    from explorer.state.request import RenderSettings

__all__ = [
    "even_speed",
    "even_speed_spec",
    "film",
    "film_spec",
    "frames",
    "frames_on",
    "frames_spec",
    "with_timeline",
]


MAX_PART = 16
"""Number of frames per worker task: they are rendered again if the worker is lost."""


def film_spec(job: FilmJob, *, overwrite: bool = False) -> JobSpec:
    """Return the job that renders a film, or resumes an unfinished one."""
    return JobSpec("film", options={"path": str(job.path), "overwrite": overwrite, **job_to_json(job)})


def film(context: JobContext | None, spec: JobSpec) -> Job[Any]:
    """Run a job of `film_spec`: report a `FilmPreview` of each frame, and finally the film's path."""
    return Recorder(_film_job(spec), overwrite=bool(spec.options["overwrite"])).steps()


def frames_spec(job: FilmJob, numbers: range) -> JobSpec:
    """Return the job that renders some frames of a film without writing a file."""
    options = {"path": str(job.path), "first": numbers.start, "count": len(numbers), **job_to_json(job)}
    return JobSpec("frames", options=options)


def frames(context: JobContext | None, spec: JobSpec) -> Job[NDArray[np.uint8]]:
    """Run a job of `frames_spec`: report each frame `[H, W, 3]`."""
    first, count = int(spec.options["first"]), int(spec.options["count"])
    of_film = {name: value for name, value in spec.options.items() if name not in ("first", "count")}
    renderer = _renderer(json.dumps(of_film))
    for done in range(count):
        yield Report(renderer.frame(first + done), done + 1, count)


@functools.lru_cache(maxsize=1)
def _renderer(options: str) -> FilmRenderer:
    """Return a film's renderer, cached because a worker renders many ranges of one film."""
    job = _film_job(JobSpec("frames", options=json.loads(options)))
    return FilmRenderer(job.state, job.film, job.settings, job.table)


def frames_on(cluster: Cluster, job: FilmJob) -> Frames:
    """Return a function for `Recorder` that renders frames on a cluster, with the same pixels as here."""

    def made(renderer: FilmRenderer, numbers: range) -> Iterator[NDArray[np.uint8]]:
        device = job.settings.device
        size = max(1, min(MAX_PART, len(numbers) // (4 * cluster.workers(device))))
        if renderer.layout == "slit":  # each range must first render as many frames as a picture has columns
            size = max(size, 4 * renderer.frame_size[1])
        parts = [frames_spec(job, numbers[i : i + size]) for i in range(0, len(numbers), size)]
        models = sorted(set(models_of(with_absolute_models(job.state), job.film)))
        for report in cluster.run(parts, device=device, models=models):
            if report is not None:
                yield report.value

    return made


def even_speed_spec(state: ExplorerState, settings: RenderSettings, table: AssetTable) -> JobSpec:
    """Return the job that retimes a project's timeline so that the active view's picture changes evenly."""
    film = whole_film(state, layout=SINGLE[state.active])
    return JobSpec("even-speed", options=job_to_json(FilmJob(Path("even speed"), film, state, table, settings)))


def even_speed(context: JobContext | None, spec: JobSpec) -> Job[Timeline | None]:
    """Run a job of `even_speed_spec`: report None while it measures, and finally the timeline."""
    job = _film_job(spec)
    return evened_steps(job.state, job.film, job.settings, job.table)


def with_timeline(state: ExplorerState, timeline: Timeline) -> ExplorerState:
    """Return the state with the timeline of an `even_speed` job."""
    return replace(state, timeline=timeline)


def _film_job(spec: JobSpec) -> FilmJob:
    return job_from_json(Path(spec.options.get("path", "film")), spec.options)
