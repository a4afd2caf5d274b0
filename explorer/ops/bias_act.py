"""Bias, activation, gain and clamp: the epilogue of nearly every layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import check_dtype

__all__ = ["ACTIVATIONS", "ActivationSpec", "bias_act"]


@dataclass(frozen=True, slots=True)
class ActivationSpec:
    """An activation function and its default parameters.

    `function` takes the tensor and alpha (which most ignore); `gain` keeps the variance of the output near that of
    the input.
    """

    function: Callable[[Tensor, float], Tensor]
    alpha: float = 0.0
    gain: float = 1.0


ACTIVATIONS: dict[str, ActivationSpec] = {
    "linear": ActivationSpec(lambda x, _: x),
    "relu": ActivationSpec(lambda x, _: F.relu(x), gain=math.sqrt(2)),
    "lrelu": ActivationSpec(lambda x, alpha: F.leaky_relu(x, alpha), alpha=0.2, gain=math.sqrt(2)),
    "tanh": ActivationSpec(lambda x, _: torch.tanh(x)),
    "sigmoid": ActivationSpec(lambda x, _: torch.sigmoid(x)),
    "elu": ActivationSpec(lambda x, _: F.elu(x)),
    "selu": ActivationSpec(lambda x, _: F.selu(x)),
    "softplus": ActivationSpec(lambda x, _: F.softplus(x)),
    "swish": ActivationSpec(lambda x, _: x * torch.sigmoid(x), gain=math.sqrt(2)),
}


def bias_act(
    x: Tensor,
    b: Tensor | None = None,
    dim: int = 1,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
) -> Tensor:
    """Return `clamp(gain * act(x + b), -clamp, clamp)`.

    Args:
        x: Any shape, any float dtype (no float16 on the CPU).
        b: `[x.shape[dim]]`, or None for no bias.
        dim: The axis of `x` that `b` runs along.
        act: A name in `ACTIVATIONS`.
        alpha: Negative slope of `lrelu`; None: the activation's default.
        gain: Factor after the activation; None: the activation's default (sqrt(2) for `lrelu`).
        clamp: Absolute limit applied after the gain; None does not clamp.

    Returns:
        A tensor of the shape and dtype of `x`, differentiable to any order.

    Raises:
        TypeError: For float16 on the CPU.
        ValueError: For an unknown activation or a negative clamp.
    """
    check_dtype(x)
    spec = ACTIVATIONS.get(act)
    if spec is None:
        raise ValueError(f"unknown activation {act!r}; known are {', '.join(ACTIVATIONS)}")
    if clamp is not None and clamp < 0:
        raise ValueError(f"clamp must not be negative, got {clamp}")
    if b is not None:
        shape = [1] * x.ndim
        shape[dim] = -1
        x = x + b.to(x.dtype).reshape(shape)
    x = spec.function(x, spec.alpha if alpha is None else alpha)
    gain = spec.gain if gain is None else gain
    if gain != 1:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)
