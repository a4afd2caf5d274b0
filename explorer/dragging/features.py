"""The features that handles are followed in: the layer they come from, and what they are at points of the picture.

Points are (y, x) in pixels of the picture, whole numbers at the centres of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from explorer.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import GeneratorInfo

__all__ = ["FeatureMap", "Grid", "Whitening", "feature_layer"]

PUBLISHED_RATE = 128
"""Sampling rate of the features in DragGAN (Pan et al. 2023) and FreeDrag (Ling et al. 2024) for any picture."""


def feature_layer(info: GeneratorInfo) -> int:
    """Return the number of the layer whose features are used.

    It is the last layer of the lowest sampling rate that reaches 128, or half that of a smaller picture. Where the
    network can move its picture by itself (StyleGAN3), features hold places as phases, and half the rate is too
    coarse: there it is the first layer that reaches 128, or the picture's own rate. The layers behind it cost up to
    twice as much, and handles end as far from their targets.

    Raises:
        UsageError: The network has no such layer.
    """
    wanted = min(PUBLISHED_RATE, max(info.img_size) // (1 if info.has_input_transform else 2))
    rates = sorted({layer.resolution for layer in info.layers if not layer.is_rgb and layer.resolution >= wanted})
    if not rates:
        raise UsageError(
            "This network has no features to follow points in.", "Points can be dragged in StyleGAN2 and 3."
        )
    found = [i for i, layer in enumerate(info.layers) if layer.resolution == rates[0] and not layer.is_rgb]
    return found[0] if info.has_input_transform else found[-1]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the samples of a layer's features lie in the picture.

    Attributes:
        scale: (down, across) in samples per pixel.
        margin: (down, across), samples of StyleGAN3's canvas outside the picture on each side.
    """

    scale: tuple[float, float]
    margin: tuple[float, float]

    @staticmethod
    def of(info: GeneratorInfo, layer: int) -> Grid:
        """Return the grid of a layer."""
        chosen = info.layers[layer]
        sizes, scales, margins = (chosen.height, chosen.width), [], []
        for size, pixels in zip(sizes, info.img_size, strict=True):
            rate = chosen.resolution * pixels / max(info.img_size)
            rate = float(size) if rate > size else rate
            scales.append(rate / pixels)
            margins.append((size - rate) / 2)
        return Grid((scales[0], scales[1]), (margins[0], margins[1]))

    def samples(self, points: Tensor) -> Tensor:
        """Return the coordinates `[..., 2]` among the samples of points `[..., 2]`."""
        return (points + 0.5) * points.new_tensor(self.scale) - 0.5 + points.new_tensor(self.margin)

    def pixels(self, samples: Tensor) -> Tensor:
        """Return the points `[..., 2]` of coordinates among the samples, the inverse of `samples`."""
        return (samples + 0.5 - samples.new_tensor(self.margin)) / samples.new_tensor(self.scale) - 0.5


@dataclass(frozen=True, slots=True)
class Whitening:
    """Brings each channel of the first picture's features to mean 0 and standard deviation 1.

    Distances of features then mean the same in every network: between unrelated places about 1.1 on average.
    """

    mean: Tensor
    scale: Tensor

    @staticmethod
    def of(x: Tensor) -> Whitening:
        """Measure features `[1, C, H, W]`; channels that are nearly constant count less."""
        spread, mean = torch.std_mean(x.detach(), dim=(0, 2, 3), keepdim=True)
        return Whitening(mean, 1.0 / (spread + 1e-2 * spread.mean() + 1e-8))

    def __call__(self, x: Tensor) -> Tensor:
        """Return features `[1, C, H, W]` whitened."""
        return (x - self.mean) * self.scale


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """Features of one picture.

    Attributes:
        x: `[1, C, H, W]` float32, whitened.
        grid: Where its samples lie.
    """

    x: Tensor
    grid: Grid

    def at(self, points: Tensor) -> Tensor:
        """Return the features `[..., C]` at points `[..., 2]`, bilinear; outside the map those of its edge."""
        height, width = self.x.shape[2:]
        samples = self.grid.samples(points)
        last = samples.new_tensor([max(height - 1, 1), max(width - 1, 1)])
        places = (samples / last * 2 - 1).flip(-1).reshape(1, 1, -1, 2)
        found = F.grid_sample(self.x, places, mode="bilinear", padding_mode="border", align_corners=True)
        return found[0, :, 0].T.reshape(*points.shape[:-1], -1)

    def detach(self) -> FeatureMap:
        """Return the same features without their gradient."""
        return FeatureMap(self.x.detach(), self.grid)

    def pattern(self, spacing: float) -> Tensor:
        """Return the offsets `[9, 2]` in pixels of 3 by 3 places, `spacing` samples apart."""
        steps = torch.tensor([-1.0, 0.0, 1.0], device=self.x.device) * spacing
        down, across = torch.meshgrid(steps / self.grid.scale[0], steps / self.grid.scale[1], indexing="ij")
        return torch.stack([down, across], dim=-1).reshape(9, 2)
