"""Schedules and per-iteration choices: functions of the training progress, so that a resumed run repeats them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.generators.style_maths import mix

__all__ = ["blur", "blur_sigma", "lazy_adam", "learning_rate", "mix_styles"]


def blur_sigma(start: float, fade_kimg: float, images_seen: int) -> float:
    """Return the width of the discriminator's blur, which falls linearly from `start` to 0 over `fade_kimg`."""
    if fade_kimg <= 0:
        return 0.0
    return max(1 - images_seen / (fade_kimg * 1000), 0.0) * start


def blur(pictures: Tensor, sigma: float) -> Tensor:
    """Blur with the separable kernel `2^-(k/sigma)^2` (base two, as published), zero-padded.

    Below a third of a pixel the pictures are returned unchanged.
    """
    reach = math.floor(sigma * 3)
    if reach <= 0:
        return pictures
    positions = torch.arange(-reach, reach + 1, device=pictures.device, dtype=torch.float32)
    kernel = torch.exp2(-((positions / sigma) ** 2))
    kernel = (kernel / kernel.sum()).to(pictures.dtype)
    channels = pictures.shape[1]
    row = kernel.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1)
    pictures = F.conv2d(pictures, row, padding=(0, reach), groups=channels)
    return F.conv2d(pictures, row.transpose(2, 3), padding=(reach, 0), groups=channels)


def learning_rate(base: float, half_kimg: float, images_seen: int) -> float:
    """Return `base` divided by 1 + kimg / `half_kimg`; 0 kimg keeps it constant."""
    return base if half_kimg <= 0 else base / (1 + images_seen / (half_kimg * 1000))


def lazy_adam(lr: float, interval: int, beta1: float = 0.0, beta2: float = 0.99) -> dict[str, object]:
    """Return Adam's settings when a regulariser runs every `interval` steps in the same optimiser (0: never)."""
    ratio = interval / (interval + 1) if interval > 0 else 1.0
    return {"lr": lr * ratio, "betas": (beta1**ratio, beta2**ratio), "eps": 1e-8}


def mix_styles(ws: Tensor, other: Tensor, probability: float) -> tuple[Tensor, bool]:
    """Take the entries after a random cutoff from `other` with `probability`; one cutoff for the batch."""
    count = ws.shape[1]
    cutoff = int(torch.randint(1, count, []))
    if float(torch.rand([])) >= probability:
        return ws, False
    return mix(ws, other, cutoff), True
