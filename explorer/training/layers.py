"""The dense layer, activation and scaled convolution of the discriminator."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Linear", "lrelu"]


def lrelu(x: Tensor, gain: float = math.sqrt(2)) -> Tensor:
    """Apply a leaky ReLU of slope 0.2 with a gain that keeps the variance."""
    return F.leaky_relu(x, 0.2) * gain


class Linear(nn.Module):
    """Linear layer whose weights are scaled at run time (equalised learning rate)."""

    def __init__(self, inputs: int, outputs: int, *, active: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """Return `[N, inputs]` to `[N, outputs]`."""
        y = F.linear(x, self.weight / math.sqrt(self.weight.shape[1]), self.bias)
        return lrelu(y) if self.active else y
