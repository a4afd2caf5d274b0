"""Metrics for the card of a generator: Fréchet distances to its data, reconstruction, equivariance."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from explorer.analysis import attribute_network, moments_cache
from explorer.analysis.equivariance import METRICS, draws, random_inputs
from explorer.analysis.equivariance import measure as measure_equivariance
from explorer.analysis.frechet import Moments, distance
from explorer.analysis.registry import metric_named
from explorer.generators.base import Generator, NoiseSpec
from explorer.generators.registry import build
from explorer.training.critters.attributes import LATENT_DIM, attributes, latents
from explorer.training.critters.render import render
from explorer.training.style_effects import style_effects, table
from explorer.util.report import Report

if TYPE_CHECKING:
    from explorer.analysis.feature_networks import FeatureNetwork
    from explorer.checkpoints import Checkpoint
    from explorer.training.datasets import Dataset

__all__ = ["Figures", "Frechet", "Request", "fresh_like", "measure", "report"]

_HELD_OUT = 1  # data set seed that no recipe trains on
_BATCH = 16

_Item = TypeVar("_Item")

Progress = Callable[[Report[Any]], None]


@dataclass(frozen=True)
class Request:
    """Sample counts per metric; 0 skips it."""

    samples: int = 10_000  # for Fréchet distances
    equivariance: int = 500
    likeness: int = 128  # critters only
    pairs: int = 256  # for style effects; critters only
    seed: int = 0


@dataclass(frozen=True)
class Frechet:
    """Squared Fréchet distances in the features of one network, and the numbers of pictures."""

    network: str
    generator: float
    halves: float  # between two halves of the data
    untrained: float  # of the same architecture with fresh weights
    samples: int
    data: int


@dataclass(frozen=True)
class Figures:
    """Measured values; empty where not requested or not defined."""

    frechet: tuple[Frechet, ...] = ()
    likeness: tuple[float, float, int] | None = None  # dB, dB of the mean picture, pictures
    equivariance: Mapping[str, float] = field(default_factory=dict)  # dB
    equivariance_samples: int = 0
    styles: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    pairs: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return the figures as JSON values."""
        return dataclasses.asdict(self)


def fresh_like(checkpoint: Checkpoint) -> Generator:
    """Return an untrained generator of the same architecture, always with the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(checkpoint.family, checkpoint.config)


@torch.inference_mode()
def measure(
    generator: Generator, fresh: Generator, data: Dataset, using: list[FeatureNetwork], request: Request,
    progress: Progress = lambda report: None,
) -> Figures:  # fmt: skip
    """Measure `generator` against `data`.

    Args:
        generator: Any family.
        fresh: The same architecture, not trained.
        data: The pictures it was trained on, of its resolution.
        using: Networks for the Fréchet distances.
        request: Sample counts.
        progress: Called with reports that count pictures, and whose `stage` is the current task.
    """
    frechet = _frechet(generator, fresh, data, using, request, progress) if using and request.samples else ()
    likeness = None
    are_critters = data.latents(np.arange(1)) is not None
    styles = {}
    if request.pairs and are_critters:
        styles = style_effects(generator, attribute_network.load(), request.pairs, request.seed)
    if request.likeness and are_critters and generator.info.z_dim == LATENT_DIM:
        likeness = _likeness(generator, request.likeness)
    decibels: dict[str, float] = {}
    if request.equivariance and generator.info.has_input_transform:
        count = request.equivariance
        batches = _with_progress(draws(generator, count), 4, count, "equivariance", progress)
        sums = measure_equivariance(generator, batches, METRICS)
        decibels = {name: total.decibels for name, total in sums.items()}
    counts = request.equivariance if decibels else 0, request.pairs if styles else 0
    return Figures(frechet, likeness, decibels, counts[0], styles, counts[1])


def _frechet(
    generator: Generator, fresh: Generator, data: Dataset, using: list[FeatureNetwork], request: Request,
    progress: Progress,
) -> tuple[Frechet, ...]:  # fmt: skip
    half, count = len(data) // 2, request.samples
    source = {"what": "data", "pictures": _fingerprint(data), "halves": half}
    first = _remembered(source | {"half": 1}, using, lambda: _pictures(data, 0, half), half, "data 1/2", progress)
    second = _remembered(
        source | {"half": 2}, using, lambda: _pictures(data, half, 2 * half), half, "data 2/2", progress
    )
    blank = {"what": "samples", "weights": _digest(fresh), "count": count, "seed": request.seed}
    untrained = _remembered(
        blank, using, lambda: _samples(fresh, count, request.seed), count, "untrained", progress
    )
    made = _moments(using, _samples(generator, count, request.seed), count, "samples", progress)
    result = []
    for network, one, two, blank_moments, moments in zip(using, first, second, untrained, made, strict=True):
        whole = one + two
        distances = distance(moments, whole), distance(one, two), distance(blank_moments, whole)
        result.append(Frechet(network.name, *distances, count, whole.count))
    return tuple(result)


def _remembered(
    key: Mapping[str, object], using: list[FeatureNetwork], pictures: Callable[[], Iterator[Tensor]], count: int,
    what: str, progress: Progress,
) -> list[Moments]:  # fmt: skip
    """Return the feature moments for every network, from the cache if possible."""
    keys = [dict(key) | {"network": network.identity} for network in using]
    found = [moments_cache.recall(each) for each in keys]
    missing = [network for network, known in zip(using, found, strict=True) if known is None]
    fresh = iter(_moments(missing, pictures(), count, what, progress) if missing else ())
    result = []
    for each, known in zip(keys, found, strict=True):
        moments = next(fresh) if known is None else known
        if known is None:
            moments_cache.remember(each, moments)
        result.append(moments)
    return result


def _moments(
    using: list[FeatureNetwork], pictures: Iterator[Tensor], count: int, what: str, progress: Progress
) -> list[Moments]:
    totals: list[Moments | None] = [None] * len(using)
    for part in _with_progress(pictures, _BATCH, count, what, progress):
        for index, network in enumerate(using):
            found, old = Moments.of(network.features(part)), totals[index]
            totals[index] = found if old is None else old + found
    return [total for total in totals if total is not None]


def _with_progress(
    items: Iterator[_Item], batch: int, count: int, what: str, progress: Progress
) -> Iterator[_Item]:
    done = 0
    for item in items:
        yield item
        done = min(done + batch, count)
        progress(Report(None, done, count, what))


def _pictures(data: Dataset, first: int, end: int) -> Iterator[Tensor]:
    for start in range(first, end, _BATCH):
        yield data.pictures(np.arange(start, min(start + _BATCH, end)))


def _samples(generator: Generator, count: int, seed: int) -> Iterator[Tensor]:
    """Yield pictures of random latents, untruncated, with random noise, rounded to 8 bits."""
    random = np.random.RandomState(seed)
    for start in range(0, count, _BATCH):
        z, c = random_inputs(generator, random, min(_BATCH, count - start))
        ws = generator.broadcast(generator.mapping(z, c))
        made = generator.synthesis(ws, noise=NoiseSpec("random", seed=int(random.randint(2**31)))).cpu()
        yield (made * 127.5 + 128).clamp(0, 255).floor() / 127.5 - 1


def _fingerprint(data: Dataset) -> str:
    """Tell data sets apart: their length and 64 pictures spread over them."""
    some = np.unique(np.linspace(0, len(data) - 1, 64).astype(np.int64))
    digest = hashlib.sha256(data.pictures(some).numpy().tobytes()).hexdigest()
    return f"{len(data)}-{data.resolution}-{digest[:32]}"


def _digest(generator: Generator) -> str:
    digest = hashlib.sha256(generator.info.family.encode())
    for name, value in generator.state_dict().items():
        digest.update(name.encode())
        digest.update(value.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:32]


def _likeness(generator: Generator, samples: int) -> tuple[float, float, int]:
    z = latents(samples, _HELD_OUT)
    real = torch.cat([render(attributes(part), generator.info.img_size[0]) for part in torch.split(z, 2)])
    ws = generator.broadcast(generator.mapping(z.to(generator.device)))
    made = torch.cat([generator.synthesis(part).cpu() for part in torch.split(ws, 8)]).clamp(-1, 1) / 2 + 0.5
    return _psnr(made - real), _psnr(real.mean(0, keepdim=True) - real), samples


def _psnr(difference: Tensor) -> float:
    return -10 * math.log10(float(difference.double().square().mean()))


def report(figures: Figures) -> str:
    """Return the metrics as Markdown for a card."""
    text = "\n".join(f"* {line}" for line in _sentences(figures))
    if figures.styles:
        text += f"""

How far a critter moves towards another when it takes one group of that one's styles (0%: unchanged, 100%: like
the other), measured with the attribute network on {figures.pairs} pairs:

{table(figures.styles)}"""
    return text.strip()


def _sentences(figures: Figures) -> list[str]:
    lines = [
        f"Fréchet distance in the features of {f.network}, {f.samples:,} samples (not truncated) against the "
        f"{f.data:,} pictures of the data: **{f.generator:.2f}**. Between two halves of the data: {f.halves:.2f}; "
        f"of the same network untrained: {f.untrained:.1f}. (Squared distance, as published for Inception; figures "
        "of different networks cannot be compared.)"
        for f in figures.frechet
    ]
    if figures.likeness is not None:
        near, average, samples = figures.likeness
        lines.append(
            f"Similarity to the renderer's pictures of {samples} unseen latents: PSNR {near:.1f} dB "
            f"(the mean of those pictures: {average:.1f} dB)."
        )
    if figures.equivariance:
        found = ", ".join(
            f"{name.upper()} {value:.1f} {metric_named(name).unit}" for name, value in figures.equivariance.items()
        )
        lines.append(f"Equivariance over {figures.equivariance_samples} pictures: {found}.")
    return lines
