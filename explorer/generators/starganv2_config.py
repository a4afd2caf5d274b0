"""StarGAN v2's settings, its blocks as a table, and what a picture of a network with them costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from explorer.errors import MismatchError

from .config import WIDTH, ClassNames, Within, check_settings
from .cost import FLOAT_BYTES, LayerCost, PictureCost, derived_bytes, picture_cost, total_cost

__all__ = ["COARSE_MASK", "SKIPPED", "BlockSpec", "StarGANv2Config"]

SKIPPED = (32, 64, 128)
"""Sizes at which details of the source reach the decoder through masks."""

COARSE_MASK = 32
"""The size of the first mask's skip; the others take the second mask."""

_SMALLEST = 4
_HALVED = 16  # pixels at the bottleneck without a high-pass skip; with one there is a further block


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """One residual block.

    Attributes:
        name: `encode.0`, `decode.2`: also its name in the checkpoint.
        inputs: Channels of its input.
        outputs: Channels of its output.
        size: Pixels of its input.
        scale: Factor on the size: 0.5, 1 or 2.
    """

    name: str
    inputs: int
    outputs: int
    size: int
    scale: float

    @property
    def out_size(self) -> int:
        """Pixels of its output."""
        return int(self.size * self.scale)


@dataclass(frozen=True, slots=True)
class StarGANv2Config:
    """Flat settings, with the names and defaults of the original.

    `w_hpf` is the divisor of the high-pass filter through which details of the source reach the decoder; 0 means
    none. It also decides on the depth, and whether the decoder's blocks have a shortcut. `hidden_dim` is the width
    of the mapping network. `max_domains` names are `class_names`.
    """

    img_resolution: Annotated[int, Within(16, 4096)] = 256
    style_dim: Annotated[int, WIDTH] = 64
    latent_dim: Annotated[int, WIDTH] = 16
    num_domains: Annotated[int, Within(1, 1000)] = 2
    w_hpf: Annotated[float, Within(0, 1000)] = 1
    channels: Annotated[int, WIDTH] | None = None
    max_conv_dim: Annotated[int, WIDTH] = 512
    hidden_dim: Annotated[int, WIDTH] = 512
    class_names: ClassNames = ()

    def __post_init__(self) -> None:
        check_settings(self)
        size = self.img_resolution
        if size & (size - 1):
            raise MismatchError(f"StarGAN v2 needs a size that is a power of two of at least 16, not {size}.")
        if self.width < 1:
            raise MismatchError(f"StarGAN v2 has no channels at {size} px.")

    @property
    def width(self) -> int:
        """Channels at the full size: 2^14 / img_resolution unless given."""
        return (1 << 14) // self.img_resolution if self.channels is None else self.channels

    @property
    def halvings(self) -> int:
        """Number of encoder blocks that halve the size."""
        return int(math.log2(self.img_resolution)) - int(math.log2(_HALVED)) + (self.w_hpf > 0)

    @property
    def encoder(self) -> tuple[BlockSpec, ...]:
        """The encoder's blocks in order; the last two keep the size."""
        specs, width, size = [], self.width, self.img_resolution
        for i in range(self.halvings + 2):
            scale = 0.5 if i < self.halvings else 1.0
            outputs = min(2 * width, self.max_conv_dim) if scale < 1 else width
            specs.append(BlockSpec(f"encode.{i}", width, outputs, size, scale))
            width, size = outputs, specs[-1].out_size
        return tuple(specs)

    @property
    def decoder(self) -> tuple[BlockSpec, ...]:
        """The decoder's blocks in order of execution: the encoder's mirrored."""
        mirrored = reversed(self.encoder)
        return tuple(
            BlockSpec(f"decode.{i}", spec.outputs, spec.inputs, spec.out_size, 1 / spec.scale)
            for i, spec in enumerate(mirrored)
        )

    @property
    def num_masks(self) -> int:
        """Number of masks that have an effect."""
        sizes = {spec.size for spec in self.encoder} if self.w_hpf > 0 else set()
        return (COARSE_MASK in sizes) + any(size in sizes for size in SKIPPED if size != COARSE_MASK)

    @property
    def style_encoder(self) -> tuple[BlockSpec, ...]:
        """The blocks of the style encoder, down to 4 px."""
        specs: list[BlockSpec] = []
        width, size = self.width, self.img_resolution
        while size > _SMALLEST:
            outputs = min(2 * width, self.max_conv_dim)
            specs.append(BlockSpec(f"shared.{len(specs) + 1}", width, outputs, size, 0.5))
            width, size = outputs, size // 2
        return tuple(specs)


@picture_cost.register
def _(config: StarGANv2Config, *, kernels: bool = False) -> PictureCost:
    layers = [LayerCost(spec.name, *_block_cost(spec)) for spec in (*config.encoder, *config.decoder)]
    return total_cost(layers, 3, config.img_resolution)


def _block_cost(spec: BlockSpec) -> tuple[int, int, int]:
    """Return bytes of work and of derived values, and operations of one block."""
    first, second = (max(spec.size, spec.out_size), spec.out_size) if spec.scale > 1 else (spec.size, spec.out_size)
    middle = spec.outputs if spec.scale > 1 or spec.name.startswith("decode") else spec.inputs
    area_one, area_two = first**2, second**2
    work = FLOAT_BYTES * 3 * (max(spec.inputs, middle) * area_one + max(middle, spec.outputs) * area_two)
    flop = 18 * (spec.inputs * middle * area_one + middle * spec.outputs * area_two)
    cached = derived_bytes(spec.inputs, middle, 9, 1) + derived_bytes(middle, spec.outputs, 9, 1)
    return work, cached, flop
