"""StyleGAN2's settings, and what a picture of a network with them costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from explorer.errors import MismatchError

from .config import (
    CLAMP,
    CLASSES,
    RATE,
    SETTINGS_HINT,
    SHARE,
    WIDTH,
    ActivationName,
    ClassNames,
    Items,
    Within,
    check_filter,
    check_settings,
)
from .cost import FLOAT_BYTES, LayerCost, PictureCost, derived_bytes, picture_cost, total_cost

__all__ = ["StyleGAN2Config"]

_LARGEST = 8192  # px, of a side of the picture


@dataclass(frozen=True, slots=True)
class StyleGAN2Config:
    """Flat settings, with NVIDIA's names and defaults.

    `mapping_*` are the entries of NVIDIA's `mapping_kwargs` (`mapping_layers` is its `num_layers`), the rest those
    of the generator and its `synthesis_kwargs`. `num_fp16_res` is stored but has no effect: the caller chooses the
    precision. Note that StyleGAN2-ADA's own default of `conv_clamp` is None. `widths` are the channels at 4, 8, ...
    px of a network that does not follow `channel_base` and `channel_max`; other programs make such.

    `init_size` is (height, width) of the constant that synthesis starts from. Where it is not 4x4, `img_resolution`
    still counts the doublings from 4, and names the blocks, but the picture has `init_size` times
    `img_resolution / 4` pixels. `mapping_joins_label`: the class is one row of a matrix, joined to the latent
    before the normalisation, as in StyleGAN2 before ADA.
    """

    img_resolution: Annotated[int, Within(4, _LARGEST)]
    z_dim: Annotated[int, WIDTH] = 512
    c_dim: Annotated[int, CLASSES] = 0
    w_dim: Annotated[int, WIDTH] = 512
    img_channels: Annotated[int, Within(1, 64)] = 3
    channel_base: Annotated[int, Within(1, 1 << 22)] = 32768
    channel_max: Annotated[int, WIDTH] = 512
    architecture: Literal["skip", "orig", "resnet"] = "skip"
    resample_filter: Annotated[tuple[Annotated[float, Within(-1e4, 1e4)], ...], Items(1, 64)] = (1, 3, 3, 1)
    num_fp16_res: Annotated[int, Within(0, 64)] = 4
    conv_clamp: Annotated[float, CLAMP] | None = 256
    use_noise: bool = True
    activation: ActivationName = "lrelu"
    mapping_layers: Annotated[int, Within(1, 64)] = 8
    mapping_lr_multiplier: Annotated[float, RATE] = 0.01
    mapping_embed_features: Annotated[int, WIDTH] | None = None
    mapping_layer_features: Annotated[int, WIDTH] | None = None
    mapping_activation: ActivationName = "lrelu"
    w_avg_beta: Annotated[float, SHARE] | None = 0.998
    class_names: ClassNames = ()
    widths: Annotated[tuple[Annotated[int, WIDTH], ...], Items(1, 12)] | None = None
    init_size: Annotated[tuple[Annotated[int, Within(1, 512)], ...], Items(2, 2)] = (4, 4)
    mapping_joins_label: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        size = self.img_resolution
        if size & (size - 1):
            raise MismatchError(f"StyleGAN2 needs a resolution that is a power of two of at least 4, not {size}.")
        if self.channel_base < size:
            raise MismatchError(f"StyleGAN2 with channel_base {self.channel_base} has no channels at {size} px.")
        if self.widths is not None and len(self.widths) != len(self.resolutions):
            raise MismatchError(
                f"widths are {len(self.widths)} numbers; a StyleGAN2 of {size} px has {len(self.resolutions)}.",
                SETTINGS_HINT,
            )
        height, width = self.img_size
        if max(height, width) > _LARGEST:
            raise MismatchError(
                f"The StyleGAN2's pictures have {width}x{height} px, more than {_LARGEST:,} px; its constant has "
                f"{self.init_size[1]}x{self.init_size[0]}.",
                SETTINGS_HINT,
            )
        check_filter("resample_filter", self.resample_filter)

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Return (height, width) of the features of the block named by a resolution."""
        height, width = self.init_size
        return resolution // 4 * height, resolution // 4 * width

    @property
    def img_size(self) -> tuple[int, int]:
        """(height, width) of the picture in pixels."""
        return self.size_at(self.img_resolution)

    def channels(self, resolution: int) -> int:
        """Return the number of feature channels at a resolution."""
        if self.widths is not None:
            return self.widths[resolution.bit_length() - 3]
        return min(self.channel_base // resolution, self.channel_max)

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... `img_resolution`."""
        return tuple(4 << i for i in range(int(math.log2(self.img_resolution)) - 1))


@picture_cost.register
def _(config: StyleGAN2Config, *, kernels: bool = False) -> PictureCost:
    return total_cost(_layer_costs(config), config.img_channels, config.img_size)


def _layer_costs(config: StyleGAN2Config) -> Iterator[LayerCost]:
    taps, colours = len(config.resample_filter), config.img_channels
    per_output = 2 * (
        taps * taps if taps < 8 else 2 * taps
    )  # of the resampling filter, in the form of `setup_filter`
    has_branch = config.architecture == "resnet"
    for size in config.resolutions:
        height, width = config.size_at(size)
        name, area, o = f"b{size}", height * width, config.channels(size)
        picture = 3 * colours * area if config.architecture == "skip" else 0
        noise = 2 * FLOAT_BYTES * area  # in addition to the stored one
        if size > 4:
            i, wide = config.channels(size // 2), (height + taps) * (width + taps)
            # The input and its styled copy, four phases or the transposed convolution, the padded and the filtered
            # result;
            # the residual branch is held until conv1 is done.
            work = FLOAT_BYTES * (2 * i * area // 4 + (7 if has_branch else 4) * o * wide + picture)
            cached = derived_bytes(i, o, 9, 3) + noise
            yield LayerCost(f"{name}.conv0", work, cached, 18 * i * o * area // 4, per_output * o * area)
        # Input, styled copy, output, and the library's convolution layout.
        work = FLOAT_BYTES * (5 * o * area + picture)
        yield LayerCost(f"{name}.conv1", work, derived_bytes(o, o, 9, 2) + noise, 18 * o * o * area)
        if config.architecture == "skip" or size == config.img_resolution:
            work = FLOAT_BYTES * (2 * o + 5 * colours) * area
            filter_flop = per_output * colours * area
            yield LayerCost(
                f"{name}.torgb", work, derived_bytes(o, colours, 1, 2), 2 * o * colours * area, filter_flop
            )
