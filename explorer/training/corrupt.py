"""The corrupting augmentations: scaled octaves, noise, and a cut-out square.

Karras et al. 2020 (ADA), appendix B. Off by default: they help little and may leak into the generated pictures.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.training.warp import SYM2

__all__ = ["bands", "cut_out", "filter_octaves", "noisy"]

_POWER = np.array([10.0, 1.0, 1.0, 1.0]) / 13  # expected power of natural pictures in the four bands, lowest first


@functools.cache
def bands() -> Tensor:
    """Return four zero-phase band filters `[4, 43]` that sum to the identity: up to 1/8, 1/4, 1/2, 1 of Nyquist."""

    def low(step: int) -> np.ndarray:
        half = np.convolve(SYM2, SYM2[::-1]) / 2
        spread = np.zeros((half.size - 1) * step + 1)
        spread[::step] = half
        return spread

    def without(taps: np.ndarray) -> np.ndarray:
        rest = -taps
        rest[taps.size // 2] += 1
        return rest

    one, two, four = low(1), low(2), low(4)
    both = np.convolve(one, two)
    third = np.convolve(one, without(two))
    found = [np.convolve(both, four), np.convolve(both, without(four)), third, without(one)]
    length = max(taps.size for taps in found)
    return torch.from_numpy(np.stack([np.pad(taps, (length - taps.size) // 2) for taps in found])).float()


def filter_octaves(pictures: Tensor, probability: float) -> Tensor:
    """Scale each band of each picture by a random factor; the expected power is unchanged."""
    count, channels, side = pictures.shape[:3]
    device = pictures.device
    gains = torch.ones(count, 4, device=device)
    power = torch.from_numpy(_POWER).float().to(device)
    for band in range(4):
        use = torch.rand(count, device=device) < probability
        factor = torch.ones(count, 4, device=device)
        factor[:, band] = torch.where(use, torch.exp2(torch.randn(count, device=device)), factor[:, band])
        gains = gains * factor / (power * factor.square()).sum(1, keepdim=True).sqrt()
    taps = (gains @ bands().to(device)).repeat_interleave(channels, 0)[:, None]
    reach = taps.shape[-1] // 2
    edge = min(reach, side - 1)
    x = pictures.reshape(1, count * channels, side, side)
    x = F.pad(F.pad(x, (edge,) * 4, mode="reflect"), (reach - edge,) * 4)
    x = F.conv2d(x, taps[:, :, None, :], groups=count * channels)
    x = F.conv2d(x, taps[:, :, :, None], groups=count * channels)
    return x.reshape(pictures.shape)


def noisy(pictures: Tensor, probability: float, spread: float = 0.1) -> Tensor:
    """Add white noise of random strength to each picture."""
    count = pictures.shape[0]
    strength = torch.randn(count, device=pictures.device).abs() * spread
    strength = torch.where(torch.rand(count, device=pictures.device) < probability, strength, 0.0)
    return pictures + torch.randn_like(pictures) * strength[:, None, None, None]


def cut_out(pictures: Tensor, probability: float, size: float = 0.5) -> Tensor:
    """Set a square at a random position to zero; `size` is its side as a fraction of the picture's."""
    count, device = pictures.shape[0], pictures.device
    centre = torch.rand(count, 2, device=device)
    width = torch.where(torch.rand(count, device=device) < probability, size, 0.0)
    positions = (torch.arange(pictures.shape[-1], device=device) + 0.5) / pictures.shape[-1]
    inside = (positions - centre[..., None]).abs() < width[:, None, None] / 2
    hole = inside[:, 1, :, None] & inside[:, 0, None, :]
    return pictures * ~hole[:, None]
