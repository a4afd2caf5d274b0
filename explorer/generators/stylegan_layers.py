"""The layers of StyleGAN: convolution with noise and activation, adaptive instance normalisation, picture.

What the paper calls one layer is two here, before and after the instance normalisation. So both can be shown,
edited and resumed from like any layer. The droplets that StyleGAN2 was designed to remove are the network's way
around the normalisation: spikes of single channels before it, which decide the statistics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.ops import backend
from explorer.ops.adain import adain
from explorer.ops.bias_act import ACTIVATIONS, bias_act
from explorer.ops.nearest_up_conv import PreparedNearestUpConv, blur2d, nearest_up_conv
from explorer.ops.prepared_conv import PreparedConv

from .base import Activation, LayerInfo, NoiseSpec, SynthesisLayer
from .mapping import FullyConnectedLayer
from .stylegan2 import layer_noise

if TYPE_CHECKING:
    from explorer.ops.prepared_styles import PreparedStyles

    from .stylegan_config import StyleGANConfig

__all__ = ["StyleGANConst", "StyleGANConv", "StyleGANNorm", "StyleGANToRGB"]

_SLOPE = ACTIVATIONS["lrelu"].alpha


class _Unstyled(SynthesisLayer):
    """A layer without styles."""

    def style(self, w: Tensor) -> Tensor:
        return w[:, :0]


class _Noisy(_Unstyled):
    """A layer that adds noise, with a strength for each channel, and a bias, then applies a leaky ReLU."""

    noise_const: Tensor

    def __init__(self, info: LayerInfo) -> None:
        super().__init__()
        self.info = info
        self.bias = nn.Parameter(torch.zeros(info.channels))
        if info.has_noise:
            self.register_buffer("noise_const", torch.randn(info.height, info.width))
            self.noise_strength = nn.Parameter(torch.zeros(info.channels))

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        strength = spec.strength_of(self.info.name)
        if not self.info.has_noise or spec.mode == "none" or strength == 0:
            return None
        if spec.mode == "const":
            noise = self.noise_const.view(1, 1, self.info.height, self.info.width)
            return noise if strength == 1 else noise * strength
        drawn = layer_noise(spec.seed, self.info.name, batch, self.info.height, self.info.width)
        return drawn.to(self.noise_const.device) * strength

    def _finish(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Add noise and bias, then activate; differentiable."""
        if noise is not None:
            x = x + (noise * self.noise_strength[:, None, None]).to(x.dtype)
        return bias_act(x, self.bias, act="lrelu", gain=1.0)

    def _finish_in_place(self, x: Tensor, noise: Tensor) -> Tensor:
        """Add noise to `x`, which has its bias, and activate; overwrites `x`."""
        strength = self.noise_strength.to(x.dtype)[:, None, None]
        return F.leaky_relu_(x.addcmul_(noise.to(x.dtype), strength), _SLOPE)


class StyleGANConst(_Noisy):
    """The learned constant with noise and activation, as if a convolution had made it."""

    def __init__(self, info: LayerInfo) -> None:
        super().__init__(info)
        self.const = nn.Parameter(torch.randn(info.channels, info.height, info.width))

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        return activation.with_features(self._finish(backend.features(activation.x), noise))


class StyleGANConv(_Noisy):
    """3x3 convolution, noise, bias and leaky ReLU; doubles the resolution if `up` is 2, and blurs the result.

    The gain of sqrt(2) for the activation is in the weight.
    """

    blur: Tensor

    def __init__(self, info: LayerInfo, in_channels: int, config: StyleGANConfig, up: int = 1) -> None:
        super().__init__(info)
        self.up = up
        self.fused = config.is_fused(info.resolution)
        self.weight = nn.Parameter(torch.randn(info.channels, in_channels, 3, 3))
        self.weight_gain = math.sqrt(2 / (9 * in_channels))
        self.blurs = up == 2 and config.blur_filter is not None
        if up == 2 and config.blur_filter is not None:
            taps = torch.tensor(config.blur_filter)
            self.register_buffer("blur", taps / taps.sum(), persistent=False)
        self._conv: backend.CachedDerived[PreparedConv | PreparedNearestUpConv] = backend.CachedDerived()

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = backend.features(activation.x)
        return activation.with_features(self._infer(x, noise) if backend.is_inference() else self._train(x, noise))

    def _train(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Run the layer with operators that are differentiable to any order."""
        weight = self.weight * self.weight_gain
        if self.up == 1:
            x = F.conv2d(x, weight.to(x.dtype), padding=1)
        else:
            x = nearest_up_conv(x, weight, fused=self.fused)
            if self.blurs:
                x = blur2d(x, self.blur)
        return self._finish(x, noise)

    def _infer(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Run the layer without gradients, with prepared weights."""
        conv = self._conv.get((self.weight, self.bias), x.dtype, lambda: self._prepare(x.dtype))
        if isinstance(conv, PreparedNearestUpConv):
            y = conv(x, _SLOPE if noise is None else 1.0)
        else:
            ones = torch.ones(x.shape[0], x.shape[1], device=x.device)
            if noise is None:
                return conv.with_epilogue(x, ones, None, "lrelu", 1.0, None)
            y = conv(x, ones).apply()
        return y if noise is None else self._finish_in_place(y, noise)

    def _prepare(self, dtype: torch.dtype) -> PreparedConv | PreparedNearestUpConv:
        weight = self.weight.detach() * self.weight_gain
        if self.up == 1:
            return PreparedConv(weight, padding=1, demodulate=False, bias=self.bias, dtype=dtype)
        taps = self.blur if self.blurs else None
        return PreparedNearestUpConv(weight, self.bias, taps, fused=self.fused, dtype=dtype)


class StyleGANNorm(SynthesisLayer):
    """Adaptive instance normalisation; the first C of its 2C styles are scales less 1, the others shifts."""

    def __init__(self, info: LayerInfo, config: StyleGANConfig) -> None:
        super().__init__()
        self.info = info
        self.eps = config.norm_eps
        self.affine = FullyConnectedLayer(config.w_dim, info.style_dim)
        self._styles: backend.CachedDerived[PreparedStyles] = backend.CachedDerived()

    def style(self, w: Tensor) -> Tensor:
        return self.affine.style(w, self._styles)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        scale, shift = style.chunk(2, dim=1)
        return activation.with_features(adain(backend.features(activation.x), scale + 1, shift, self.eps))


class StyleGANToRGB(_Unstyled):
    """1x1 convolution to the picture's channels, blended with the smaller picture while the network grows.

    Args:
        share: Share of the smaller picture, 0 to 1.
    """

    def __init__(self, info: LayerInfo, in_channels: int, share: float) -> None:
        super().__init__()
        self.info, self.share = info, share
        self.weight = nn.Parameter(torch.randn(info.channels, in_channels, 1, 1))
        self.weight_gain = 1 / math.sqrt(in_channels)
        self.bias = nn.Parameter(torch.zeros(info.channels))

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = backend.features(activation.x)
        weight = (self.weight * self.weight_gain).to(x.dtype)
        img = F.conv2d(x, weight, self.bias.to(x.dtype)).to(torch.float32)
        if activation.img is not None:
            img = torch.lerp(img, F.interpolate(activation.img, scale_factor=2, mode="nearest"), self.share)
        return Activation(activation.x, img, None, activation.extras)
