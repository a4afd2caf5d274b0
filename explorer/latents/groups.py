"""Coarse, middle and fine: the groups in which people speak of styles, and the names of single entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["GROUPS", "group_of", "label_of"]

GROUPS: tuple[str, ...] = ("coarse", "middle", "fine")


def group_of(info: GeneratorInfo, index: int) -> str:
    """The group of an entry of `ws`.

    By the resolution that the entry styles first: up to 8 px coarse, up to 32 px middle, above fine, as in the
    StyleGAN paper. StyleGAN3's first layers all work at 16 px and up; there the entries are split in the same
    proportions as those of a StyleGAN2 of the same size (4 of 18, 4 of 18, the rest).
    """
    if info.family.startswith("stylegan3") or len({layer.resolution for layer in info.layers}) == 1:
        share = index / info.num_ws
        return GROUPS[0] if share < 4 / 18 else GROUPS[1] if share < 8 / 18 else GROUPS[2]
    layers = info.layers_of_ws(index)
    # An entry that styles a ToRGB and the next block's first layer belongs to the latter.
    resolution = max((layer.resolution for layer in layers), default=0)
    return GROUPS[0] if resolution <= 8 else GROUPS[1] if resolution <= 32 else GROUPS[2]


def label_of(info: GeneratorInfo, index: int) -> str:
    """An entry's name for people, such as "8x8" or "L3 36x36"; "input" for one that styles the input alone."""
    layers = info.layers_of_ws(index)
    if not layers:
        return "input"
    layer = next((item for item in reversed(layers) if not item.is_rgb), layers[-1])
    size = f"{layer.resolution}x{layer.resolution}"
    if info.family.startswith("stylegan3"):
        return "rgb" if layer.is_rgb else f"{layer.name.split('_')[0]} {size}"
    return f"{size} rgb" if layer.is_rgb else size
