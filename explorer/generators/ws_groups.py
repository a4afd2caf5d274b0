"""Groups of the entries of `ws` (coarse, middle, fine) and display names of layers, for families to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["GROUPS", "by_depth", "by_resolution", "named_by_block", "named_by_layer", "named_by_resolution"]

GROUPS: tuple[str, ...] = ("coarse", "middle", "fine")


def by_resolution(info: GeneratorInfo, index: int) -> str:
    """Return the group of entry `index` by the first resolution it styles, as in the StyleGAN paper.

    Up to 8 px coarse, up to 32 px middle, above fine. If all layers have one resolution, as `by_depth`.
    """
    if len({layer.resolution for layer in info.layers}) == 1:
        return by_depth(info, index)
    layers = info.layers_of_ws(index)
    if not layers and index:
        return by_resolution(info, index - 1)  # one that nothing reads, beside those before it
    # An entry that styles a ToRGB and the next block's first layer belongs to the latter.
    resolution = max((layer.resolution for layer in layers), default=0)
    return GROUPS[0] if resolution <= 8 else GROUPS[1] if resolution <= 32 else GROUPS[2]


def by_depth(info: GeneratorInfo, index: int) -> str:
    """Return the group of entry `index` by its depth, in the proportions of StyleGAN2 (4 of 18, 4 of 18, the rest).

    For families whose resolutions do not indicate the group, such as StyleGAN3, whose first layers are at 16 px.
    """
    fraction = index / info.num_ws
    return GROUPS[0] if fraction < 4 / 18 else GROUPS[1] if fraction < 8 / 18 else GROUPS[2]


def named_by_resolution(layer: LayerInfo) -> str:
    """Return a layer's display name: "8x8", "128x128 rgb", width first where the picture is not square."""
    is_square = layer.width == layer.height
    size = f"{layer.resolution}x{layer.resolution}" if is_square else f"{layer.width}x{layer.height}"
    return f"{size} rgb" if layer.is_rgb else size


def named_by_layer(layer: LayerInfo) -> str:
    """Return a layer's display name if several share a resolution: "L3 36x36", "rgb"."""
    return "rgb" if layer.is_rgb else f"{layer.name.split('_')[0]} {layer.resolution}x{layer.resolution}"


def named_by_block(layer: LayerInfo) -> str:
    """Return a layer's display name in a network that encodes and decodes: "encode 64x64", "rgb"."""
    part = layer.name.split(".")[0]
    return "rgb" if layer.is_rgb else f"{part.replace('_', ' ')} {layer.resolution}x{layer.resolution}"
