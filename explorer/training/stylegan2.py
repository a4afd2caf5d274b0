"""How StyleGAN2 is trained: path lengths, resampling as matrix products, blocks taken by their resolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.generators.base import Activation, Generator, NoiseSpec, SynthesisLayer
from explorer.generators.stylegan2 import StyleGAN2Conv, StyleGAN2Generator, StyleGAN2ToRGB
from explorer.training.family_trainer import FamilyTrainer, Part
from explorer.training.fast_layer import FastLayer
from explorer.training.modulated import modulated
from explorer.training.resample import FIR4, axis_matrix, resample

__all__ = ["StyleGAN2Trainer"]


class StyleGAN2Trainer(FamilyTrainer):
    """Training of StyleGAN2 as published, with `FastSynthesis`."""

    settings: ClassVar[Mapping[str, Any]] = {"lr_g": 2e-3}
    regularises_paths = True

    def fast_layer(self, layer: SynthesisLayer, dtype: torch.dtype, device: torch.device) -> FastLayer:
        if isinstance(layer, StyleGAN2Conv):
            return _FastConv(layer, dtype, device)
        if isinstance(layer, StyleGAN2ToRGB):
            return _FastToRGB(layer, dtype, device)
        return super().fast_layer(layer, dtype, device)

    @torch.no_grad()
    def fix_noise(self, generator: Generator, strength: float) -> None:
        """Set it from half the resolution on."""
        for layer in generator.layers:
            if isinstance(layer, StyleGAN2Conv) and layer.info.height * 2 >= generator.info.img_size[0]:
                layer.noise_strength.fill_(strength)
                layer.noise_strength.requires_grad = False

    def parts(self, new: Generator, old: Generator) -> Iterator[Part]:
        """Yield the constant and every layer; blocks of a resolution that both have match."""
        assert isinstance(new, StyleGAN2Generator)
        assert isinstance(old, StyleGAN2Generator)
        yield "const", {"const": new.const}, {"const": old.const}
        yield from super().parts(new, old)

    def begin(self, new: Generator, fresh: list[str]) -> None:
        """Zero the new ToRGB layers, so that the first picture is the old one upsampled."""
        for layer in new.layers:
            if layer.info.is_rgb and layer.info.name in fresh:
                layer.get_parameter("weight").zero_()


class _FastConv(FastLayer):
    """A 3x3 convolution, whose upsampling filter is a matrix."""

    def __init__(self, layer: StyleGAN2Conv, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(layer)
        self._conv, self._up = layer, None
        if layer.up == 2:
            self._up = axis_matrix(layer.info.height + 1, FIR4, pad=(1, 1), gain=2.0).to(device, dtype)

    def style(self, w: Tensor) -> Tensor:
        styles: Tensor = self._conv.affine(w)
        return styles

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        layer = self._conv
        y = modulated(activation.x, layer.weight, style, up=layer.up == 2, padding=1)
        if self._up is not None:
            y = resample(y, self._up)
        if noise is not None:
            y = y + (noise * layer.noise_strength).to(y.dtype)
        y = F.leaky_relu(y + layer.bias.to(y.dtype)[:, None, None], 0.2) * layer.act_gain
        return activation.with_features(y)

    def draw_noise(self, spec: NoiseSpec, batch: int) -> Tensor:
        return torch.randn(batch, 1, self.info.height, self.info.width, device=self._conv.weight.device)


class _FastToRGB(FastLayer):
    """A ToRGB layer, which upsamples the picture so far by a matrix."""

    def __init__(self, layer: StyleGAN2ToRGB, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(layer)
        self._to_rgb, self._up = layer, None
        if layer.info.height > 4:
            up = axis_matrix(layer.info.height // 2, FIR4, up=2, pad=(2, 1), gain=2.0)
            self._up = up.to(device, dtype).float()  # pictures are float32

    def style(self, w: Tensor) -> Tensor:
        styles: Tensor = self._to_rgb.affine(w)
        return styles * self._to_rgb.style_gain

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        layer = self._to_rgb
        rgb = modulated(activation.x, layer.weight, style, padding=0, demodulate=False)
        rgb = rgb.float() + layer.bias[:, None, None]
        if activation.img is not None:
            assert self._up is not None
            rgb = resample(activation.img, self._up) + rgb
        return Activation(activation.x, rgb)
