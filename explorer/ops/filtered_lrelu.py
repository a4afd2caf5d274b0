"""StyleGAN3's alias-free nonlinearity: upsample, leaky ReLU, downsample."""

from __future__ import annotations

import math

from torch import Tensor

from .bias_act import bias_act
from .upfirdn2d import Padding, upfirdn2d

__all__ = ["filtered_lrelu"]


def filtered_lrelu(
    x: Tensor,
    fu: Tensor | None = None,
    fd: Tensor | None = None,
    b: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    gain: float = math.sqrt(2),
    slope: float = 0.2,
    clamp: float | None = None,
    flip_filter: bool = False,
) -> Tensor:
    """Bias, upsampling, leaky ReLU with gain and clamp, downsampling.

    Args:
        x: `[N, C, H, W]`, any float dtype (no float16 on the CPU).
        fu: Upsampling filter `[taps]` or `[height, width]`; None is the impulse.
        fd: Downsampling filter, likewise.
        b: Bias `[C]` added before upsampling; None adds none.
        up: Upsampling factor.
        down: Downsampling factor.
        padding: In pixels of the upsampled picture, around the zero-stuffed input; negative crops.
        gain: Factor after the leaky ReLU.
        slope: Slope of its negative half.
        clamp: Absolute limit after the gain and before downsampling; None does not clamp.
        flip_filter: Correlate with the filters instead of convolving.

    Returns:
        `[N, C, H', W']`, differentiable to any order.
    """
    x = bias_act(x, b)
    x = upfirdn2d(x, fu, up=up, padding=padding, gain=up**2, flip_filter=flip_filter)
    x = bias_act(x, act="lrelu", alpha=slope, gain=gain, clamp=clamp)
    return upfirdn2d(x, fd, down=down, flip_filter=flip_filter)
