"""Modulated convolutions in a form that is fast to differentiate: one shared weight for the whole batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["modulated", "modulated_1x1"]


def modulated(
    x: Tensor, weight: Tensor, styles: Tensor, *, padding: int, up: bool = False, demodulate: bool = True,
    gain: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Scale the inputs by `styles`, convolve with the shared weight, scale the outputs to the gain `gain`."""
    dtype = x.dtype
    x = x * styles.to(dtype)[:, :, None, None]
    if up:
        y = F.conv_transpose2d(x, weight.to(dtype).transpose(0, 1), stride=2)
    else:
        y = F.conv2d(x, weight.to(dtype), padding=padding)
    if not demodulate:
        return y
    scale = (styles.square() @ weight.square().sum(dim=(2, 3)).t() + 1e-8).rsqrt()
    if gain is not None:
        scale = scale * gain
    return y * scale.to(dtype)[:, :, None, None]


def modulated_1x1(x: Tensor, weight: Tensor, styles: Tensor, gain: Tensor) -> Tensor:
    """Apply a modulated 1x1 convolution with weights per picture, which are far fewer than the features."""
    weights = weight[None, :, :, 0, 0] * styles[:, None]  # [N, O, I]
    weights = weights * ((weights.square().sum(dim=2, keepdim=True) + 1e-8).rsqrt() * gain)
    y = torch.bmm(weights.to(x.dtype), x.flatten(2))
    return y.reshape(*y.shape[:2], *x.shape[2:])
