"""A loss on local texture, for pictures whose texture the latent does not determine, such as strands of fur.

Compared are local second-order statistics (variance and autocorrelation at small lags), which describe the
contrast, grain and direction of a texture without its phase; Portilla and Simoncelli (2000, "A parametric texture
model based on joint statistics of complex wavelet coefficients") use such statistics of subbands. So a generator
can draw its own strands, from noise, where a difference of pixels would make it draw none. A discriminator teaches
the same, but its step costs several times as much, and it has to be trained itself first.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["determined", "texture_loss"]

_LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (1, 2), (2, 1), (1, -2), (2, -1), (0, 3), (3, 0))
_WINDOW = 16  # pixels per side over which statistics are averaged; smaller windows favour too little contrast
_TINY = 1e-5  # variance at which the standard deviation's slope ends
_FLOOR = 0.02  # standard deviation below which covariances count no more


def texture_loss(fake: Tensor, real: Tensor, levels: int = 2) -> Tensor:
    """Return the distance `[N]` of the local statistics of pictures `[N, C, H, W]` at `levels` octaves.

    Octaves of less than 16 pixels per side are left out. An octave adds the mean absolute difference of local
    standard deviations, and three times that of local covariances, relative to the standard deviation of `real`.
    """
    total = torch.zeros(fake.shape[0], device=fake.device)
    for level in range(levels):
        if level:
            fake, real = F.avg_pool2d(fake, 2), F.avg_pool2d(real, 2)
        if min(real.shape[2:]) < _WINDOW:
            break
        a, b = _statistics(fake), _statistics(real)
        deviation = (b[:, 0] + _TINY).sqrt()
        total = total + ((a[:, 0] + _TINY).sqrt() - deviation).abs().mean(dim=(1, 2, 3))
        relative = (a[:, 1:] - b[:, 1:]) / (deviation + _FLOOR)[:, None]
        total = total + 3 * relative.abs().mean(dim=(1, 2, 3, 4))
    return total


def determined(picture: Tensor) -> Tensor:
    """Return weights `[N, 1, H, W]` in 0..1: near 1 where a picture is smooth and on outlines, near 0 in texture.

    Outlines are told from texture by the slope that is left after blurring. In texture, the difference of single
    pixels means nothing if the latent does not determine it.
    """
    variance = F.avg_pool2d(_high_pass(picture).square().mean(1, keepdim=True), 5, 1, 2, count_include_pad=False)
    smooth = (1 + (variance + _TINY).sqrt() / 0.04) ** -2
    blurred = F.avg_pool2d(F.pad(picture, (3, 3, 3, 3), mode="replicate"), 5, 1)  # [N, C, H + 2, W + 2]
    right = (blurred[..., 1:-1, 2:] - blurred[..., 1:-1, :-2]) / 2
    down = (blurred[..., 2:, 1:-1] - blurred[..., :-2, 1:-1]) / 2
    slope = (right.square() + down.square()).sum(1, keepdim=True)
    steep = (slope / 0.04).square()
    return torch.maximum(smooth, steep / (1 + steep))


def _high_pass(picture: Tensor) -> Tensor:
    return picture - F.avg_pool2d(picture, 5, 1, 2, count_include_pad=False)


def _statistics(picture: Tensor) -> Tensor:
    """Return local statistics `[N, K, C, h, w]`: variance, covariances at all lags and with another channel."""
    x = _high_pass(picture)
    height, width = x.shape[2:]
    products = [x * x, x * x.roll(1, 1)]
    for down, right in _LAGS:
        left, far = max(-right, 0), max(right, 0)
        here = x[:, :, : height - down, left : width - far]
        there = x[:, :, down:, far : width - left]
        products.append(F.pad(here * there, (left, far, 0, down)))
    stacked = torch.stack(products, 1)
    pooled = F.avg_pool2d(stacked.flatten(0, 1), _WINDOW, _WINDOW // 2)
    return pooled.reshape(*stacked.shape[:3], *pooled.shape[2:])
