"""Random latents of a model, and their spread along directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.analysis.equivariance import random_inputs
from explorer.edits.base import INPUT_LAYER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.directions.direction_set import DirectionSet
    from explorer.generators.base import Generator

__all__ = ["SIGMA_SAMPLES", "mapped", "sigmas_in_styles", "sigmas_of", "styles_of", "with_sigmas"]

SIGMA_SAMPLES = 5000
"""Latents that measure a standard deviation, as many as in GANSpace (Harkonen et al. 2020)."""

_BATCH = 500


def mapped(generator: Generator, samples: int, seed: int = 0) -> Iterator[Tensor]:
    """Yield `samples` random untruncated latents, of all classes, in batches `[N, w_dim]` float32.

    The same seed gives the same latents.
    """
    random = np.random.RandomState(seed)
    for start in range(0, samples, _BATCH):
        z, c = random_inputs(generator, random, min(_BATCH, samples - start))
        with torch.no_grad():  # not around the `yield`: steps leave no thread state behind
            w = generator.mapping(z, c)
        yield w


def sigmas_of(generator: Generator, vectors: NDArray[np.float32], seed: int = 1) -> NDArray[np.float64]:
    """Return the standard deviations `[k]` of random latents along directions `[k, w_dim]`."""
    axes = torch.from_numpy(vectors).to(generator.device).T
    projected = torch.cat([w @ axes for w in mapped(generator, SIGMA_SAMPLES, seed)])
    sigmas: NDArray[np.float64] = projected.double().std(dim=0, correction=0).cpu().numpy()
    return sigmas


def styles_of(generator: Generator) -> dict[str, Callable[[Tensor], Tensor]]:
    """Return the functions from `w` to styles, of the input if it has any and of each styled layer, in order."""
    found: dict[str, Callable[[Tensor], Tensor]] = {}
    if generator.info.input_style_dim:
        found[INPUT_LAYER] = generator.input_style
    return found | {layer.info.name: layer.style for layer in generator.layers if layer.info.style_dim}


def sigmas_in_styles(generator: Generator, vectors: NDArray[np.float32], seed: int = 1) -> NDArray[np.float64]:
    """Return the standard deviations `[k]` of random latents along directions of s, `[k, sum of style_dim]`.

    They may have the styles of the network's input before those of the layers.
    """
    styles = styles_of(generator)
    if vectors.shape[1] == sum(layer.style_dim for layer in generator.info.styled_layers):
        styles.pop(INPUT_LAYER, None)
    axes = torch.from_numpy(vectors).to(generator.device).T
    projected = []
    for w in mapped(generator, SIGMA_SAMPLES, seed):
        with torch.no_grad():
            projected.append(torch.cat([style(w) for style in styles.values()], dim=1) @ axes)
    sigmas: NDArray[np.float64] = torch.cat(projected).double().std(dim=0, correction=0).cpu().numpy()
    return sigmas


def with_sigmas(generator: Generator, found: DirectionSet) -> DirectionSet:
    """Return directions of w, ws or s with the standard deviations measured that they lack.

    A direction of ws has the root mean square of those of its rows, in proportion to their lengths.
    """
    missing = np.isnan(found.sigmas)
    if not missing.any():
        return found
    vectors = found.vectors[missing]
    rows = vectors.reshape(-1, vectors.shape[-1])
    measure = sigmas_in_styles if found.space == "s" else sigmas_of
    measured = measure(generator, rows).reshape(len(vectors), -1)
    sigmas = found.sigmas.copy()
    sigmas[missing] = np.maximum(np.sqrt((measured**2).sum(axis=1)), 1e-12)
    return replace(found, sigmas=sigmas)
