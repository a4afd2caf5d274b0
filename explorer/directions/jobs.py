"""The job that finds directions in a model, between the window's frames or in a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.directions import ganspace
from explorer.directions.direction_set import DirectionSet
from explorer.directions.library import find_all
from explorer.directions.samples import with_sigmas
from explorer.directions.sefa import sefa
from explorer.directions.teaching import taught
from explorer.jobs.job import JobSpec
from explorer.util.packing import packed, unpacked
from explorer.util.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explorer.directions.boundary import Boundary
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = [
    "METHODS",
    "directions_spec",
    "find",
    "library",
    "library_spec",
    "measure_sigmas",
    "sigmas_spec",
    "teach",
    "teach_spec",
]

METHODS: tuple[str, ...] = ("sefa", "ganspace")
"""The methods that need nothing but the model."""


def directions_spec(
    request: RenderRequest,
    method: str,
    entries: Sequence[int] = (),
    *,
    is_normalised: bool = True,
    samples: int | None = None,
    seed: int = 0,
    layer: int | None = None,
) -> JobSpec:
    """Return the spec of a job that finds directions in the model of a request.

    Args:
        request: Any request of the model.
        method: One of `METHODS`.
        entries: Entries of `ws` that the directions are for; empty: all.
        is_normalised: Of `sefa`.
        samples: Of `ganspace`; None for as many as usual.
        seed: Of `ganspace`.
        layer: The number of the layer whose features `ganspace` analyses; None for `w`.
    """
    options: dict[str, Any] = {"method": method, "entries": list(entries), "is_normalised": is_normalised}
    options |= {"samples": samples, "seed": seed, "layer": layer}
    return JobSpec("directions", request, options)


def find(context: JobContext | None, spec: JobSpec) -> Job[DirectionSet | None]:
    """Run a job of `directions_spec`; its last value is the set of directions."""
    assert context is not None
    assert spec.request is not None
    options, generator = spec.options, context.generator
    entries, sha = [int(i) for i in options["entries"]], spec.request.model.sha256
    if options["method"] == "sefa":
        yield None
        found = sefa(generator, entries, is_normalised=bool(options["is_normalised"]), model_sha=sha)
        yield Report(found, 1, 1)
        return
    seed, samples, layer = int(options["seed"]), options["samples"], options["layer"]
    if layer is None:
        count = int(samples or ganspace.W_SAMPLES)
        yield from ganspace.ganspace(generator, entries, samples=count, seed=seed, model_sha=sha)
    else:
        count = int(samples or ganspace.FEATURE_SAMPLES)
        yield from ganspace.ganspace_of_layer(
            generator, int(layer), entries, samples=count, seed=seed, model_sha=sha
        )


def library_spec(request: RenderRequest) -> JobSpec:
    """Return the spec of a job that finds what the program shows of every model."""
    return JobSpec("library", request)


def library(context: JobContext | None, spec: JobSpec) -> Job[tuple[DirectionSet, ...]]:
    """Run a job of `library_spec`: report the sets found so far."""
    assert context is not None
    assert spec.request is not None
    yield from find_all(context.generator, spec.request.model.sha256)


def teach_spec(
    request: RenderRequest, liked: NDArray[np.float32], unliked: NDArray[np.float32], name: str
) -> JobSpec:
    """Return the spec of a job that learns a direction from latents `[n, w_dim]` with and without a property."""
    return JobSpec("teach", request, {"liked": packed(liked), "unliked": packed(unliked), "name": name})


def teach(context: JobContext | None, spec: JobSpec) -> Job[tuple[DirectionSet, Boundary]]:
    """Run a job of `teach_spec`: report the direction, and how sure it is."""
    assert context is not None
    assert spec.request is not None
    liked, unliked = (unpacked(spec.options[key]) for key in ("liked", "unliked"))
    yield None
    sha, name = spec.request.model.sha256, str(spec.options["name"])
    yield Report(taught(context.generator, liked, unliked, (), sha, name), 1, 1)


def sigmas_spec(request: RenderRequest, found: DirectionSet) -> JobSpec:
    """Return the spec of a job that measures the standard deviations that directions of a file lack."""
    options = {"space": found.space, "vectors": packed(found.vectors), "sigmas": packed(found.sigmas)}
    return JobSpec("direction-sigmas", request, options)


def measure_sigmas(context: JobContext | None, spec: JobSpec) -> Job[NDArray[np.float64]]:
    """Run a job of `sigmas_spec`: report the standard deviations `[k]`."""
    assert context is not None
    vectors, sigmas = (unpacked(spec.options[key]) for key in ("vectors", "sigmas"))
    names = ("",) * len(vectors)
    found = DirectionSet("", spec.options["space"], vectors, np.zeros(len(vectors)), sigmas, names)
    yield None
    yield Report(with_sigmas(context.generator, found).sigmas, 1, 1)
