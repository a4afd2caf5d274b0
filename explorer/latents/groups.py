"""Groups of styles (coarse, middle, fine), and display names of single entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.generators.registry import described
from explorer.generators.ws_groups import GROUPS

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["GROUPS", "group_of", "label_of"]


def group_of(info: GeneratorInfo, index: int) -> str:
    """Return the group of an entry of `ws`, as defined by the family."""
    return described(info.family).group(info, index)


def label_of(info: GeneratorInfo, index: int) -> str:
    """Return an entry's display name, such as "8x8" or "L3 36x36"; "input" if it styles only the input."""
    layers = info.layers_of_ws(index)
    if not layers:
        return "input" if index == 0 else "unused"
    return described(info.family).label(next((item for item in reversed(layers) if not item.is_rgb), layers[-1]))
