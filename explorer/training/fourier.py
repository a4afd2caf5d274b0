"""Fourier features of StyleGAN3 for networks too small to make fine detail out of coarse waves.

As published they are uniform over a disc of frequencies up to the first cutoff, so nearly all lie near its edge.
With a low edge the layers must fold fine detail out of slow waves, which a small network of 1x1 convolutions draws
as contour lines; with a high one hardly a wave is left that tells where in the picture a place is.
"""

from __future__ import annotations

import math

import torch

from explorer.errors import UsageError
from explorer.generators.base import Generator
from explorer.generators.stylegan3 import StyleGAN3Generator

__all__ = ["spread_by_octaves"]


@torch.no_grad()
def spread_by_octaves(generator: Generator, lowest: float) -> None:
    """Give a StyleGAN3 `generator` as many waves in each octave, from `lowest` to its band's edge.

    Their directions stay as they were drawn.

    Args:
        generator: Its input is changed in place.
        lowest: In cycles a picture, above 0 and below the first cutoff.

    Raises:
        UsageError: The generator has no Fourier features, or none that low.
    """
    if not isinstance(generator, StyleGAN3Generator):
        name = generator.info.family
        raise UsageError(f"{name} has no Fourier features to spread.", "Leave fourier_lowest at 0.")
    freqs, highest = generator.input.freqs, generator.input.spec.bandwidth
    if not 0 < lowest < highest:
        raise UsageError(
            f"Fourier features cannot begin at {lowest:g} cycles a picture and end at {highest:g}.",
            "Give a fourier_lowest between 0 and the first cutoff.",
        )
    count = freqs.shape[0]
    place = (torch.arange(count, device=freqs.device, dtype=freqs.dtype) + 0.5) / count
    radius = lowest * torch.exp(place * math.log(highest / lowest))
    freqs.copy_(freqs / freqs.norm(dim=1, keepdim=True) * radius[:, None])
