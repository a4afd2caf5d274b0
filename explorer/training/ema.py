"""The exponential moving average of generator weights, with ramp-up; buffers are copied."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["decay", "update"]


def decay(batch: int, ema_kimg: float, images_seen: int, ramp: float | None = 0.05) -> float:
    """Return the factor on the old average after one batch, for a half-life of `ema_kimg` thousand pictures.

    Early in training the half-life is at most the fraction `ramp` of `images_seen`.
    """
    half_life = ema_kimg * 1000
    if ramp is not None:
        half_life = min(half_life, images_seen * ramp)
    return float(0.5 ** (batch / max(half_life, 1e-8)))


@torch.no_grad()
def update(average: nn.Module, model: nn.Module, beta: float) -> None:
    """Move every parameter of `average` towards `model`; copy buffers."""
    for mean, parameter in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(parameter, 1 - beta)
    for old, new in zip(average.buffers(), model.buffers(), strict=True):
        old.copy_(new)
