"""GANSpace: directions as principal components of `w`, or of a layer's features (Harkonen et al. 2020).

The components of `w` are the eigenvectors of its covariance. Those of a layer are the principal components of its
features over random latents; the direction in `w` that belongs to each is the least-squares solution of
`(coordinates of the features / their standard deviations) M = w - mean`, a row of `M`, scaled to length one.

Both are jobs, to be run under `torch.inference_mode()`: each step maps a batch, or runs a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from explorer.directions.direction_set import DirectionSet, signed
from explorer.directions.samples import mapped, sigmas_of
from explorer.errors import UsageError
from explorer.generators.base import Inputs, NoiseSpec, fold_steps
from explorer.util.report import Report

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Generator
    from explorer.jobs.job import Job
    from explorer.util.steps import Steps

__all__ = ["COMPONENTS", "FEATURE_SAMPLES", "W_SAMPLES", "ganspace", "ganspace_of_layer"]

W_SAMPLES = 100_000
"""Latents whose covariance fixes the first 20 components."""

FEATURE_SAMPLES = 10_000
"""Latents whose features are analysed; fewer where a layer's features are large."""

COMPONENTS = 80
"""Components of a layer's features, as in the published tool."""

_NUMBERS = 1 << 27
"""Features that are held at most: 512 MiB of float32."""

_BATCH = 16


def ganspace(
    generator: Generator,
    entries: Sequence[int] = (),
    *,
    samples: int = W_SAMPLES,
    seed: int = 0,
    model_sha: str = "",
) -> Job[DirectionSet | None]:
    """Report all `w_dim` principal components of `w`; `values` are variances.

    Args:
        generator: The network.
        entries: The entries of `ws` that the directions are for; they do not change the components.
        samples: How many latents.
        seed: Of the latents.
        model_sha: Of the model.
    """
    w_dim = generator.info.w_dim
    total = torch.zeros(w_dim, dtype=torch.float64)
    products = torch.zeros(w_dim, w_dim, dtype=torch.float64)
    centre = generator.w_avg.double().cpu()  # near the mean, so that no digits are lost
    done = 0
    for w in mapped(generator, samples, seed):
        x = w.double().cpu() - centre
        total += x.sum(dim=0)
        products += x.T @ x
        done += len(x)
        yield Report(None, done, samples)
    mean = total / done
    variances, vectors = torch.linalg.eigh(products / done - torch.outer(mean, mean))
    values = variances.flip(0).clamp_min(0.0)
    found = signed(vectors.T.flip(0).numpy())
    names = tuple(f"GANSpace {i}" for i in range(w_dim))
    result = DirectionSet(
        "ganspace",
        "w",
        found,
        values.numpy(),
        values.sqrt().clamp_min(1e-12).numpy(),
        names,
        tuple(entries),
        model_sha,
        float(values.sum()),
    )
    yield Report(result, done, samples)


def ganspace_of_layer(
    generator: Generator,
    layer: int,
    entries: Sequence[int] = (),
    *,
    samples: int = FEATURE_SAMPLES,
    components: int = COMPONENTS,
    seed: int = 0,
    model_sha: str = "",
) -> Job[DirectionSet | None]:
    """Report the directions in `w` of the principal components of the features after layer number `layer`.

    `values` are the variances of the features along the components.

    Raises:
        UsageError: The features are too large.
    """
    latents: list[Tensor] = []
    features: list[Tensor] = []
    count = samples
    for w in mapped(generator, samples, seed):
        for part in torch.split(w, _BATCH):
            x = yield from _features(generator, part, layer)
            count = min(samples, _NUMBERS // x.shape[1])
            if count < 2 * components:
                raise UsageError(
                    f"Layer {generator.info.layers[layer].name} has {x.shape[1]:,} features, too many to analyse.",
                    "Choose a layer of lower resolution.",
                )
            latents.append(part.cpu())
            features.append(x)
            yield Report(None, min(sum(map(len, latents)), count), count)
        if sum(map(len, latents)) >= count:
            break
    x, w = torch.cat(features)[:count], torch.cat(latents)[:count].double()
    features.clear()
    yield None
    x -= x.mean(dim=0)
    components = min(components, count - 1, x.shape[1])
    torch.manual_seed(seed)
    u, s, _ = torch.svd_lowrank(x, q=min(2 * components, min(x.shape)), niter=2)
    yield None
    coordinates = u[:, :components].double() * (count - 1) ** 0.5  # of standard deviation one
    found = signed(torch.linalg.lstsq(coordinates, w - w.mean(dim=0)).solution.numpy())
    variances = (s[:components].double() ** 2 / (count - 1)).numpy()
    name = generator.info.layers[layer].name
    names = tuple(f"GANSpace {name} {i}" for i in range(components))
    sigmas = sigmas_of(generator, found)
    yield Report(
        DirectionSet("ganspace", "w", found, variances, sigmas, names, tuple(entries), model_sha), count, count
    )


def _features(generator: Generator, w: Tensor, layer: int) -> Steps[Tensor]:
    """Return the features `[N, d]` float32 on the CPU after a layer, in steps of a layer."""
    inputs = Inputs(generator.broadcast(w), noise=NoiseSpec())
    activation = yield from fold_steps(generator.layers, generator.begin(inputs), inputs, stop=layer)
    return activation.x.float().flatten(1).cpu()
