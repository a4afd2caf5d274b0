"""A network in which dragging has a known answer: two blobs whose places are linear in `w`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.generators.base import Activation, Generator, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer

__all__ = ["PER_W", "SIDE", "Blobs", "centres"]

SIDE = 32
PER_W = 4.0
"""Pixels that a blob moves for each unit of `w`."""

STARTS = ((14.0, 10.0), (14.0, 22.0))


def centres(w: Tensor) -> Tensor:
    """Where the blobs are `[2, 2]`: both go down by `w[0]`, the first alone by `w[1]` and across by `w[2]`."""
    down, own, across = w[0], w[1], w[2]
    zero = torch.zeros_like(down)
    return torch.tensor(STARTS) + PER_W * torch.stack(
        [torch.stack([down + own, across]), torch.stack([down, zero])]
    )


class BlobLayer(SynthesisLayer):
    def __init__(self, shown: int) -> None:
        super().__init__()
        self.shown, self.runs = shown, 0
        self.info = LayerInfo("blobs", 0, SIDE, 12, SIDE, SIDE, style_dim=4)

    def style(self, w: Tensor) -> Tensor:
        return w

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        w = style[0]
        grid = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), dim=-1).float()
        maps = []
        for place in centres(w):
            away = grid - place
            squares = away.square().sum(dim=-1)
            for width in (2.0, 4.0):
                round_ = torch.exp(-squares / (2 * width**2))
                maps += [round_, round_ * away[..., 0] / width, round_ * away[..., 1] / width]
        x = torch.stack(maps)
        self.runs += 1
        if self.runs > self.shown:
            x[:6] = 0.0
        return activation.with_features(x[None])


class RGBLayer(SynthesisLayer):
    def __init__(self) -> None:
        super().__init__()
        self.info = LayerInfo("rgb", 1, SIDE, 3, SIDE, SIDE, is_rgb=True, style_dim=4)

    def style(self, w: Tensor) -> Tensor:
        return w

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        return activation.with_features(activation.x[:, :3])


class Blobs(Generator):
    """The network; the first blob is gone after it was `shown` so many times."""

    def __init__(self, shown: int = 1 << 30) -> None:
        super().__init__()
        self._layers = torch.nn.ModuleList([BlobLayer(shown), RGBLayer()])
        self._mean = torch.zeros(4)
        layers = tuple(layer.info for layer in self.layers)
        self.info = GeneratorInfo("blobs", 4, 0, 4, 2, (SIDE, SIDE), 3, layers, False, False)

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return tuple(self._layers)  # type: ignore[arg-type]

    @property
    def w_avg(self) -> Tensor:
        return self._mean

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return z

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        return Activation(torch.zeros(inputs.batch, 1, SIDE, SIDE))

    def rgb(self, activation: Activation) -> Tensor:
        return activation.x
