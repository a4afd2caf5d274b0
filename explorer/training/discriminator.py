"""The residual discriminator of StyleGAN2 with minibatch standard deviation, published parameter names."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.training.layers import Linear, lrelu
from explorer.training.resample import FIR4, axis_matrix, resample

__all__ = ["Discriminator", "minibatch_stddev"]


def minibatch_stddev(x: Tensor, group: int = 4) -> Tensor:
    """Append one channel: the standard deviation within strided groups of the batch, averaged over everything."""
    count, channels, height, width = x.shape
    size = math.gcd(group, count)
    y = x.float().reshape(size, count // size, channels, height, width)
    y = (y - y.mean(0)).square().mean(0)
    spread = (y + 1e-8).sqrt().mean(dim=(1, 2, 3))
    plane = spread.reshape(-1, 1, 1, 1).repeat(size, 1, height, width)
    return torch.cat([x, plane.to(x.dtype)], dim=1)


class _Conv(nn.Module):
    """Convolution with equalised learning rate; `down` filters, then decimates."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, size: int = 0, down: bool = False, bias: bool = True,
        active: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = 1 / math.sqrt(inputs * kernel * kernel)
        self.kernel, self.down, self.active = kernel, down, active
        self.register_buffer("resample_filter", torch.from_numpy(np.outer(FIR4, FIR4)).float())
        matrix = torch.zeros(0)
        if down and kernel == 3:
            matrix = axis_matrix(size, FIR4, pad=(2, 2))
        elif down:
            matrix = axis_matrix(size, FIR4, down=2, pad=(1, 1))
        self.matrix: Tensor
        self.register_buffer("matrix", matrix, persistent=False)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        weight = (self.weight * self.scale).to(x.dtype)
        if self.down:
            x = resample(x, self.matrix.to(x.dtype))
        stride = 2 if self.down and self.kernel == 3 else 1
        padding = 0 if self.down else self.kernel // 2
        x = F.conv2d(
            x, weight, None if self.bias is None else self.bias.to(x.dtype), stride=stride, padding=padding
        )
        return lrelu(x, math.sqrt(2) * gain) if self.active else x * gain


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, size: int, first: bool) -> None:
        super().__init__()
        self.register_buffer("resample_filter", torch.from_numpy(np.outer(FIR4, FIR4)).float())
        if first:
            self.fromrgb = _Conv(3, inputs, 1)
        self.first = first
        self.conv0 = _Conv(inputs, inputs, 3)
        self.conv1 = _Conv(inputs, outputs, 3, size=size, down=True)
        self.skip = _Conv(inputs, outputs, 1, size=size, down=True, bias=False, active=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.first:
            x = self.fromrgb(x)
        gain = math.sqrt(0.5)
        result: Tensor = self.skip(x, gain) + self.conv1(self.conv0(x), gain)
        return result


class _Epilogue(nn.Module):
    def __init__(self, channels: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.conv = _Conv(channels + 1, channels, 3)
        self.fc = Linear(channels * 16, channels, active=True)
        self.out = Linear(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(minibatch_stddev(x, self.group)).float()
        logits: Tensor = self.out(self.fc(x.flatten(1)))
        return logits


class Discriminator(nn.Module):
    """Pictures `[N, 3, R, R]` in -1..1 to logits `[N, 1]`."""

    def __init__(self, resolution: int, channel_base: int, channel_max: int, group: int = 4) -> None:
        super().__init__()

        def channels(size: int) -> int:
            return min(channel_base // size, channel_max)

        self.sizes = [2**k for k in range(int(math.log2(resolution)), 2, -1)]
        for size in self.sizes:
            setattr(self, f"b{size}", _Block(channels(size), channels(size // 2), size, size == resolution))
        self.b4 = _Epilogue(channels(4), group)

    def forward(self, picture: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return logits, float32."""
        x = picture.to(dtype)
        for size in self.sizes:
            x = getattr(self, f"b{size}")(x)
        logits: Tensor = self.b4(x)
        return logits
