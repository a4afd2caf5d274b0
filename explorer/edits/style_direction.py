"""Style direction: a step along a stored direction in the styles of all layers, space s."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from explorer.edits.base import INPUT_LAYER, EditKind, EditValue, Placed, Strength, digest_of
from explorer.util.asset_ids import AssetId
from explorer.util.packing import packed, unpacked

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.edits.base import Assets, ResolvedEdit
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["StyleDirection", "StyleDirectionKind"]


@dataclass(frozen=True, slots=True)
class StyleDirection(EditValue):
    """A step along a stored direction of space s; the edit's strength is in its standard deviations.

    Attributes:
        direction: The asset, a `StoredDirection`.
        entries: Only the layers that these entries of `ws` style are changed; empty: all.
        name: Its display name.
    """

    kind: ClassVar[str] = "style-direction"

    direction: AssetId
    entries: tuple[int, ...] = ()
    name: str = ""


@dataclass(slots=True, eq=False)
class _Steps:
    """The step of one standard deviation `[style_dim]` float32 of each layer, copied to a device once."""

    arrays: dict[str, NDArray[np.float32]]
    _on: dict[tuple[str, torch.device], Tensor] = field(default_factory=dict)

    def on(self, name: str, device: torch.device) -> Tensor:
        """Return a layer's step on a device."""
        import torch

        key = (name, device)
        if key not in self._on:
            with torch.inference_mode(False):  # usable with and without gradients
                self._on[key] = torch.tensor(self.arrays[name], device=device)
        return self._on[key]


class StyleDirectionKind(EditKind[StyleDirection]):
    """Adds `strength * sigma * direction` to the styles of all layers."""

    name = "style-direction"
    title = "Style direction"
    stage = "s"
    value = StyleDirection
    strength = Strength(-20.0, 20.0, 0.0, "\u03c3")

    def resolve(self, value: StyleDirection, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve to the step of each layer; None for directions of another length or space."""
        stored = None if assets is None else assets.get(value.direction)
        if stored is None or stored.kind != "direction" or stored.space != "s":
            return None
        layers = [(layer.name, layer.ws_index, layer.style_dim) for layer in info.styled_layers]
        total = sum(width for _, _, width in layers)
        if info.input_style_dim and len(stored.array) == info.input_style_dim + total:
            layers.insert(0, (INPUT_LAYER, 0, info.input_style_dim))
        elif len(stored.array) != total:
            return None
        steps, start = {}, 0
        for name, index, width in layers:
            part = stored.array[start : start + width]
            start += width
            if part.any() and (not value.entries or index in value.entries):
                steps[name] = part * part.dtype.type(stored.sigma)
        if not steps:
            return None
        return Placed(digest_of(value.direction, tuple(steps)), _Steps(steps), tuple(steps))

    def apply(self, target: Tensor, edit: ResolvedEdit, layer: LayerInfo | None) -> Tensor:
        """Return the styles `[N, style_dim]` of a layer with its part of the step added."""
        step = edit.data.on(INPUT_LAYER if layer is None else layer.name, target.device)
        return target.add(step, alpha=edit.strength)

    def describe(self, value: StyleDirection) -> str:
        """Return its name."""
        return value.name[:1].upper() + value.name[1:] or self.title

    def identity(self, value: StyleDirection) -> Hashable:
        """Return what it changes; its name does not matter."""
        return value.direction, tuple(sorted(set(value.entries)))

    def pack(self, data: Any) -> Any:
        """Return the steps as JSON values."""
        return packed(tuple(data.arrays.items()))

    def unpack(self, data: Any) -> Any:
        """Return the steps that `pack` wrote."""
        return _Steps(dict(unpacked(data)))
