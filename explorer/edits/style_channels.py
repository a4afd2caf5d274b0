"""Style channels: single channels of a layer's styles, moved by their standard deviations."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from explorer.edits.base import INPUT_LAYER, EditKind, EditValue, Placed, Strength, digest_of

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.edits.base import Assets, ResolvedEdit
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["StyleChannels", "StyleChannelsKind"]


@dataclass(frozen=True, slots=True)
class StyleChannels(EditValue):
    """Channels of one layer's styles; the edit's strength is in their standard deviations.

    Attributes:
        layer: The layer's name; `INPUT_LAYER` for the network's input.
        channels: Indices into its styles.
        sigmas: The standard deviation of each over the model's random latents. They are stored, so that a project
            gives the same picture without measuring them again.
        name: Display name.
        model_sha: sha256 of the model that the channels were found in, the only one they change; empty: any model.
    """

    kind: ClassVar[str] = "style-channels"

    layer: str
    channels: tuple[int, ...]
    sigmas: tuple[float, ...]
    name: str = ""
    model_sha: str = ""


class StyleChannelsKind(EditKind[StyleChannels]):
    """Adds `strength * sigma` to channels of a layer's styles (StyleSpace, Wu et al. 2021)."""

    name = "style-channels"
    title = "Style channels"
    stage = "s"
    value = StyleChannels
    strength = Strength(-20.0, 20.0, 0.0, "\u03c3")
    row = "explorer.widgets.panels.edits.channel_edit_row:ChannelEditRow"

    def resolve(self, value: StyleChannels, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve to channels and steps; None for a layer or channels that the network does not have."""
        widths = {layer.name: layer.style_dim for layer in info.layers}
        width = info.input_style_dim if value.layer == INPUT_LAYER else widths.get(value.layer, 0)
        channels, sigmas = value.channels, value.sigmas
        if not channels or len(channels) != len(sigmas) or not all(0 <= i < width for i in channels):
            return None
        if not all(math.isfinite(sigma) for sigma in sigmas):
            return None
        return Placed(digest_of(channels, sigmas), (channels, sigmas), (value.layer,))

    def apply(self, target: Tensor, edit: ResolvedEdit, layer: LayerInfo | None) -> Tensor:
        """Return the styles `[N, style_dim]` with the steps added."""
        channels, sigmas = edit.data
        styles = target.clone()
        for channel, sigma in zip(channels, sigmas, strict=True):
            styles[:, channel] += edit.strength * sigma
        return styles

    def describe(self, value: StyleChannels) -> str:
        """Return its name, or its layer and channels."""
        if value.name:
            return value.name[:1].upper() + value.name[1:]
        if len(value.channels) == 1:
            return f"Channel {value.channels[0]} of {value.layer}"
        return f"{len(value.channels)} channels of {value.layer}"

    def identity(self, value: StyleChannels) -> Hashable:
        """Return what it changes; its name does not matter."""
        return value.layer, value.channels, value.sigmas, value.model_sha
