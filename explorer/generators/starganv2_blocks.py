"""The residual blocks of StarGAN v2: plain, and with adaptive instance normalisation (AdaIN)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.ops.adain import adain

if TYPE_CHECKING:
    from .starganv2_config import BlockSpec

__all__ = ["SLOPE", "AdaptiveBlock", "AffineNorm", "ResidualBlock", "conv", "high_pass"]

SLOPE = 0.2
"""Of every leaky ReLU."""

EPS = 1e-5
"""Of every instance normalisation."""


def conv(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """Run a convolution in the dtype of the features."""
    bias = None if layer.bias is None else layer.bias.to(x.dtype)
    return F.conv2d(x, layer.weight.to(x.dtype), bias, padding=layer.padding)


def high_pass(x: Tensor, divisor: float) -> Tensor:
    """Return the difference of each value to its eight neighbours, zero outside, divided by `divisor`."""
    kernel = torch.full((3, 3), -1.0, device=x.device, dtype=x.dtype)
    kernel[1, 1] = 8.0
    kernel = (kernel / divisor).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


class AffineNorm(nn.Module):
    """Instance normalisation with a learned scale and shift."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[0], -1)
        return adain(x, self.weight.expand(size), self.bias.expand(size), EPS)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; halves the size if its spec says so."""

    def __init__(self, spec: BlockSpec, *, normalize: bool) -> None:
        super().__init__()
        self.halves = spec.scale < 1
        self.conv1 = nn.Conv2d(spec.inputs, spec.inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(spec.inputs, spec.outputs, 3, padding=1)
        if normalize:
            self.norm1, self.norm2 = AffineNorm(spec.inputs), AffineNorm(spec.inputs)
        self.normalizes = normalize
        if spec.inputs != spec.outputs:
            self.conv1x1 = nn.Conv2d(spec.inputs, spec.outputs, 1, bias=False)
        self.is_wider = spec.inputs != spec.outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map features `[N, inputs, H, W]` to `[N, outputs, H', W']`."""
        shortcut = conv(x, self.conv1x1) if self.is_wider else x
        if self.halves:
            shortcut = F.avg_pool2d(shortcut, 2)
        y = conv(_leaky(self.norm1(x) if self.normalizes else x), self.conv1)
        if self.halves:
            y = F.avg_pool2d(y, 2)
        y = conv(_leaky(self.norm2(y) if self.normalizes else y), self.conv2)
        return (shortcut + y) * math.sqrt(0.5)


class _StyledNorm(nn.Module):
    """The affine map from a style to scale and shift of AdaIN; it does not run it."""

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style_dim, 2 * channels)


class AdaptiveBlock(nn.Module):
    """Two 3x3 convolutions, each after AdaIN; doubles the size if its spec says so.

    Networks with a high-pass skip have no shortcut here. Its unused 1x1 convolution is in their files nevertheless.
    """

    def __init__(self, spec: BlockSpec, style_dim: int, *, has_shortcut: bool) -> None:
        super().__init__()
        self.doubles, self.has_shortcut = spec.scale > 1, has_shortcut
        self.split = [spec.inputs, spec.inputs, spec.outputs, spec.outputs]
        self.conv1 = nn.Conv2d(spec.inputs, spec.outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(spec.outputs, spec.outputs, 3, padding=1)
        self.norm1, self.norm2 = _StyledNorm(style_dim, spec.inputs), _StyledNorm(style_dim, spec.outputs)
        if spec.inputs != spec.outputs:
            self.conv1x1 = nn.Conv2d(spec.inputs, spec.outputs, 1, bias=False)
        self.is_narrower = spec.inputs != spec.outputs

    def style(self, w: Tensor) -> Tensor:
        """Return scale and shift of both normalisations one after the other, `[N, 2 * (inputs + outputs)]`."""
        return torch.cat([self.norm1.fc(w), self.norm2.fc(w)], dim=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map features `[N, inputs, H, W]` and styles from `style` to `[N, outputs, H', W']`."""
        scale1, shift1, scale2, shift2 = torch.split(style, self.split, dim=1)
        y = _leaky(adain(x, 1 + scale1, shift1, EPS))
        y = conv(self._up(y), self.conv1)
        y = conv(_leaky(adain(y, 1 + scale2, shift2, EPS)), self.conv2)
        if not self.has_shortcut:
            return y
        shortcut = conv(x, self.conv1x1) if self.is_narrower else x  # before the upsampling: the same, and quicker
        return (y + self._up(shortcut)) * math.sqrt(0.5)

    def _up(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.doubles else x
