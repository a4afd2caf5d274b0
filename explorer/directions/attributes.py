"""Attributes of pictures that a network reads: how much an edit changes each, and latents that have much of one.

Attributes are standardised: numbers by the mean and the spread of the network's data, classes of a group as if all
were equally frequent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.analysis.attribute_network import network_of
from explorer.directions.boundary import ENOUGH
from explorer.directions.samples import mapped
from explorer.edits.base import ResolvedEdit
from explorer.errors import UsageError
from explorer.jobs.job import JobSpec
from explorer.util.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.analysis.attribute_network import AttributeNetwork
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = [
    "READING",
    "SAMPLES",
    "AttributeChanges",
    "AttributeSamples",
    "attribute_names",
    "changes",
    "changes_spec",
    "extremes",
    "readings",
    "samples",
    "samples_spec",
]

SAMPLES = 512
"""Random pictures that are ranked by an attribute."""

SHARE = 0.15
"""Of them at either end, which teach the direction (InterFaceGAN has 0.02 of 500,000; Shen et al. 2020)."""

READING = "Reading random pictures"
"""The stage of `samples`."""

_BATCH = 4  # a step is a layer of that many pictures, so that the window's looks wait for no more


@dataclass(frozen=True, slots=True)
class AttributeChanges:
    """How much each attribute differs between two pictures; empty if no network is known for the model.

    Attributes:
        names: Of all attributes that the network reads.
        changes: Their differences in standard deviations, in the same order.
    """

    names: tuple[str, ...] = ()
    changes: tuple[float, ...] = ()

    def largest(self, count: int) -> tuple[tuple[str, float], ...]:
        """Return the attributes that change most, with their changes."""
        pairs = sorted(zip(self.names, self.changes, strict=True), key=lambda pair: -abs(pair[1]))
        return tuple(pairs[:count])


@dataclass(frozen=True, slots=True, eq=False)
class AttributeSamples:
    """Random latents of a model, and the attributes of their pictures.

    Attributes:
        names: Of the attributes.
        w: float32 `[n, w_dim]`, not truncated.
        values: float32 `[n, len(names)]`, standardised.
    """

    names: tuple[str, ...]
    w: NDArray[np.float32]
    values: NDArray[np.float32]


def attribute_names(network: AttributeNetwork) -> tuple[str, ...]:
    """Return the display names of what a network reads: numbers, then classes as "group: class"."""
    numbers = (name.replace("_", " ") for name in network.vocabulary.numbers)
    groups = network.vocabulary.groups.items()
    return (*numbers, *(f"{group}: {name}" for group, names in groups for name in names))


@torch.inference_mode()
def readings(network: AttributeNetwork, pictures: Tensor) -> NDArray[np.float32]:
    """Return the attributes `[n, len(attribute_names)]` of pictures `[n, 3, H, W]` in -1..1, standardised."""
    groups, numbers = network.split(network(pictures.detach().float().cpu().clamp(-1.0, 1.0)))
    parts = [numbers]
    for logits in groups.values():
        mean = 1.0 / logits.shape[1]
        parts.append((logits.softmax(dim=1) - mean) / math.sqrt(mean * (1.0 - mean)))
    result: NDArray[np.float32] = torch.cat(parts, dim=1).numpy()
    return result


def changes_spec(
    request: RenderRequest, low: Sequence[ResolvedEdit], high: Sequence[ResolvedEdit], origin: str
) -> JobSpec:
    """Return the spec of a job that measures how much attributes change between two lists of edits.

    Args:
        request: The picture, whose own edits do not matter.
        low: The edits of the first picture.
        high: Those of the second.
        origin: Where the model is from, see `network_of`.
    """
    both = [[edit.to_json() for edit in edits] for edits in (low, high)]
    return JobSpec("attribute-changes", request, {"edits": both, "origin": origin})


def changes(context: JobContext | None, spec: JobSpec) -> Job[AttributeChanges]:
    """Run a job of `changes_spec`: report the changes."""
    assert context is not None
    assert spec.request is not None
    network = network_of(str(spec.options["origin"]))
    yield None
    if network is None or context.generator.info.img_channels != 3:
        yield Report(AttributeChanges(), 1, 1)
        return
    read = []
    for data in spec.options["edits"]:
        edits = tuple(ResolvedEdit.from_json(item, "edits") for item in data)
        request = replace(spec.request, style=replace(spec.request.style, edits=edits))
        picture = yield from context.steps(request)
        read.append(readings(network, picture[None])[0])
    step = tuple(float(x) for x in read[1] - read[0])
    yield Report(AttributeChanges(attribute_names(network), step), 1, 1)


def samples_spec(request: RenderRequest, origin: str, count: int = SAMPLES, seed: int = 0) -> JobSpec:
    """Return the spec of a job that reads the attributes of random pictures of a request's model."""
    return JobSpec("attribute-samples", request, {"origin": origin, "count": count, "seed": seed})


def samples(context: JobContext | None, spec: JobSpec) -> Job[AttributeSamples | None]:
    """Run a job of `samples_spec`: report how many pictures are read, and at the end what was read.

    Raises:
        UsageError: No attribute network is known for the model.
    """
    assert context is not None
    generator, options = context.generator, spec.options
    network = network_of(str(options["origin"]))
    if network is None or generator.info.img_channels != 3:
        raise UsageError(
            "No attribute network is known for this model.", "Teach the direction by pictures instead."
        )
    count, seed = int(options["count"]), int(options["seed"])
    w = torch.cat(list(mapped(generator, count, seed)))
    read: list[NDArray[np.float32]] = []
    for start in range(0, count, _BATCH):
        ws = generator.broadcast(w[start : start + _BATCH])
        pictures = yield from generator.synthesis_steps(ws)
        read.append(readings(network, pictures))
        yield Report(None, min(start + _BATCH, count), count, READING)
    found = AttributeSamples(attribute_names(network), w.float().cpu().numpy(), np.concatenate(read))
    yield Report(found, count, count, READING)


def extremes(found: AttributeSamples, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the latents with most of an attribute, and those with least of it, each `[m, w_dim]`."""
    order = np.argsort(found.values[:, found.names.index(name)], kind="stable")
    count = min(len(order) // 2, max(ENOUGH, round(SHARE * len(order))))
    return found.w[order[::-1][:count]], found.w[order[:count]]
