"""The forward pass of training: the layers' weights, with resampling as matrix products.

Same function as `Generator.synthesis` (a test compares them), but faster to differentiate for small pictures. The
clamp at 256 is omitted: activations of a network in training stay far below it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec, SynthesisLayer, fold
from explorer.generators.stylegan2 import StyleGAN2Conv, StyleGAN2ToRGB
from explorer.generators.stylegan3 import StyleGAN3Layer
from explorer.training.native import FilteredLeakyReLU, by_matrices, native_module
from explorer.training.resample import FIR4, axis_matrix, resample

__all__ = ["FastSynthesis"]

# Fraction of the largest singular value below which a rank-one term of a radial filter is dropped.
_RADIAL_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-3}


class FastSynthesis:
    """Synthesis of one generator for training; holds its resampling matrices, not its weights."""

    def __init__(self, generator: Generator, dtype: torch.dtype = torch.float32) -> None:
        self.generator, self.dtype = generator, dtype
        self._up: dict[str, Tensor] = {}
        self._down: dict[str, list[tuple[Tensor, Tensor]]] = {}
        for layer in generator.layers:
            if isinstance(layer, StyleGAN2Conv) and layer.up == 2:
                self._up[layer.info.name] = axis_matrix(layer.info.height + 1, FIR4, pad=(1, 1), gain=2.0)
            elif isinstance(layer, StyleGAN2ToRGB) and layer.info.height > 4:
                self._up[layer.info.name] = axis_matrix(layer.info.height // 2, FIR4, up=2, pad=(2, 1), gain=2.0)
            elif isinstance(layer, StyleGAN3Layer) and not layer.spec.is_torgb:
                self._prepare_stylegan3(layer)
        device = generator.device
        self._native: dict[str, FilteredLeakyReLU] = {}
        if device.type == "cpu" and self._down and native_module() is not None:
            self._native = {name: FilteredLeakyReLU(self._up[name], terms) for name, terms in self._down.items()}
        self._up = {name: matrix.to(device, dtype) for name, matrix in self._up.items()}
        self._down = {
            name: [(a.to(device, dtype), b.to(device, dtype)) for a, b in terms]
            for name, terms in self._down.items()
        }

    def _prepare_stylegan3(self, layer: StyleGAN3Layer) -> None:
        spec = layer.spec
        assert layer.up_filter is not None
        assert layer.down_filter is not None
        size = spec.in_size + spec.conv_kernel - 1
        taps = layer.up_filter.double().cpu().numpy()
        up = axis_matrix(size, taps, up=spec.up_factor, pad=spec.padding[:2], gain=spec.up_factor)
        self._up[spec.name] = up
        down = layer.down_filter.double().cpu().numpy()
        gain = math.sqrt(2)  # of the leaky ReLU; it commutes with the linear filter
        if down.ndim == 1:
            pairs = [(down * gain, down)]
        else:
            # A radial filter is a short sum of separable ones.
            left, values, right = np.linalg.svd(down)
            kept = values > values[0] * _RADIAL_TOLERANCE[self.dtype]
            pairs = [(left[:, k] * values[k] * gain, right[k]) for k in np.flatnonzero(kept)]
        self._down[spec.name] = [
            (
                axis_matrix(up.shape[0], rows, down=spec.down_factor),
                axis_matrix(up.shape[0], columns, down=spec.down_factor),
            )
            for rows, columns in pairs
        ]

    def __call__(self, ws: Tensor, *, noise: bool = True, update_emas: bool = False) -> Tensor:
        """Return pictures `[N, C, R, R]` float32 from `ws` `[N, num_ws, w_dim]`, with fresh noise if `noise`."""
        return self.generator.rgb(self.features(ws, None, noise=noise, update_emas=update_emas))

    def features(
        self, ws: Tensor, stop: str | None, *, noise: bool = True, update_emas: bool = False
    ) -> Activation:
        """Return the activation after the layer named `stop` (None = the last)."""
        layers = self.generator.layers
        inputs = Inputs(ws, noise=NoiseSpec("random" if noise else "none"))
        activation = self.generator.begin(inputs)
        activation = activation.with_features(activation.x.to(self.dtype))

        def update(i: int, activation: Activation) -> None:
            layers[i].update_emas(activation)

        return fold(
            [_FastLayer(self, layer) for layer in layers],
            activation,
            inputs,
            stop=None if stop is None else [layer.info.name for layer in layers].index(stop),
            before=update if update_emas else None,
        )

    def run(self, layer: SynthesisLayer, activation: Activation, style: Tensor, noise: Tensor | None) -> Activation:
        """Run a layer in a form that is fast to differentiate; layers of other families use their own `run`."""
        if isinstance(layer, StyleGAN2Conv):
            return activation.with_features(self._stylegan2_conv(layer, activation.x, style, noise))
        if isinstance(layer, StyleGAN2ToRGB):
            return Activation(activation.x, self._to_rgb(layer, activation, style))
        if isinstance(layer, StyleGAN3Layer):
            return Activation(self._stylegan3(layer, activation.x, style))
        return layer.run(activation, style, noise)

    def _stylegan2_conv(self, layer: StyleGAN2Conv, x: Tensor, style: Tensor, grain: Tensor | None) -> Tensor:
        y = _modulated(x, layer.weight, style, up=layer.up == 2, padding=1)
        if layer.up == 2:
            y = resample(y, self._up[layer.info.name])
        if grain is not None:
            y = y + (grain * layer.noise_strength).to(y.dtype)
        return F.leaky_relu(y + layer.bias.to(y.dtype)[:, None, None], 0.2) * layer.act_gain

    def _to_rgb(self, layer: StyleGAN2ToRGB, activation: Activation, styles: Tensor) -> Tensor:
        rgb = _modulated(activation.x, layer.weight, styles, padding=0, demodulate=False)
        rgb = rgb.float() + layer.bias[:, None, None]
        if activation.img is None:
            return rgb
        return resample(activation.img, self._up[layer.info.name].float()) + rgb

    def _stylegan3(self, layer: StyleGAN3Layer, x: Tensor, styles: Tensor) -> Tensor:
        spec = layer.spec
        gain = layer.magnitude_ema.rsqrt()
        if spec.is_torgb:
            styles = styles * (gain / math.sqrt(spec.in_channels * spec.conv_kernel**2))
            y = _modulated(x, layer.weight, styles, padding=spec.conv_kernel - 1, demodulate=False)
            return y + layer.bias.to(y.dtype)[:, None, None]
        weight = layer.weight * layer.weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
        styles = styles * styles.square().mean().rsqrt()
        native = self._native.get(spec.name)
        if spec.conv_kernel == 1:
            y = _modulated_1x1(x, weight, styles, gain)
            if native is not None:
                return native(y, layer.bias)
        else:
            y = _modulated(x, weight, styles, padding=spec.conv_kernel - 1, gain=gain)
        y = y + layer.bias.to(y.dtype)[:, None, None]
        return by_matrices(y, self._up[spec.name], self._down[spec.name]) if native is None else native(y)


class _FastLayer:
    """A layer for `fold` in training: with fresh noise and the operators of `FastSynthesis`."""

    def __init__(self, fast: FastSynthesis, layer: SynthesisLayer) -> None:
        self._fast, self._layer = fast, layer
        self.info = layer.info

    def style(self, w: Tensor) -> Tensor:
        """Return the layer's styles; the gain of a StyleGAN3 ToRGB is applied in `run`."""
        layer = self._layer
        if not isinstance(layer, StyleGAN2Conv | StyleGAN2ToRGB | StyleGAN3Layer):
            return layer.style(w)
        styles: Tensor = layer.affine(w)
        return styles * layer.style_gain if isinstance(layer, StyleGAN2ToRGB) else styles

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        """See `FastSynthesis.run`."""
        return self._fast.run(self._layer, activation, style, noise)

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """Draw noise from torch's own generator, so that no two steps of training see the same."""
        info = self.info
        if not info.has_noise or spec.mode == "none":
            return None
        if isinstance(self._layer, StyleGAN2Conv):
            return torch.randn(batch, 1, info.height, info.width, device=self._layer.weight.device)
        return self._layer.noise(replace(spec, seed=int(torch.randint(2**31, ()))), batch)


def _modulated(
    x: Tensor, weight: nn.Parameter | Tensor, styles: Tensor, *, padding: int, up: bool = False,
    demodulate: bool = True, gain: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Scale the inputs by `styles`, convolve with the shared weight, scale the outputs to the gain `gain`."""
    dtype = x.dtype
    x = x * styles.to(dtype)[:, :, None, None]
    if up:
        y = F.conv_transpose2d(x, weight.to(dtype).transpose(0, 1), stride=2)
    else:
        y = F.conv2d(x, weight.to(dtype), padding=padding)
    if not demodulate:
        return y
    scale = (styles.square() @ weight.square().sum(dim=(2, 3)).t() + 1e-8).rsqrt()
    if gain is not None:
        scale = scale * gain
    return y * scale.to(dtype)[:, :, None, None]


def _modulated_1x1(x: Tensor, weight: Tensor, styles: Tensor, gain: Tensor) -> Tensor:
    """Apply a modulated 1x1 convolution with weights per picture, which are far fewer than the features."""
    weights = weight[None, :, :, 0, 0] * styles[:, None]  # [N, O, I]
    weights = weights * ((weights.square().sum(dim=2, keepdim=True) + 1e-8).rsqrt() * gain)
    y = torch.bmm(weights.to(x.dtype), x.flatten(2))
    return y.reshape(*y.shape[:2], *x.shape[2:])
