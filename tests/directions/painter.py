"""A generator of which it is known what each style channel paints."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from explorer.generators.base import (
    Activation,
    Generator,
    GeneratorInfo,
    Inputs,
    LayerInfo,
    NoiseSpec,
    SynthesisLayer,
)

__all__ = ["SCALE", "Painter"]

SCALE = 0.1
"""Standard deviation of every style, and of how far it moves what it paints by one of them."""


class _Paint(SynthesisLayer):
    """Adds `style[c] * areas[c]` to a grey picture, or scales a picture's colours."""

    def __init__(self, info: LayerInfo, areas: Tensor) -> None:
        super().__init__()
        self.info = info
        self.register_buffer("areas", areas)
        self.offset = nn.Parameter(torch.zeros(info.style_dim))

    def style(self, w: Tensor) -> Tensor:
        return SCALE * w[:, : self.info.style_dim] + self.offset

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        return None

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        if self.info.is_rgb:
            return Activation(activation.x, activation.x * (1.0 + style[:, :3, None, None]))
        painted = torch.einsum("nc,chw->nhw", style, self.get_buffer("areas"))
        return activation.with_features(activation.x + painted[:, None])


class Painter(Generator):
    """Paints `areas` `[C, size, size]`, each with one style channel of the only layer before that to RGB."""

    def __init__(self, areas: Tensor) -> None:
        super().__init__()
        count, size, _ = areas.shape
        infos = (
            LayerInfo("paint", 0, size, 3, size, size, style_dim=count),
            LayerInfo("rgb", 1, size, 3, size, size, is_rgb=True, style_dim=3),
        )
        self.painting = nn.ModuleList(_Paint(info, areas) for info in infos)
        self.register_buffer("centre", torch.zeros(max(count, 3)))
        self.info = GeneratorInfo("tiny", max(count, 3), 0, max(count, 3), 2, (size, size), 3, infos, False, False)

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return tuple(self.painting)  # type: ignore[arg-type]

    @property
    def w_avg(self) -> Tensor:
        return self.get_buffer("centre")

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return z

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        size = self.info.img_size[0]
        return Activation(torch.zeros(inputs.batch, 3, size, size))

    def rgb(self, activation: Activation) -> Tensor:
        assert activation.img is not None
        return activation.img
