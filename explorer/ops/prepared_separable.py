"""Depthwise separable convolutions and wavelet heads prepared for inference; their demodulation is in the weights.

On a CPU one native pass does a whole layer: a strip of pixels is filtered channel by channel into the processor's
cache, multiplied with the pointwise weights, and gets noise, bias and activation before it is stored. In bfloat16
on AMX the product is its own pass (`native.Kernels.modulated_conv`), which is faster there.
"""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from . import backend, native
from .conv_weights import Kernel
from .haar import inverse_haar
from .native import PackedPanels, PackedWeight, pack_weight
from .prepared_conv import DeferredConv, apply_epilogue

__all__ = ["PreparedHead", "PreparedSeparableConv", "inverse_haar_of"]

_SLOPE = 0.2


class PreparedSeparableConv:
    """`leaky_relu(pointwise(depthwise(x * styles)) + noise + bias)`; immutable.

    Args:
        depthwise: `[I, 1, 3, 3]`.
        pointwise: `[O, I, 1, 1]`, with the demodulation.
        bias: `[O]`.
        dtype: Dtype of the features.
    """

    def __init__(self, depthwise: Tensor, pointwise: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.depthwise = depthwise.detach().float().contiguous()
        self.pointwise = pointwise.detach().float()
        self.bias = bias.detach().float().contiguous()

    @cached_property
    def shared(self) -> Kernel:
        """The pointwise weights as a convolution of torch."""
        weight = self.pointwise.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return Kernel(weight, (0, 0))

    @cached_property
    def taps(self) -> Tensor:
        """The depthwise weights, `[9, I]`."""
        return self.depthwise.flatten(1).t().contiguous()

    @cached_property
    def panels(self) -> PackedPanels:
        """The pointwise weights packed for `native.Kernels.separable_conv`."""
        kernels = native.kernels()
        assert kernels is not None
        return kernels.pack_panels(self.pointwise.flatten(1))

    @cached_property
    def packed(self) -> PackedWeight:
        """The pointwise weights packed for `native.Kernels.modulated_conv`."""
        return pack_weight(self.pointwise)

    def __call__(self, x: Tensor, styles: Tensor, noise: Tensor | None) -> Tensor:
        """Return `[N, O, H, W]`, channels-last.

        Args:
            x: `[N, I, H, W]` of the prepared dtype.
            styles: `[N, I]` float32.
            noise: `[1 or N, 1, H, W]`, scaled, or None.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        noise = None if noise is None else noise.float().contiguous()
        kernels = backend.native_for(x)
        if kernels is not None and backend.amx_for(x) is None:
            return kernels.separable_conv(
                x, styles.contiguous(), self.taps, self.panels, bias=self.bias, noise=noise, slope=_SLOPE
            )
        x = self._filtered(x, styles)
        if kernels is not None:
            return kernels.modulated_conv(
                x, torch.ones_like(styles), self.packed, padding=0, scale=None, bias=self.bias, noise=noise,
                slope=_SLOPE, clamp=None,
            )  # fmt: skip
        return apply_epilogue(DeferredConv(self.shared(x), None, self.bias), noise, "lrelu", 1.0, None)

    def _filtered(self, x: Tensor, styles: Tensor) -> Tensor:
        """Return the depthwise convolution of `x * styles`."""
        kernels = backend.native_for(x)
        if kernels is not None:
            return kernels.depthwise_conv(x, styles.contiguous(), self.taps)
        taps, i = self.depthwise, x.shape[1]
        if x.shape[0] == 1:  # scaling nine numbers a channel is less than scaling the channel
            taps = taps * styles.reshape(i, 1, 1, 1)
        else:
            x = x * styles.to(x.dtype)[:, :, None, None]
        taps = taps.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, taps, padding=1, groups=i).contiguous(memory_format=torch.channels_last)


class PreparedHead:
    """The inverse Haar transform of `weight (x * styles) + bias`: a wavelet head's picture; immutable.

    Args:
        weight: `[4 K, C, 1, 1]` for K colours, with its gain.
        bias: `[4 K]`.
        dtype: Dtype of the features.
    """

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.weight = weight.detach().float().flatten(1).contiguous()
        self.bias = bias.detach().float().contiguous()

    def __call__(self, x: Tensor, styles: Tensor) -> Tensor:
        """Return the picture `[N, K, 2 H, 2 W]` float32 of `x` `[N, C, H, W]` and `styles` `[N, C]` float32."""
        x = x.contiguous(memory_format=torch.channels_last)
        kernels = backend.native_for(x)
        if kernels is not None:
            return kernels.haar_head(x, styles.contiguous(), self.weight, self.bias)
        if x.shape[0] == 1:
            weight = (self.weight * styles)[:, :, None, None].to(self.dtype)
        else:
            weight = self.weight[:, :, None, None].to(self.dtype)
            x = x * styles.to(x.dtype)[:, :, None, None]
        bands = F.conv2d(x, weight).float() + self.bias[:, None, None]
        return inverse_haar(bands.contiguous())


def inverse_haar_of(x: Tensor, styles: Tensor) -> Tensor:
    """Return `inverse_haar` of `x * styles`, for `x` `[N, 4 C, H, W]` and `styles` `[N, 4 C]`, channels-last."""
    x = x.contiguous(memory_format=torch.channels_last)
    kernels = backend.native_for(x)
    if kernels is not None:
        return kernels.inverse_haar(x, styles.contiguous())
    return inverse_haar(x * styles.to(x.dtype)[:, :, None, None])
