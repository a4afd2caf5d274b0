"""StyleGAN's settings, and what a picture of a network with them costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from explorer.errors import MismatchError

from .config import CLASSES, RATE, SHARE, WIDTH, ClassNames, Items, Within, check_filter, check_settings
from .cost import FLOAT_BYTES, LayerCost, PictureCost, derived_bytes, picture_cost, total_cost

__all__ = ["FUSED_FROM", "StyleGANConfig"]

FUSED_FROM = 128
"""Resolution in pixels from which upsampling and convolution are one operator, if `fused_scale` is "auto"."""


@dataclass(frozen=True, slots=True)
class StyleGANConfig:
    """Flat settings, named like those of StyleGAN2 where they mean the same.

    Attributes:
        channel_base: A layer at r px has `channel_base // r` channels, at most `channel_max`; twice the original's
            `fmap_base`.
        fused_scale: Whether upsampling convolutions are fused; "auto" fuses from 128 px on. It is not only a matter
            of speed: the fused form reads the stored weight mirrored in both axes.
        blur_filter: Taps of the blur after an upsampling convolution, an odd number; None: no blur.
        norm_eps: Added to the variance in the instance normalisation: 1e-8 in the original, 1e-5 in most ports.
        lod: Level of detail at which progressive training stopped: 0 is finished, 1.5 shows a blend of the pictures
            of a quarter and of half the resolution, enlarged. Layers above it are not part of the network.
        mapping_features: Width of the mapping's inner layers; None is `w_dim`.
    """

    img_resolution: Annotated[int, Within(4, 8192)]
    z_dim: Annotated[int, WIDTH] = 512
    c_dim: Annotated[int, CLASSES] = 0
    w_dim: Annotated[int, WIDTH] = 512
    img_channels: Annotated[int, Within(1, 64)] = 3
    channel_base: Annotated[int, Within(1, 1 << 22)] = 16384
    channel_max: Annotated[int, WIDTH] = 512
    use_noise: bool = True
    fused_scale: Literal["auto", "always", "never"] = "auto"
    blur_filter: Annotated[tuple[Annotated[float, Within(-1e4, 1e4)], ...], Items(1, 63)] | None = (1, 2, 1)
    norm_eps: Annotated[float, Within(1e-12, 1e-2)] = 1e-8
    lod: Annotated[float, Within(0, 11)] = 0
    mapping_layers: Annotated[int, Within(1, 64)] = 8
    mapping_features: Annotated[int, WIDTH] | None = None
    mapping_lr_multiplier: Annotated[float, RATE] = 0.01
    w_avg_beta: Annotated[float, SHARE] | None = 0.995
    class_names: ClassNames = ()

    def __post_init__(self) -> None:
        check_settings(self)
        size = self.img_resolution
        if size & (size - 1):
            raise MismatchError(f"StyleGAN needs a resolution that is a power of two of at least 4, not {size}.")
        if self.channel_base < size:
            raise MismatchError(f"StyleGAN with channel_base {self.channel_base} has no channels at {size} px.")
        if self.lod > math.log2(size) - 2:
            raise MismatchError(f"StyleGAN of {size} px with lod {self.lod:g} would have no layers.")
        if self.blur_filter is not None:
            if len(self.blur_filter) % 2 == 0:
                raise MismatchError(f"blur_filter has {len(self.blur_filter)} taps; StyleGAN needs an odd number.")
            check_filter("blur_filter", self.blur_filter)

    def channels(self, resolution: int) -> int:
        """Return the number of feature channels at a resolution."""
        return min(self.channel_base // resolution, self.channel_max)

    def is_fused(self, resolution: int) -> bool:
        """Return whether the upsampling convolution to a resolution is fused."""
        return resolution >= FUSED_FROM if self.fused_scale == "auto" else self.fused_scale == "always"

    @property
    def lod_steps(self) -> tuple[int, float]:
        """`lod` as the number of times that the picture is doubled, and the share of the smaller picture."""
        whole = int(self.lod)
        return whole, self.lod - whole

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the largest resolution of a layer."""
        return tuple(4 << i for i in range(int(math.log2(self.img_resolution)) - 1 - self.lod_steps[0]))

    def has_rgb(self, resolution: int) -> bool:
        """Return whether a picture is made at a resolution: at the largest, and below it while that fades in."""
        top = self.resolutions[-1]
        return resolution == top or (self.lod_steps[1] > 0 and 2 * resolution == top)


@picture_cost.register
def _(config: StyleGANConfig, *, kernels: bool = False) -> PictureCost:
    return total_cost(_layer_costs(config), config.img_channels, config.img_resolution)


def _layer_costs(config: StyleGANConfig) -> Iterator[LayerCost]:
    taps = 0 if config.blur_filter is None else len(config.blur_filter)
    for size in config.resolutions:
        name, area, o = f"b{size}", size * size, config.channels(size)
        if size > 4:
            i = config.channels(size // 2)
            # Input and its padded copy, the four phases, the picture put together of them, and the blurred one.
            work = FLOAT_BYTES * (2 * i * area // 4 + 4 * o * area)
            blur = 2 * taps * taps * o * area
            yield LayerCost(f"{name}.conv0", work, derived_bytes(i, o, 16, 2), 32 * i * o * area // 4, blur)
        # Input, output, and the library's convolution layout.
        yield LayerCost(f"{name}.conv1", FLOAT_BYTES * 4 * o * area, derived_bytes(o, o, 9, 2), 18 * o * o * area)
        yield LayerCost(f"{name}.norm1", FLOAT_BYTES * 4 * o * area, 0, 0, 6 * o * area)
        if config.has_rgb(size):
            work = FLOAT_BYTES * (o + 4 * config.img_channels) * area
            yield LayerCost(f"{name}.torgb", work, 0, 2 * o * config.img_channels * area)
