"""MobileStyleGAN's layers: convolutions with a fixed demodulation, inverse Haar transforms, and wavelet heads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from explorer.ops import backend
from explorer.ops.bias_act import bias_act
from explorer.ops.haar import inverse_haar
from explorer.ops.prepared_conv import PreparedConv
from explorer.ops.prepared_separable import PreparedHead, PreparedSeparableConv, inverse_haar_of
from explorer.ops.separable_conv2d import plain_conv2d, plain_factor, separable_conv2d, separable_factor

from .base import Activation, LayerInfo, NoiseSpec, SynthesisLayer
from .mapping import FullyConnectedLayer
from .noise import noise_of

if TYPE_CHECKING:
    from explorer.ops.prepared_styles import PreparedStyles

__all__ = ["MobileConv", "StyledLayer", "WaveletHead", "WaveletUp"]

_SLOPE = 0.2


class _Affine(FullyConnectedLayer):
    """The map from `w` to styles, without equalised learning rate; initialised as torch's linear layers are."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__(w_dim, channels, weight_init=1 / math.sqrt(3 * w_dim), bias_init=1)
        self.weight_gain = 1.0


class StyledLayer(SynthesisLayer):
    """A layer whose styles are factors of the channels of its input."""

    def __init__(self, info: LayerInfo, w_dim: int) -> None:
        super().__init__()
        self.info = info
        self._styles: backend.CachedDerived[PreparedStyles] = backend.CachedDerived()
        self.affine = _Affine(w_dim, info.style_dim)

    def style(self, w: Tensor) -> Tensor:
        return self.affine.style(w, self._styles)


class MobileConv(StyledLayer):
    """3x3 convolution, noise, bias and leaky ReLU; depthwise and then pointwise, or plain (the first layer).

    `style_inv` `[I]` is the style that outputs are demodulated for; it belongs to the weights and is not trained.
    """

    noise_const: Tensor
    style_inv: Tensor

    def __init__(self, info: LayerInfo, w_dim: int, *, is_separable: bool) -> None:
        super().__init__(info, w_dim)
        i, o = info.style_dim, info.channels
        self.is_separable = is_separable
        self._conv: backend.CachedDerived[PreparedConv | PreparedSeparableConv] = backend.CachedDerived()
        self._scaled_noise: backend.CachedDerived[Tensor] = backend.CachedDerived()
        if is_separable:
            self.depthwise = nn.Parameter(torch.randn(i, 1, 3, 3))
        kernel = 1 if is_separable else 3
        self.weight = nn.Parameter(torch.randn(o, i, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(o))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("style_inv", torch.randn(i))
        self.register_buffer("noise_const", torch.randn(info.height, info.width))

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        return noise_of(self.info, self.noise_const, spec, batch)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = backend.features(activation.x)
        return Activation(self._infer(x, style, noise) if backend.is_inference() else self._train(x, style, noise))

    def _train(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Run the layer with operators that are differentiable to any order."""
        if self.is_separable:
            x = separable_conv2d(x, self.depthwise, self.weight, style, self.style_inv)
        else:
            x = plain_conv2d(x, self.weight, style, self.style_inv)
        if noise is not None:
            x = x + (noise * self.noise_strength).to(x.dtype)
        return bias_act(x, self.bias, act="lrelu", alpha=_SLOPE, gain=1.0)

    def _infer(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Run the layer without gradients, with the demodulation in the weights."""
        own = (self.weight, self.bias, self.style_inv)
        sources = (self.depthwise, *own) if self.is_separable else own
        conv = self._conv.get(sources, x.dtype, lambda: self._prepare(x.dtype))
        scaled = self._scaled(noise)
        if isinstance(conv, PreparedConv):
            return conv.with_epilogue(x, style, scaled, "lrelu", 1.0, None)
        return conv(x, style, scaled)

    def _prepare(self, dtype: torch.dtype) -> PreparedConv | PreparedSeparableConv:
        if not self.is_separable:
            weight = self.weight * plain_factor(self.weight, self.style_inv)[:, None, None, None]
            return PreparedConv(weight, padding=1, demodulate=False, bias=self.bias, dtype=dtype)
        factor = separable_factor(self.depthwise, self.weight, self.style_inv)
        return PreparedSeparableConv(self.depthwise, self.weight * factor[:, None, None, None], self.bias, dtype)

    def _scaled(self, noise: Tensor | None) -> Tensor | None:
        """Return the noise scaled for addition; it is cached for the constant noise."""
        if noise is None:
            return None
        if noise.data_ptr() != self.noise_const.data_ptr():
            return noise * self.noise_strength
        sources = (self.noise_const, self.noise_strength)
        return self._scaled_noise.get(sources, None, lambda: noise * self.noise_strength)


class WaveletUp(StyledLayer):
    """Doubles the size by an inverse Haar transform, which takes four channels for one."""

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = backend.features(activation.x)
        if backend.is_inference():
            return Activation(inverse_haar_of(x, style))
        return Activation(inverse_haar(x * style.to(x.dtype)[:, :, None, None]))


class WaveletHead(StyledLayer):
    """1x1 modulated convolution to the Haar coefficients of a picture of twice the size.

    The last head makes the picture. Those of smaller blocks are for training and for looking at: they only pass on
    their styles, and `Generator.preview` makes the picture that nobody else needs.
    """

    def __init__(self, info: LayerInfo, w_dim: int, *, is_last: bool) -> None:
        super().__init__(info, w_dim)
        self.is_last = is_last
        self._head: backend.CachedDerived[PreparedHead] = backend.CachedDerived()
        self.weight = nn.Parameter(torch.randn(4 * info.channels, info.style_dim, 1, 1))
        self.bias = nn.Parameter(torch.zeros(4 * info.channels))

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        if self.is_last:
            return Activation(activation.x, self.picture(activation.x, style))
        return Activation(activation.x, extras=(style,))

    def coefficients(self, x: Tensor, style: Tensor) -> Tensor:
        """Return the Haar coefficients of the picture, `[N, 4 colours, H, W]` float32, differentiable."""
        x = plain_conv2d(backend.features(x), self.weight, style)
        return bias_act(x, self.bias.to(x.dtype)).to(torch.float32)

    def picture(self, x: Tensor, style: Tensor) -> Tensor:
        """Return the picture `[N, colours, 2 H, 2 W]` float32 of features `x` `[N, C, H, W]`."""
        if not backend.is_inference():
            return inverse_haar(self.coefficients(x, style))
        x = backend.features(x)
        head = self._head.get((self.weight, self.bias), x.dtype, lambda: self._prepare(x.dtype))
        return head(x, style)

    def _prepare(self, dtype: torch.dtype) -> PreparedHead:
        weight = self.weight * plain_factor(self.weight, None)[:, None, None, None]
        return PreparedHead(weight, self.bias, dtype)
