"""A layer as training runs it: with fresh noise at each step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from explorer.generators.base import Activation, NoiseSpec, SynthesisLayer

__all__ = ["FastLayer"]


class FastLayer:
    """A layer for `fold` in training. Families with a faster form than the layer's own override it."""

    def __init__(self, layer: SynthesisLayer) -> None:
        self.layer = layer
        self.info = layer.info

    def style(self, w: Tensor) -> Tensor:
        """Return the layer's styles `[N, style_dim]`."""
        return self.layer.style(w)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        """Return the next activation."""
        return self.layer.run(activation, style, noise)

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """Return noise from torch's own generator, so that no two steps of training see the same."""
        if not self.info.has_noise or spec.mode == "none":
            return None
        return self.draw_noise(spec, batch)

    def draw_noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """Return new noise of a layer that has some."""
        return self.layer.noise(replace(spec, seed=int(torch.randint(2**31, ()))), batch)
