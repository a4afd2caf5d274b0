"""How StyleGAN3 is trained: filters as matrix products, layers taken up to where their sampling rates part."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from explorer.generators.base import Activation, Generator, SynthesisLayer
from explorer.generators.stylegan3 import StyleGAN3Generator, StyleGAN3Layer
from explorer.generators.stylegan3_layers import StyleGAN3Config
from explorer.training.family_trainer import FamilyTrainer, Part, learned
from explorer.training.fast_layer import FastLayer
from explorer.training.fourier import spread_by_octaves
from explorer.training.modulated import modulated, modulated_1x1
from explorer.training.native import FilteredLeakyReLU, by_matrices, native_module
from explorer.training.resample import axis_matrix

__all__ = ["StyleGAN3RTrainer", "StyleGAN3TTrainer"]

# Fraction of the largest singular value below which a rank-one term of a radial filter is dropped.
_RADIAL_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-3}


class StyleGAN3TTrainer(FamilyTrainer):
    """Training of StyleGAN3-T as published, with `FastSynthesis`."""

    settings: ClassVar[Mapping[str, Any]] = {"lr_g": 2.5e-3, "mixing_probability": 0.0, "path_weight": 0.0}
    _fourier_gain: ClassVar[str] = "fine detail is learned sooner"

    def fast_layer(self, layer: SynthesisLayer, dtype: torch.dtype, device: torch.device) -> FastLayer:
        if not isinstance(layer, StyleGAN3Layer):
            return super().fast_layer(layer, dtype, device)
        return _FastToRGB(layer) if layer.spec.is_torgb else _FastFiltered(layer, dtype, device)

    def spread_features(self, generator: Generator, lowest: float) -> None:
        assert isinstance(generator, StyleGAN3Generator)
        spread_by_octaves(generator, lowest)

    def parts(self, new: Generator, old: Generator) -> Iterator[Part]:
        """Yield the Fourier features and every layer; layers match while their sampling rates agree.

        A 1x1 convolution does not depend on rates, so StyleGAN3-R with all rates doubled takes every layer and
        draws the old picture at the higher resolution.
        """
        assert isinstance(new, StyleGAN3Generator)
        assert isinstance(old, StyleGAN3Generator)
        same = new.input.weight.shape == old.input.weight.shape  # its gain depends on its width
        yield "input", learned(new.input), learned(old.input) if same else None
        count = len(new.layers)
        # ToRGB only matches if it follows the same number of layers.
        sources = [*old.layers] if len(old.layers) == count else [*old.layers[:-1], *[None] * count][:count]
        for layer, source in zip(new.layers, sources, strict=True):
            is_alike = source is not None and _is_alike(layer, source)
            yield layer.info.name, learned(layer), learned(source) if source is not None and is_alike else None

    def card_note(self, settings: dict[str, Any], started: dict[str, Any]) -> str:
        """Return a sentence on how the Fourier features differ from the published ones."""
        if not (lowest := settings.get("fourier_lowest")):
            return ""
        if "input" in started.get("whole", ()):
            return f"\nIts Fourier features are those of `{started['file']}`."
        config = {"img_resolution": settings["resolution"], **settings["generator"]}
        highest = StyleGAN3Config.from_mapping(config).first_cutoff
        return f"""
Its Fourier features lie as many in each octave from {lowest:g} to {highest:g} cycles a picture (published: over a
disc, to 2 cycles), so that {self._fourier_gain}."""


class StyleGAN3RTrainer(StyleGAN3TTrainer):
    """Training of StyleGAN3-R as published: more channels, and blurred pictures for the discriminator at first."""

    channel_factor = 2
    _fourier_gain = "small 1x1 convolutions need not draw fine detail as contour lines of slow waves"

    def defaults(self, batch: int) -> dict[str, Any]:
        return {**super().defaults(batch), "blur_sigma": 10.0, "blur_fade_kimg": batch * 200 / 32}


def _is_alike(layer: nn.Module, source: nn.Module) -> bool:
    """Return whether the weights of two StyleGAN3 layers are interchangeable."""
    assert isinstance(layer, StyleGAN3Layer)
    assert isinstance(source, StyleGAN3Layer)
    new, old = layer.spec, source.spec
    rates = (new.in_sampling_rate, new.out_sampling_rate) == (old.in_sampling_rate, old.out_sampling_rate)
    return new.conv_kernel == old.conv_kernel and (rates or new.conv_kernel == 1)


class _Fast(FastLayer):
    def __init__(self, layer: StyleGAN3Layer) -> None:
        super().__init__(layer)
        self._layer = layer

    def style(self, w: Tensor) -> Tensor:
        styles: Tensor = self._layer.affine(w)
        return styles


class _FastToRGB(_Fast):
    """The last layer, without a filter; its gain is applied in `run`."""

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        layer, spec = self._layer, self._layer.spec
        gain = layer.magnitude_ema.rsqrt()
        style = style * (gain / math.sqrt(spec.in_channels * spec.conv_kernel**2))
        y = modulated(activation.x, layer.weight, style, padding=spec.conv_kernel - 1, demodulate=False)
        return Activation(y + layer.bias.to(y.dtype)[:, None, None])


class _FastFiltered(_Fast):
    """A layer with its filters as matrices, or with the native filter on a CPU."""

    def __init__(self, layer: StyleGAN3Layer, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(layer)
        up, down = _matrices(layer, _RADIAL_TOLERANCE[dtype])
        is_native = device.type == "cpu" and native_module() is not None
        self._native = FilteredLeakyReLU(up, down) if is_native else None
        self._up = up.to(device, dtype)
        self._down = [(a.to(device, dtype), b.to(device, dtype)) for a, b in down]

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        layer, spec, x = self._layer, self._layer.spec, activation.x
        gain = layer.magnitude_ema.rsqrt()
        weight = layer.weight * layer.weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
        style = style * style.square().mean().rsqrt()
        if spec.conv_kernel == 1:
            y = modulated_1x1(x, weight, style, gain)
            if self._native is not None:
                return Activation(self._native(y, layer.bias))
        else:
            y = modulated(x, weight, style, padding=spec.conv_kernel - 1, gain=gain)
        y = y + layer.bias.to(y.dtype)[:, None, None]
        return Activation(by_matrices(y, self._up, self._down) if self._native is None else self._native(y))


def _matrices(layer: StyleGAN3Layer, tolerance: float) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Return the matrix of a layer's upsampling, and pairs of matrices whose sum is its downsampling."""
    spec = layer.spec
    assert layer.up_filter is not None
    assert layer.down_filter is not None
    size = spec.in_size + spec.conv_kernel - 1
    taps = layer.up_filter.double().cpu().numpy()
    up = axis_matrix(size, taps, up=spec.up_factor, pad=spec.padding[:2], gain=spec.up_factor)
    down = layer.down_filter.double().cpu().numpy()
    gain = math.sqrt(2)  # of the leaky ReLU; it commutes with the linear filter
    if down.ndim == 1:
        pairs = [(down * gain, down)]
    else:
        # A radial filter is a short sum of separable ones.
        left, values, right = np.linalg.svd(down)
        kept = values > values[0] * tolerance
        pairs = [(left[:, k] * values[k] * gain, right[k]) for k in np.flatnonzero(kept)]
    return up, [
        (
            axis_matrix(up.shape[0], rows, down=spec.down_factor),
            axis_matrix(up.shape[0], columns, down=spec.down_factor),
        )
        for rows, columns in pairs
    ]
