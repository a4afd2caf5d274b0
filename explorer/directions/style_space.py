"""The job that ranks style channels by how much they change a marked region and little else.

All channels are compared to first order (`style_probes`), in the marked region and in regions that compete with
it. The best are then tried (`style_trials`). Styles of layers that output a picture are left out, because they only
tint it, and so are those of the network's input, which move all of it.
"""

from __future__ import annotations

from collections.abc import Generator as Iteration
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import torch
import torch.nn.functional as F

from explorer.directions.regions import regions_of
from explorer.directions.style_gradients import styled_picture
from explorer.directions.style_probes import influence
from explorer.directions.style_statistics import measured, recall, remember
from explorer.directions.style_trials import SIGMAS, Trial, changes
from explorer.errors import UsageError
from explorer.generators.base import INPUT
from explorer.jobs.job import JobSpec
from explorer.util.packing import packed, unpacked
from explorer.util.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.directions.regions import Regions
    from explorer.directions.style_gradients import StyledPicture
    from explorer.directions.style_statistics import StyleStatistics
    from explorer.generators.base import Generator, GeneratorInfo
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["SHORTLIST", "VISIBLE", "RankedChannel", "rank", "ranking_spec", "shortlist"]

T = TypeVar("T")

Reports: TypeAlias = "Iteration[Report[Any] | None, None, T]"
"""A part of the job, with what it returns."""

SHORTLIST = 50
"""Channels that are tried."""

VISIBLE = 0.04
"""Mean absolute change of a region, in the picture's units of -1..1, from which it is worth a slider: 5 of 255
levels. Channels that change the region less come last, however little they change elsewhere."""

_INSIDE, _OUTSIDE = 12, 24
"""Probes of the marked region, and of all its competitors together."""

_SPREAD = 10
"""Steps that are counted for measuring the spread of styles."""

_SPREADING = "Measuring the spread of styles"


@dataclass(frozen=True, slots=True, eq=False)
class RankedChannel:
    """A style channel and what it changes when it is moved by `SIGMAS` standard deviations. Crosses threads.

    Attributes:
        layer: Name of its layer.
        channel: Its index in the layer's styles.
        sigma: Its standard deviation over the model's random latents.
        ratio: `inside` by `outside`.
        inside: Mean absolute change of the marked region, in the picture's units of -1..1.
        outside: The same of the rest of the picture.
        rival: The same of the competing region that changes most.
        heat: Where it changes the picture, uint8 `[32, 32]` at most, 255 where most.
    """

    layer: str
    channel: int
    sigma: float
    ratio: float
    inside: float
    outside: float
    rival: float
    heat: NDArray[np.uint8]


def ranking_spec(request: RenderRequest, region: NDArray[np.bool_], seed: int = 0) -> JobSpec:
    """Return the spec of a job that ranks style channels for a region of a request's picture.

    Args:
        request: The picture.
        region: The marked pixels, bool `[H, W]` of the picture's own size.
        seed: Of the random signs.
    """
    options = {"size": list(region.shape), "region": packed(np.packbits(region)), "seed": seed}
    return JobSpec("style-channels", request, options)


def rank(context: JobContext | None, spec: JobSpec) -> Job[tuple[RankedChannel, ...] | None]:
    """Run a job of `ranking_spec`; its last value are the channels tried, the best first.

    Raises:
        UsageError: The region is empty, the whole picture, or of another size than the picture.
    """
    assert context is not None
    assert spec.request is not None
    generator, request = context.generator, spec.request
    region = _region(spec, generator.info)
    statistics = recall(request.model.sha256, generator.info)
    steps = _Steps(_INSIDE + _OUTSIDE + SHORTLIST + (_SPREAD if statistics is None else 0))
    if statistics is None:
        statistics = yield from _measured(generator, request.model.sha256, steps)
    inputs, edits = context.prepared(request)
    yield None
    styled = yield from styled_picture(generator, inputs, edits)
    regions = regions_of(region, styled.features, generator.device)
    yield None
    slopes = yield from _slopes(styled, regions, int(spec.options["seed"]), steps)
    del styled  # its graph holds every layer's features
    sizes = regions.masks.flatten(1).sum(dim=1)
    trials = shortlist(slopes, sizes, statistics, generator.info)
    found = []
    for batch in changes(generator, inputs, edits, trials, request.settings.backend):
        if batch is None:
            yield None
            continue
        found += [_ranked(generator.info, trial, change, regions) for trial, change in batch]
        yield steps.report("Trying channels", len(batch))
    found.sort(key=_order, reverse=True)
    yield Report(tuple(found), steps.total, steps.total)


@dataclass(slots=True)
class _Steps:
    """Counts the steps of the job."""

    total: int
    done: int = 0

    def report(self, stage: str, count: int = 1) -> Report[Any]:
        """Return the report after `count` more steps."""
        self.done += count
        return Report(None, self.done, self.total, stage)


def _measured(generator: Generator, sha: str, steps: _Steps) -> Reports[StyleStatistics]:
    """Measure the spread of styles and cache it; `_SPREAD` steps in all."""
    for report in measured(generator):
        assert report is not None
        if report.value is not None:
            remember(sha, report.value)
            yield steps.report(_SPREADING, _SPREAD - steps.done)
            return report.value
        yield steps.report(_SPREADING, report.done * (_SPREAD - 1) // report.total - steps.done)
    raise AssertionError("the spread was not found")


def _slopes(styled: StyledPicture, regions: Regions, seed: int, steps: _Steps) -> Reports[dict[int, Tensor]]:
    """Return what `influence` finds, in one backward pass a step."""
    others = len(regions.masks) - 1
    probes = (_INSIDE, *(_OUTSIDE // others + (i < _OUTSIDE % others) for i in range(others)))
    work = influence(styled, regions, probes, seed)
    while True:
        try:
            probed = next(work)
        except StopIteration as end:
            found: dict[int, Tensor] = end.value
            return found
        yield None if probed is None else steps.report("Comparing all channels")


def shortlist(
    slopes: Mapping[int, Tensor], sizes: Tensor, statistics: StyleStatistics, info: GeneratorInfo
) -> list[Trial]:
    """Return the channels worth a trial: those that should change the first region most against all others.

    Args:
        slopes: Root mean square derivative of each region `[regions, style_dim]` by layer index.
        sizes: Pixels of each region.
        statistics: The channels' standard deviations.
        info: Of the network.
    """
    rated = []
    share = (sizes[1:] / sizes[1:].sum())[:, None]
    for i, slope in slopes.items():
        if i == INPUT:
            continue
        sigmas = statistics.sigma[info.layers[i].name]
        change = SIGMAS * slope * torch.from_numpy(sigmas).to(slope)
        outside = (change[1:].square() * share).sum(dim=0).sqrt()
        score = change[0] / torch.maximum(outside, change[1:].amax(dim=0) / 2).add(VISIBLE)
        pairs = zip(score.tolist(), sigmas.tolist(), strict=True)
        rated += [(rating, i, channel, sigma) for channel, (rating, sigma) in enumerate(pairs) if sigma > 0.0]
    rated.sort(reverse=True)
    return [Trial(i, channel, sigma) for _, i, channel, sigma in rated[:SHORTLIST]]


def _ranked(info: GeneratorInfo, trial: Trial, change: Tensor, regions: Regions) -> RankedChannel:
    """Return what a trial showed; `change` is `[H, W]`."""
    means = [float(change[mask].mean()) for mask in regions.masks]
    inside, outside = means[0], float(change[~regions.inside].mean())
    heat = F.adaptive_avg_pool2d(change[None], regions.grid)[0]
    heat = heat * (255.0 / heat.amax().clamp_min(1e-6))
    pixels = heat.round().to(torch.uint8).cpu().numpy()
    ratio = inside / max(outside, 1e-6)
    name = info.layers[trial.layer].name
    return RankedChannel(name, trial.channel, trial.sigma, ratio, inside, outside, max(means[1:]), pixels)


def _order(found: RankedChannel) -> tuple[bool, bool, float]:
    """Return what channels are sorted by: is the change visible, does the region have the most of it, the ratio."""
    is_visible = found.inside >= VISIBLE
    return is_visible, found.inside >= found.rival, found.ratio if is_visible else found.inside


def _region(spec: JobSpec, info: GeneratorInfo) -> NDArray[np.bool_]:
    """Return the region of a spec. Raises UsageError."""
    size = tuple(int(n) for n in spec.options["size"])
    if size != info.img_size:
        raise UsageError(
            f"The region is of a picture of {size[1]}\u00d7{size[0]} pixels; this model's have {info.size_text}.",
            "Mark the region again.",
        )
    bits = np.unpackbits(unpacked(spec.options["region"]), count=size[0] * size[1])
    return bits.astype(bool).reshape(size)
