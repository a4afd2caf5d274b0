"""MobileStyleGAN's settings, and what a picture of a network with them costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from explorer.errors import MismatchError

from .config import (
    CLASSES,
    RATE,
    SETTINGS_HINT,
    WIDTH,
    ActivationName,
    ClassNames,
    Items,
    Within,
    check_settings,
)
from .cost import FLOAT_BYTES, LayerCost, PictureCost, derived_bytes, picture_cost, total_cost

__all__ = ["MobileStyleGANConfig"]


@dataclass(frozen=True, slots=True)
class MobileStyleGANConfig:
    """Flat settings.

    `channels` are those of the features at 4, 8, ... px up to half the size of the picture; None are the published
    ones. `z_dim` of None is `w_dim`, as published. The others are as StyleGAN2's, since the mapping is a teacher's.
    """

    img_resolution: Annotated[int, Within(16, 8192)]
    channels: Annotated[tuple[Annotated[int, WIDTH], ...], Items(2, 11)] | None = None
    w_dim: Annotated[int, WIDTH] = 512
    img_channels: Annotated[int, Within(1, 64)] = 3
    mapping_layers: Annotated[int, Within(1, 64)] = 8
    mapping_lr_multiplier: Annotated[float, RATE] = 0.01
    class_names: ClassNames = ()
    z_dim: Annotated[int, WIDTH] | None = None
    c_dim: Annotated[int, CLASSES] = 0
    mapping_embed_features: Annotated[int, WIDTH] | None = None
    mapping_layer_features: Annotated[int, WIDTH] | None = None
    mapping_activation: ActivationName = "lrelu"
    mapping_joins_label: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        size = self.img_resolution
        if size & (size - 1):
            raise MismatchError(
                f"img_resolution is {size}; MobileStyleGAN needs a power of two of at least 16.", SETTINGS_HINT
            )
        if len(self.widths) != len(self.resolutions):
            raise MismatchError(
                f"channels are {len(self.widths)} numbers; a network of {size} px has {len(self.resolutions)}.",
                SETTINGS_HINT,
            )
        uneven = next((n for n in self.widths[:-1] if n % 4), None)
        if uneven is not None:
            raise MismatchError(
                f"channels are divided by four where the size doubles, and {uneven} cannot be.", SETTINGS_HINT
            )

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... of the features; the picture is twice as large as the last of them."""
        return tuple(4 << i for i in range(self.img_resolution.bit_length() - 3))

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of the features at each resolution."""
        return self.channels or tuple(min(32768 // size, 512) for size in self.resolutions)


@picture_cost.register
def _(config: MobileStyleGANConfig, *, kernels: bool = False) -> PictureCost:
    return total_cost(_layer_costs(config, kernels), config.img_channels, config.img_resolution)


def _layer_costs(config: MobileStyleGANConfig, kernels: bool) -> Iterator[LayerCost]:
    below = config.widths[0]
    yield LayerCost("b4.conv1", 0, derived_bytes(below, below, 9, 2), 2 * 9 * 16 * below * below)
    for size, o in zip(config.resolutions[1:], config.widths[1:], strict=True):
        name, area, i = f"b{size}", size * size, below // 4
        # The input and its coefficients, styled, split and joined again.
        yield LayerCost(f"{name}.up", FLOAT_BYTES * (2 if kernels else 5) * i * area, 0, 0, 8 * i * area)
        for layer, inputs in (("conv1", i), ("conv2", o)):
            # Input, output, and without the kernels the styled and the filtered input.
            work = FLOAT_BYTES * area * ((inputs + o) if kernels else (3 * inputs + 2 * o))
            cached = derived_bytes(inputs, o, 1, 3) + 2 * FLOAT_BYTES * area  # weights, and noise
            yield LayerCost(f"{name}.{layer}", work, cached, 2 * area * inputs * o, 18 * area * inputs)
        below = o
    area, bands = config.resolutions[-1] ** 2, 4 * config.img_channels
    work = FLOAT_BYTES * area * (2 * below + 5 * bands)
    yield LayerCost("the head", work, derived_bytes(below, bands, 1, 2), 2 * area * below * bands, 4 * area * bands)
