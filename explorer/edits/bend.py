"""Bend: an operation on the features of a layer or of the input, called network bending (Broad et al. 2020)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from explorer.edits.base import EditKind, EditValue, Placed, Strength, digest_of
from explorer.edits.bend_operations import OPERATIONS, Operation
from explorer.edits.channels import ALL_CHANNELS, Channels
from explorer.util.plain_text import visible
from explorer.util.sums import total_of

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.edits.base import Assets, ResolvedEdit
    from explorer.generators.base import Activation, GeneratorInfo, LayerInfo

__all__ = ["NO_RESIZE", "Bend", "BendKind", "bent_layers", "bent_places"]

NO_RESIZE = "This network's layers take maps of one size only, so none can be resized"


_SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class Bend(EditValue):
    """An operation on chosen channels of a layer's output; the edit's strength is the amount, 0..1.

    Attributes:
        layer: Name of the layer; `INPUT_LAYER` for the network's input.
        operation: A name in `OPERATIONS`.
        parameters: Of the operation, in its order; missing ones have their defaults.
        channels: The channels that it changes.
        seed: Of the operation `noise`.
    """

    kind: ClassVar[str] = "bend"

    layer: str
    operation: Operation
    parameters: tuple[float, ...] = ()
    channels: Channels = ALL_CHANNELS
    seed: int = 0


class BendKind(EditKind[Bend]):
    """Blends the features of a layer with the operation's result: `x + strength * (operation(x) - x)`."""

    name = "bend"
    title = "Bend"
    stage = "features"
    value = Bend
    strength = Strength(0.0, 1.0, 1.0)
    row = "explorer.widgets.panels.edits.bend_row:BendRow"

    def resolve(self, value: Bend, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve to the channels of the layer; None if the network lacks the layer, or the layer the channels.

        Also None for another size, if the network's layers cannot take it.
        """
        layer = next((layer for layer in bent_places(info) if layer.name == value.layer), None)
        operation = OPERATIONS[value.operation]
        if layer is None or (operation.is_of_size and not info.can_resize):
            return None
        channels = None if operation.is_of_size else value.channels.of(layer.channels)
        if channels is not None and not channels:
            return None
        pairs = zip(operation.parameters, operation.values(value.parameters), strict=True)
        parameters = tuple(parameter.clamped(number) for parameter, number in pairs)
        seed = value.seed % _SEEDS if value.operation == "noise" else 0
        data = (value.operation, parameters, seed, channels)
        return Placed(digest_of(*data), data, (layer.name,))

    def apply(self, target: Activation, edit: ResolvedEdit, layer: LayerInfo | None) -> Activation:
        """Return the activation with the features bent."""
        from explorer.ops.bending import bend  # not above: the command line's help needs no torch

        operation, parameters, seed, channels = edit.data
        if OPERATIONS[operation].is_of_size:
            return _resized(target, parameters[0] ** edit.strength)
        bent = bend(target.x, operation, parameters, seed=seed, channels=channels, amount=edit.strength)
        return target.with_features(bent)

    def keeps_band(self, edit: ResolvedEdit) -> bool:
        """Return False for operations that add detail: non-linear ones, noise, and shrinking."""
        operation, parameters, _, _ = edit.data
        shrinks = operation == "scale" and parameters[0] < 1.0
        return not (shrinks or OPERATIONS[operation].is_new_detail)

    def describe(self, value: Bend) -> str:
        """Return operation, layer and channels."""
        channels = "" if OPERATIONS[value.operation].is_of_size else value.channels.describe()
        name = f"{OPERATIONS[value.operation].title} {visible(value.layer, 40)}"
        return f"{name}, {channels}" if channels else name

    def blend(self, values: Sequence[Bend], weights: Sequence[float]) -> Bend:
        """Return the weighted mean of the parameters."""
        operation = OPERATIONS[values[0].operation]
        columns = zip(*(operation.values(value.parameters) for value in values), strict=True)
        mean = tuple(total_of(n * weight for n, weight in zip(column, weights, strict=True)) for column in columns)
        return replace(values[0], parameters=mean)

    def identity(self, value: Bend) -> Hashable:
        """Return everything but the parameters."""
        return replace(value, parameters=())


def bent_layers(info: GeneratorInfo) -> tuple[LayerInfo, ...]:
    """Return the layers that can be bent: those that output features rather than a picture."""
    return tuple(layer for layer in info.layers if not layer.is_rgb)


def bent_places(info: GeneratorInfo) -> tuple[LayerInfo, ...]:
    """Return what can be bent: the input, where edits can change it, and the layers."""
    return (*((info.input_layer,) if info.input_layer is not None else ()), *bent_layers(info))


def _resized(target: Activation, factor: float) -> Activation:
    """Return the activation with its map, and what runs beside it, resampled by the same factor.

    A picture that is accumulated beside features twice its size stays half as large, so that it still fits.
    """
    from explorer.ops.bending import resize

    base = target.x if target.img is None else target.img
    times = target.x.shape[2] // base.shape[2]
    height, width = (max(2, round(size * factor)) for size in base.shape[2:])

    def larger(x: Tensor) -> Tensor:
        return resize(x, times * height, times * width)

    img = None if target.img is None else resize(target.img, height, width)
    return replace(target, x=larger(target.x), img=img, skip=None if target.skip is None else larger(target.skip))
