"""Clusters of channels: what is active in the same places is together, by a job of short steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explorer.analysis.channel_clusters import ChannelClusters, cluster_count, clusters_spec, find, grouped_steps
from explorer.edits.bend import bent_layers
from explorer.errors import UsageError
from explorer.generators.base import Inputs, fold
from explorer.jobs.executors import run_inline
from explorer.jobs.job import JobSpec
from explorer.render.headless import HeadlessRenderer
from explorer.state import Look
from explorer.testing.tiny import TinyLayer
from explorer.util.steps import run
from tests.generators.configs import small_generator


def grouped(maps: np.ndarray, count: int, seed: int = 0) -> tuple[tuple[int, ...], ...]:
    return run(grouped_steps(maps, count, seed))


def test_maps_are_grouped_by_where_they_are_high_and_not_by_how_high() -> None:
    random = np.random.RandomState(0)
    places = random.rand(3, 64)
    kinds = np.array([0, 1, 2, 1, 0, 1, 1, 2])
    scale, shift = 10.0 ** random.uniform(-2, 2, (8, 1)), random.uniform(0, 50, (8, 1))
    maps = scale * (places[kinds] + 0.02 * random.randn(8, 64)) + shift
    assert grouped(maps, 3) == ((1, 3, 5, 6), (0, 4), (2, 7))
    assert grouped(maps, 3, seed=9) == grouped(maps, 3)


def test_fewer_maps_than_clusters() -> None:
    maps = np.stack([np.full(9, 3.0), np.arange(9.0), 2 * np.arange(9.0), np.zeros(9)])
    assert grouped(maps, 5) == ((0, 3), (1, 2))
    assert grouped(maps[:1], 5) == ((0,),)


def test_fewer_clusters_towards_the_picture() -> None:
    assert [cluster_count(i, 16) for i in range(16)] == [5] * 8 + [4] * 4 + [3] * 4


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t", "tiny"])
def test_the_job_finds_the_same_from_its_json(name: str) -> None:
    renderer = HeadlessRenderer(small_generator(name))
    layer = bent_layers(renderer.context.generator.info)[1]
    spec = clusters_spec(renderer.request(Look()), layer.name, samples=6)
    seen: list[tuple[int, int]] = []
    found = run_inline(spec, renderer.context, lambda report: seen.append((report.done, report.total)))
    assert found == run_inline(JobSpec.from_json(spec.to_json()), renderer.context)
    assert isinstance(found, ChannelClusters)
    assert found.layer == layer.name
    assert sorted(i for cluster in found.clusters for i in cluster) == list(range(layer.channels))
    assert [len(c) for c in found.clusters] == sorted((len(c) for c in found.clusters), reverse=True)
    assert seen[-1] == (6, 6)


def test_channels_of_one_cluster_correlate_more_than_those_of_two() -> None:
    generator = small_generator("stylegan2-plain")
    renderer = HeadlessRenderer(generator)
    with torch.inference_mode():
        found = run_inline(clusters_spec(renderer.request(Look()), "b16.conv0"), renderer.context)
        z = torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
        inputs = Inputs(generator.truncate(generator.broadcast(generator.mapping(z)), 0.5))
        index = [layer.info.name for layer in generator.layers].index("b16.conv0")
        x = fold(generator.layers, generator.begin(inputs), inputs, stop=index).x
    maps = F.adaptive_avg_pool2d(x.abs(), 16).mean(dim=0).flatten(1).double().numpy()
    correlations = np.corrcoef(maps)
    label = {i: n for n, cluster in enumerate(found.clusters) for i in cluster}
    pairs = [(i, j) for i in range(len(maps)) for j in range(i)]
    together = [correlations[i, j] for i, j in pairs if label[i] == label[j]]
    apart = [correlations[i, j] for i, j in pairs if label[i] != label[j]]
    assert np.mean(together) > np.mean(apart) + 0.2


@torch.inference_mode()
def advance(job: Iterator[object]) -> bool:
    """Take a step as the render thread does; False at the end."""
    return next(job, job) is not job


def test_no_step_is_longer_than_a_layer() -> None:
    renderer = HeadlessRenderer(small_generator("tiny"))
    generator = renderer.context.generator
    layer = generator.info.layers[2].name
    job = find(renderer.context, clusters_spec(renderer.request(Look()), layer, samples=3))
    runs = 0
    for _ in iter(lambda: advance(job), False):
        now = sum(cast("TinyLayer", made).runs for made in generator.layers)
        assert now - runs <= 1
        runs = now
    assert runs == 9


def test_an_unknown_layer_is_refused() -> None:
    renderer = HeadlessRenderer(small_generator("tiny"))
    for name in ("elsewhere", renderer.context.generator.info.layers[-1].name):
        with pytest.raises(UsageError, match=f"has no layer {name} of features"):
            run_inline(clusters_spec(renderer.request(Look()), name), renderer.context)
