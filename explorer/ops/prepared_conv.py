"""Modulated convolutions prepared for inference: derived weights kept, passes fused, channels-last throughout.

These are the fast forms of `modulated_conv2d` followed by bias and activation. They give no gradients.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .bias_act import ACTIVATIONS, bias_act
from .modulated_conv2d import demodulation

__all__ = ["PreparedConv", "PreparedUpConv", "finish", "upsample_picture"]


class PreparedConv:
    """A modulated convolution at constant resolution: `y = gain * conv(x) + bias`; immutable.

    Args:
        weight: `[O, I, k, k]`, as the style modulates it.
        padding: Zeros on every side of the input.
        demodulate: Bring each output channel back to unit gain.
        bias: `[O]`, already multiplied by the gain.
        gain: Factor on the convolution.
        dtype: Of the features.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        padding: int,
        demodulate: bool,
        bias: Tensor,
        gain: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.padding, self.gain, self.dtype = padding, gain, dtype
        weight = weight.detach()
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.shared = self.weight.to(dtype)
        self.bias = bias.detach().to(dtype)
        self.energy = weight.square().sum(dim=[2, 3]) if demodulate else None

    def __call__(self, x: Tensor, styles: Tensor, input_gain: Tensor | None = None) -> Tensor:
        """`[N, O, H', W']` in channels-last order.

        Args:
            x: `[N, I, H, W]`, any layout.
            styles: `[N, I]` float32.
            input_gain: Scalar factor that demodulation does not cancel; None is 1.
        """
        d = None if self.energy is None else demodulation(self.energy, styles)  # [N, O]
        if input_gain is not None:
            styles = styles * input_gain
        x = x.contiguous(memory_format=torch.channels_last)
        o, i = self.weight.shape[:2]
        if x.shape[0] == 1 and self.weight.numel() < (i + o) * x.shape[2] * x.shape[3]:
            # One picture with more pixels than weights: scaling the weights moves less memory.
            scale = self.gain if d is None else (d * self.gain).reshape(o, 1, 1, 1)
            weight = self.weight * styles.reshape(1, i, 1, 1) * scale
            return F.conv2d(x, weight.to(self.dtype), self.bias, padding=self.padding)
        if d is None:
            styles = styles * self.gain
        x = x * styles.to(self.dtype)[:, :, None, None]
        if d is None:
            return F.conv2d(x, self.shared, self.bias, padding=self.padding)
        x = F.conv2d(x, self.shared, padding=self.padding)
        d = (d * self.gain).to(self.dtype)
        return torch.addcmul(self.bias[:, None, None], x, d[:, :, None, None])


class PreparedUpConv:
    """A modulated 3x3 convolution that doubles the resolution, StyleGAN2's `conv0`; immutable.

    A transposed convolution with the shared weight, then the 4x4 filter as a depthwise convolution that also
    carries demodulation, gain and bias.

    Args:
        weight: `[O, I, 3, 3]`.
        resample_filter: `[h, w]`.
        bias: `[O]`, already multiplied by the gain.
        gain: Factor on the convolution.
        dtype: Of the features.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        resample_filter: Tensor,
        bias: Tensor,
        gain: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.gain, self.dtype = gain, dtype
        weight = weight.detach()
        turned = weight.transpose(0, 1).contiguous(memory_format=torch.channels_last)  # [I, O, 3, 3]
        self.weight = turned.to(dtype)
        self.bias = bias.detach().to(dtype)
        self.energy = weight.square().sum(dim=[2, 3])
        fh, fw = resample_filter.shape
        self.filter = resample_filter.detach().flip([0, 1]).reshape(1, 1, fh, fw) * (4 * gain)
        # Padding of `conv2d_resample` for k = 3, padding 1 and up = 2, less what the transposed convolution adds.
        self.pads = ((fw + 1) // 2 - 1, (fw - 2) // 2, (fh + 1) // 2 - 1, (fh - 2) // 2)

    def __call__(self, x: Tensor, styles: Tensor) -> Tensor:
        """`[N, O, 2 H, 2 W]` in channels-last order from `x` `[N, I, H, W]` and `styles` `[N, I]` float32."""
        d = demodulation(self.energy, styles)  # [N, O]
        o = d.shape[1]
        x = x.contiguous(memory_format=torch.channels_last) * styles.to(self.dtype)[:, :, None, None]
        x = F.conv_transpose2d(x, self.weight, stride=2)
        left, right, top, bottom = self.pads
        if left != right or top != bottom:
            x, left, top = F.pad(x, self.pads), 0, 0
        if x.shape[0] == 1:
            kernel = (self.filter * d.reshape(o, 1, 1, 1)).to(self.dtype)
            return F.conv2d(x, kernel, self.bias, padding=(top, left), groups=o)
        kernel = self.filter.to(self.dtype).expand(o, -1, -1, -1)
        x = F.conv2d(x, kernel, padding=(top, left), groups=o)
        return torch.addcmul(self.bias[:, None, None], x, d.to(self.dtype)[:, :, None, None])


def finish(x: Tensor, noise: Tensor | None, act: str, gain: float, clamp: float | None) -> Tensor:
    """Noise, activation and clamp on the output of a prepared convolution, in place where possible.

    Args:
        x: Output of a prepared convolution; it is overwritten. If `act` is "linear", "relu" or "lrelu", the
            convolution's gain already holds `gain`.
        noise: Broadcastable to `x`, scaled like the convolution; None adds none.
        act: A name of `ACTIVATIONS`.
        gain: Of the activation.
        clamp: Absolute limit; None does not clamp.
    """
    if noise is not None:
        x = x.add_(noise)
    if act == "lrelu":
        x = F.leaky_relu_(x, ACTIVATIONS["lrelu"].alpha)
    elif act == "relu":
        x = x.relu_()
    elif act != "linear":
        return bias_act(x, act=act, gain=gain, clamp=clamp)
    return x if clamp is None else x.clamp_(-clamp, clamp)


def upsample_picture(img: Tensor, resample_filter: Tensor) -> Tensor:
    """`upsample2d(img, resample_filter)` for a filter of 4x4 taps, as one transposed convolution."""
    c = img.shape[1]
    kernel = (resample_filter * 4).expand(c, 1, -1, -1)
    return F.conv_transpose2d(img, kernel, stride=2, padding=1, groups=c)
