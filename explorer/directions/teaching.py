"""Directions that a user teaches: from pictures that have a property, and pictures that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.directions.boundary import Boundary, separate
from explorer.directions.direction_set import DirectionSet
from explorer.directions.samples import SIGMA_SAMPLES, mapped, sigmas_of
from explorer.latents.seeds import z_of_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explorer.generators.base import Generator

__all__ = ["spread_of", "taught", "taught_by_seeds"]


def spread_of(generator: Generator) -> NDArray[np.float64]:
    """Return the standard deviation of random latents in each dimension of w, `[w_dim]`."""
    w = torch.cat(list(mapped(generator, SIGMA_SAMPLES, 1)))
    spread: NDArray[np.float64] = w.double().std(dim=0, correction=0).cpu().numpy()
    return spread


def taught(
    generator: Generator,
    liked: NDArray[np.float32],
    unliked: NDArray[np.float32],
    entries: Sequence[int] = (),
    model_sha: str = "",
    name: str = "Taught direction",
) -> tuple[DirectionSet, Boundary]:
    """Return the direction in w from latents `unliked` `[m, w_dim]` to `liked` `[n, w_dim]`, and how sure it is.

    Raises:
        UsageError: A group is empty, or the groups have the same mean.
    """
    boundary = separate(liked, unliked, spread_of(generator))
    vectors = boundary.vector[None]
    found = DirectionSet(
        "svm", "w", vectors, np.ones(1), sigmas_of(generator, vectors), (name,), tuple(entries), model_sha
    )
    return found, boundary


def taught_by_seeds(
    generator: Generator, liked: Sequence[int], unliked: Sequence[int], entries: Sequence[int], model_sha: str
) -> tuple[DirectionSet, Boundary]:
    """Return `taught` for the latents of seeds, of class 0 where the model has classes."""

    def latents(seeds: Sequence[int]) -> NDArray[np.float32]:
        z = torch.from_numpy(np.stack([z_of_seed(seed, generator.info.z_dim) for seed in seeds]))
        with torch.no_grad():
            w: NDArray[np.float32] = generator.mapping(z.to(generator.device)).float().cpu().numpy()
        return w

    return taught(generator, latents(liked), latents(unliked), entries, model_sha)
