"""Clusters of a layer's channels that are active in the same places of the picture, for network bending.

Every channel has a map: the mean of its absolute values over random latents. Maps are compared by their
correlation: k-means groups maps of zero mean and unit length, whose squared distance is two minus twice the
correlation. Broad et al. (2020) train a network to tell channels apart instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F

from explorer.analysis.equivariance import random_inputs
from explorer.analysis.kmeans import kmeans_steps
from explorer.edits.bend import bent_layers
from explorer.errors import UsageError
from explorer.generators.base import Inputs, fold_steps
from explorer.jobs.job import JobSpec, Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import Generator
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest
    from explorer.util.steps import Steps

__all__ = ["SAMPLES", "ChannelClusters", "cluster_count", "clusters_spec", "find", "grouped_steps"]

SAMPLES = 64
"""Random latents."""

_PSI = 0.5  # of the latents, as in the original work
_SIDE = 16  # samples on each side of the maps that are compared


@dataclass(frozen=True, slots=True)
class ChannelClusters:
    """The clusters of a layer's channels, the largest first.

    Attributes:
        layer: Name of the layer.
        clusters: The channels of each, ascending.
    """

    layer: str
    clusters: tuple[tuple[int, ...], ...]


def cluster_count(index: int, count: int) -> int:
    """Return how many clusters layer `index` of `count` has: 5, then 4 and 3 in the last two quarters."""
    depth = index / count
    return 5 if depth < 0.5 else 4 if depth < 0.75 else 3


def clusters_spec(request: RenderRequest, layer: str, *, samples: int = SAMPLES, seed: int = 0) -> JobSpec:
    """Return the spec of a job that clusters the channels of a layer of a request's model."""
    return JobSpec("channel-clusters", request, {"layer": layer, "samples": samples, "seed": seed})


def find(context: JobContext | None, spec: JobSpec) -> Job[ChannelClusters | None]:
    """Run a job of `clusters_spec`; its last value is the clusters.

    Raises:
        UsageError: The model has no such layer.
    """
    assert context is not None
    name, options = str(spec.options["layer"]), spec.options
    layers = [layer.name for layer in bent_layers(context.generator.info)]
    if name not in layers:
        raise UsageError(f"The model has no layer {name} of features.", f"It has {', '.join(layers)}.")
    count = cluster_count(layers.index(name), len(layers))
    return _find(context.generator, name, count, int(options["samples"]), int(options["seed"]))


def _find(generator: Generator, name: str, count: int, samples: int, seed: int) -> Job[ChannelClusters | None]:
    random, total = np.random.RandomState(seed), np.zeros(())
    index = [layer.name for layer in generator.info.layers].index(name)
    for done in range(samples):
        z, c = random_inputs(generator, random, 1)
        inputs = Inputs(generator.truncate(generator.broadcast(generator.mapping(z, c)), _PSI, c=c))
        x = (yield from fold_steps(generator.layers, generator.begin(inputs), inputs, stop=index)).x[0]
        size = (min(x.shape[1], _SIDE), min(x.shape[2], _SIDE))
        total = total + F.adaptive_avg_pool2d(x.float().abs(), size).flatten(1).double().cpu().numpy()
        yield Report(None, done + 1, samples)
    steps = grouped_steps(total, count, seed)
    yield Report(ChannelClusters(name, (yield from steps)), samples, samples)


def grouped_steps(maps: NDArray[np.float64], count: int, seed: int = 0) -> Steps[tuple[tuple[int, ...], ...]]:
    """Group maps `[channels, points]` by their correlation into at most `count` clusters, the largest first."""
    centred = maps - maps.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    is_varied = length > 1e-9 * np.abs(maps).max()  # others, such as dead channels, correlate with none
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=is_varied)
    labels = yield from kmeans_steps(unit, count, seed=seed)
    clusters = [tuple(np.flatnonzero(labels == i).tolist()) for i in range(count)]
    return tuple(sorted(filter(None, clusters), key=lambda cluster: (-len(cluster), cluster)))
