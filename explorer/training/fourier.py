"""StyleGAN3's Fourier features for networks too small to derive fine detail from low frequencies.

As published, they are uniform over a disc of frequencies up to the first cutoff, so nearly all are close to its
edge. With a low cutoff the layers must derive fine detail from low frequencies, which a small network of 1x1
convolutions draws as contour lines; with a high cutoff hardly any low frequency is left to encode the position.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.generators.stylegan3 import StyleGAN3Generator

__all__ = ["spread_by_octaves"]


@torch.no_grad()
def spread_by_octaves(generator: StyleGAN3Generator, lowest: float) -> None:
    """Spread the frequencies of a generator evenly over the octaves from `lowest` to its band limit.

    Their directions are unchanged.

    Args:
        generator: Its input is changed in fraction.
        lowest: In cycles per picture, above 0 and below the first cutoff.

    Raises:
        UsageError: `lowest` is out of range.
    """
    freqs, highest = generator.input.freqs, generator.input.spec.bandwidth
    if not 0 < lowest < highest:
        raise UsageError(
            f"Fourier features cannot range from {lowest:g} to {highest:g} cycles per picture.",
            "Choose a fourier_lowest between 0 and the first cutoff.",
        )
    count = freqs.shape[0]
    fraction = (torch.arange(count, device=freqs.device, dtype=freqs.dtype) + 0.5) / count
    radius = lowest * torch.exp(fraction * math.log(highest / lowest))
    freqs.copy_(freqs / freqs.norm(dim=1, keepdim=True) * radius[:, None])
