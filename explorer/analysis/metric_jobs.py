"""The jobs that measure: metrics, ranges of their samples for other machines, and curves of one latent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.analysis import measurement
from explorer.analysis.registry import Metric, Samples, collect, metric_named
from explorer.jobs.job import JobSpec

if TYPE_CHECKING:
    from explorer.analysis.equivariance import Curves
    from explorer.analysis.estimate import Estimate
    from explorer.generators.base import GeneratorInfo
    from explorer.jobs.cluster import Cluster
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["curves", "measure", "measure_on", "measure_spec", "samples", "samples_spec"]


MAX_PART = 16
"""Samples per task of a worker, which are measured again if the worker is lost."""


def measure_spec(chosen: Sequence[Metric], request: RenderRequest, samples: int, seed: int = 0) -> JobSpec:
    """Return the spec of a job that measures metrics of one sampler."""
    names = [metric.name for metric in chosen]
    return JobSpec("measure", request, {"metrics": names, "samples": samples, "seed": seed})


def measure(
    context: JobContext | None, spec: JobSpec, checkpoint: Mapping[str, Any] | None = None
) -> Job[dict[str, Estimate]]:
    """Run a job of `measure_spec`, or resume it from a checkpoint."""
    work, request = _context_and_request(context, spec)
    chosen = [metric_named(name) for name in spec.options["metrics"]]
    samples, seed = int(spec.options["samples"]), int(spec.options["seed"])
    return measurement.measure(chosen, work, request, samples, seed, checkpoint)


def samples_spec(spec: JobSpec, first: int, count: int) -> JobSpec:
    """Return the spec of a job that takes only some samples of a `measure_spec`."""
    options = {**spec.options, "samples": count, "first": first}
    return JobSpec("samples", spec.request, options)


def samples(context: JobContext | None, spec: JobSpec) -> Job[Any]:
    """Run a job of `samples_spec`: report the record of each sample."""
    work, request = _context_and_request(context, spec)
    options = spec.options
    names = tuple(options["metrics"])
    taken = Samples(int(options["samples"]), int(options["seed"]), int(options["first"]), names)
    return collect(metric_named(names[0]), work, request, taken)


def measure_on(
    cluster: Cluster, spec: JobSpec, info: GeneratorInfo, checkpoint: Mapping[str, Any] | None = None
) -> Job[dict[str, Estimate]]:
    """Run a job of `measure_spec` on a cluster, with the same results as here.

    Args:
        cluster: The cluster that takes the samples.
        spec: What to measure.
        info: Info of its generator.
        checkpoint: The checkpoint to resume from.
    """
    assert spec.request is not None
    model = str(Path(spec.request.model.path).resolve())  # workers have other current folders
    request = replace(spec.request, model=replace(spec.request.model, path=model))
    spec, device = replace(spec, request=request), request.settings.device
    chosen = [metric_named(name) for name in spec.options["metrics"]]
    count = int(spec.options["samples"])
    size = max(1, min(MAX_PART, count // (4 * cluster.workers(device))))
    taken = range(measurement.samples_done(checkpoint), count, size)
    parts = [samples_spec(spec, first, min(size, count - first)) for first in taken]
    records = cluster.run(parts, device=device, models=[model])
    return measurement.sampled(chosen, info, count, records, checkpoint)


def curves(context: JobContext | None, spec: JobSpec) -> Job[Curves]:
    """Run `JobSpec("curves", request)`: the equivariance of one latent over translation and rotation."""
    from explorer.analysis.equivariance import curves

    return curves(*_context_and_request(context, spec))


def _context_and_request(context: JobContext | None, spec: JobSpec) -> tuple[JobContext, RenderRequest]:
    if context is None or spec.request is None:
        raise ValueError(f"the job {spec.kind!r} needs a request")
    return context, spec.request
