"""Modulated convolutions of StyleGAN2 and StyleGAN3, whose weights are scaled per sample by a style.

Scaling the weight's input channels by a style equals scaling the input's channels, and demodulation (restoring each
output channel to unit gain) equals scaling the output's. So one convolution with the shared weight is enough for
the whole batch: `fused=False`, the default. `fused=True` builds the weights of every sample, as in the papers, and
is the reference.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .conv2d_resample import conv2d_resample
from .precision import check_dtype
from .upfirdn2d import Padding, parse_padding

__all__ = ["DEMODULATION_EPS", "demodulation", "stylegan2_modulated_conv2d", "stylegan3_modulated_conv2d"]

DEMODULATION_EPS = 1e-8
"""Keeps the factor of an all-zero channel finite."""


def demodulation(weight_energy: Tensor, styles: Tensor) -> Tensor:
    """Return the factors `[N, O]` that give each modulated output channel unit gain.

    Args:
        weight_energy: `[O, I]`, the squared weights summed over their taps.
        styles: `[N, I]`.
    """
    return torch.rsqrt(styles.square() @ weight_energy.t() + DEMODULATION_EPS)


def stylegan2_modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    noise: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
    fused: bool = False,
) -> Tensor:
    """Apply StyleGAN2's modulated convolution, then add noise.

    Args:
        x: `[N, I, H, W]`.
        weight: `[O, I, k, k]`, shared by the batch.
        styles: `[N, I]`.
        noise: Broadcastable to the output, already scaled; None adds no noise.
        up: Upsampling factor.
        down: Downsampling factor.
        padding: As in `conv2d_resample`.
        resample_filter: Filter for `up` and `down`.
        demodulate: Restore each output channel to unit gain.
        flip_weight: As in `conv2d_resample`.
        fused: Build every sample's weights instead of scaling activations (the reference; slower).

    Returns:
        `[N, O, H', W']`, differentiable to any order.
    """
    check_dtype(x)
    if fused:
        w = weight[None] * styles[:, None, :, None, None]  # [N, O, I, k, k]
        if demodulate:
            w = w * torch.rsqrt(w.square().sum(dim=[2, 3, 4], keepdim=True) + DEMODULATION_EPS)
        n, o = w.shape[:2]
        x = conv2d_resample(
            x.reshape(1, -1, *x.shape[2:]),
            w.reshape(n * o, *w.shape[2:]).to(x.dtype),
            resample_filter,
            up=up,
            down=down,
            padding=padding,
            groups=n,
            flip_weight=flip_weight,
        )
        x = x.reshape(n, o, *x.shape[2:])
    else:
        x = x * styles.to(x.dtype)[:, :, None, None]
        x = conv2d_resample(
            x, weight.to(x.dtype), resample_filter, up=up, down=down, padding=padding, flip_weight=flip_weight
        )
        if demodulate:
            d = demodulation(weight.square().sum(dim=[2, 3]), styles)
            x = x * d.to(x.dtype)[:, :, None, None]
    return x if noise is None else x + noise.to(x.dtype)


def stylegan3_modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    demodulate: bool = True,
    padding: Padding = 0,
    input_gain: Tensor | None = None,
    fused: bool = False,
) -> Tensor:
    """Apply StyleGAN3's modulated convolution: pre-normalised weights and styles, a gain that demodulation ignores.

    Args:
        x: `[N, I, H, W]`.
        weight: `[O, I, k, k]`, shared by the batch.
        styles: `[N, I]`.
        demodulate: Normalise weights and styles, and restore each output channel to unit gain.
        padding: Zeros around `x`, as in `parse_padding`, except that `[a, b]` are rows and columns like torch's.
        input_gain: Scalar, `[I]` or `[N, I]`, applied after demodulation; None is 1.
        fused: Build every sample's weights instead of scaling activations (the reference; slower).

    Returns:
        `[N, O, H + pads - k + 1, W + pads - k + 1]`, differentiable to any order.
    """
    check_dtype(x)
    n, i = styles.shape
    if demodulate:
        weight = weight * weight.square().mean(dim=[1, 2, 3], keepdim=True).rsqrt()
        # The mean is over the whole batch; demodulation cancels it up to its epsilon.
        styles = styles * styles.square().mean().rsqrt()
    if input_gain is None:
        input_gain = torch.ones([], device=x.device)
    gain = input_gain.reshape(-1, input_gain.shape[-1] if input_gain.ndim else 1).expand(n, i)
    pad = _rows_and_columns(padding)
    if fused:
        w = weight[None] * styles[:, None, :, None, None]  # [N, O, I, k, k]
        if demodulate:
            w = w * torch.rsqrt(w.square().sum(dim=[2, 3, 4], keepdim=True) + DEMODULATION_EPS)
        w = w * gain[:, None, :, None, None]
        out = F.conv2d(x.reshape(1, -1, *x.shape[2:]), w.flatten(0, 1).to(x.dtype), padding=pad, groups=n)
        return out.reshape(n, -1, *out.shape[2:])
    x = x * (styles * gain).to(x.dtype)[:, :, None, None]
    x = F.conv2d(x, weight.to(x.dtype), padding=pad)
    if demodulate:
        d = demodulation(weight.square().sum(dim=[2, 3]), styles)
        x = x * d.to(x.dtype)[:, :, None, None]
    return x


def _rows_and_columns(padding: Padding) -> tuple[int, int]:
    if isinstance(padding, int):
        return padding, padding
    if len(padding) == 2:
        return int(padding[0]), int(padding[1])
    left, right, top, bottom = parse_padding(padding)
    if left != right or top != bottom:
        raise ValueError(f"padding must be symmetric here, got {padding}")
    return top, left
