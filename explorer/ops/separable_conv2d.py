"""Convolutions whose demodulation does not depend on the style: MobileStyleGAN's, plain and depthwise separable.

The factor that gives each output channel unit gain is computed for one stored style, so for inference it is folded
into the weights once (`prepared_separable.py`); these are the readable, differentiable forms.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .modulated_conv2d import DEMODULATION_EPS
from .precision import check_dtype

__all__ = ["plain_conv2d", "plain_factor", "separable_conv2d", "separable_factor"]


def plain_factor(weight: Tensor, stored: Tensor | None) -> Tensor:
    """Return the factor `[O]` on a convolution's outputs: that of its size, and the demodulation.

    Args:
        weight: `[O, I, k, k]`.
        stored: `[I]`, the style to demodulate for; None for a convolution that is not demodulated.
    """
    scale = 1 / math.sqrt(weight[0].numel())
    if stored is None:
        return weight.new_full((weight.shape[0],), scale)
    energy = (scale * stored[None, :, None, None] * weight).square().sum(dim=[1, 2, 3])
    return scale * torch.rsqrt(energy + DEMODULATION_EPS)


def separable_factor(depthwise: Tensor, pointwise: Tensor, stored: Tensor) -> Tensor:
    """`plain_factor` of the product of `depthwise` `[I, 1, 3, 3]` and `pointwise` `[O, I, 1, 1]`."""
    scale = 1 / math.sqrt(depthwise.numel())
    energy = depthwise.square().sum(dim=[1, 2, 3]) * stored.square()  # [I]
    summed = pointwise.flatten(1).square() @ energy * scale**2
    return scale * torch.rsqrt(summed + DEMODULATION_EPS)


def plain_conv2d(x: Tensor, weight: Tensor, styles: Tensor, stored: Tensor | None = None) -> Tensor:
    """Scale `x` `[N, I, H, W]` by `styles` `[N, I]`, convolve it to `[N, O, H, W]`, and demodulate for `stored`."""
    check_dtype(x)
    x = x * styles.to(x.dtype)[:, :, None, None]
    x = F.conv2d(x, weight.to(x.dtype), padding=weight.shape[2] // 2)
    return x * plain_factor(weight, stored).to(x.dtype)[:, None, None]


def separable_conv2d(x: Tensor, depthwise: Tensor, pointwise: Tensor, styles: Tensor, stored: Tensor) -> Tensor:
    """`plain_conv2d` with a depthwise 3x3 and then a pointwise convolution, with nothing between them."""
    check_dtype(x)
    x = x * styles.to(x.dtype)[:, :, None, None]
    x = F.conv2d(x, depthwise.to(x.dtype), padding=1, groups=x.shape[1])
    x = F.conv2d(x, pointwise.to(x.dtype))
    return x * separable_factor(depthwise, pointwise, stored).to(x.dtype)[:, None, None]
