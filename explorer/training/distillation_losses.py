"""The losses between a student's wavelets and a teacher's pictures (Belousov 2021, "MobileStyleGAN")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.haar import haar, inverse_haar

__all__ = ["pixel_losses", "psnr"]


def pixel_losses(coefficients: Sequence[Tensor], real: Tensor) -> tuple[Tensor, Tensor]:
    """Return the absolute and the squared differences, summed over scales, of pictures and of wavelets.

    Args:
        coefficients: The student's Haar coefficients `[N, 12, s, s]` of each scale; the last ones make its picture.
        real: The teacher's pictures `[N, 3, R, R]`; smaller scales are compared with them resampled bilinearly,
            corners aligned, as published.
    """
    absolute = squared = torch.zeros([], device=real.device)
    for found in coefficients:
        size = 2 * found.shape[-1]
        wanted = real
        if size != real.shape[-1]:
            wanted = F.interpolate(real, (size, size), mode="bilinear", align_corners=True)
        for own, other in ((inverse_haar(found), wanted), (found, haar(wanted))):
            absolute = absolute + F.l1_loss(own, other)
            squared = squared + F.mse_loss(own, other)
    return absolute, squared


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of pictures in -1..1, in dB, over all of them together."""
    error = (a.clamp(-1, 1) - b.clamp(-1, 1)).square().mean()
    return 10 * torch.log10(4 / error.clamp(min=1e-12))
