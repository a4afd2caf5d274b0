"""Warm-up: the first layers learn the coarse picture before the expensive last ones run at all.

StyleGAN2 has a picture at every resolution, so this is progressive growing without fading. StyleGAN3 does not, so a
linear probe predicts one from the features of an early layer; the probe is discarded afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.generators.base import Generator
    from explorer.training.fast import FastSynthesis

__all__ = ["WarmUp"]


class WarmUp(nn.Module):
    """Warm-up stages `(until_kimg, layer index)`, with the probes of families that need them.

    Raises:
        UsageError: The generator has no layer of that index, or the layer has no picture.
    """

    def __init__(self, generator: Generator, stages: Sequence[tuple[float, int]]) -> None:
        super().__init__()
        last, count = max((int(index) for _, index in stages), default=0), len(generator.layers)
        if last >= count:
            raise UsageError(
                f"The warm-up stops at layer {last}, and a generator of {generator.info.size_text} has "
                f"only {count} layers, from 0.",
                "Give a larger --resolution, or leave the recipe out.",
            )
        self.stages = [(float(kimg), generator.layers[int(index)].info) for kimg, index in stages]
        self.probes = nn.ModuleDict()
        for _, info in self.stages:
            if info.is_rgb:
                continue
            if info.has_noise:
                raise UsageError(f"{info.name} does not output a picture.", "Warm up at a ToRGB layer.")
            self.probes[info.name] = nn.Conv2d(info.channels, generator.info.img_channels, 1)

    def stage(self, images_seen: int) -> str | None:
        """Return the layer at which to stop after `images_seen` pictures; None once warm."""
        for kimg, info in self.stages:
            if images_seen < kimg * 1000:
                return info.name
        return None

    def picture(self, fast: FastSynthesis, ws: Tensor, stop: str, *, update_emas: bool = False) -> Tensor:
        """Return the picture `[N, C, r, r]` after the layers up to `stop`."""
        activation = fast.features(ws, stop, update_emas=update_emas)
        if stop not in self.probes:
            assert activation.img is not None
            return activation.img
        info = next(info for _, info in self.stages if info.name == stop)
        margin = (info.height - info.resolution) // 2
        x = activation.x[..., margin : margin + info.resolution, margin : margin + info.resolution]
        picture: Tensor = self.probes[stop](x.float())
        return picture

    @staticmethod
    def target(real: Tensor, resolution: int) -> Tensor:
        """Return `real` downsampled to `resolution` by averaging."""
        return F.avg_pool2d(real, real.shape[-1] // resolution) if real.shape[-1] > resolution else real
