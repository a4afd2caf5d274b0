"""Direction: a step along a stored direction in `ws`."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from explorer.edits.base import EditKind, EditValue, Placed, Strength, digest_of
from explorer.util.asset_ids import AssetId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.edits.base import Assets, ResolvedEdit
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["Direction", "DirectionKind"]


@dataclass(frozen=True, slots=True)
class Direction(EditValue):
    """A step along a stored direction of space w or ws; the edit's strength is in its standard deviations.

    Attributes:
        direction: The asset, a `StoredDirection`.
        entries: The entries of `ws` that it changes; empty: all.
        name: Its display name.
    """

    kind: ClassVar[str] = "direction"

    direction: AssetId
    entries: tuple[int, ...] = ()
    name: str = ""


class DirectionKind(EditKind[Direction]):
    """Adds `strength * sigma * direction` to entries of `ws`."""

    name = "direction"
    title = "Direction"
    stage = "ws"
    value = Direction
    strength = Strength(-4.0, 4.0, 0.0, "\u03c3")

    def resolve(self, value: Direction, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve to the step of one standard deviation; None for directions of another shape or space."""
        stored = None if assets is None else assets.get(value.direction)
        if stored is None or stored.kind != "direction":
            return None
        shape = {"w": (info.w_dim,), "ws": (info.num_ws, info.w_dim)}.get(stored.space)
        entries = tuple(i for i in sorted(set(value.entries)) if i < info.num_ws) or tuple(range(info.num_ws))
        if stored.array.shape != shape or (value.entries and min(value.entries) >= info.num_ws):
            return None
        step = stored.array * stored.array.dtype.type(stored.sigma)
        return Placed(digest_of(value.direction, entries), (step, entries))

    def apply(
        self, target: NDArray[np.float32], edit: ResolvedEdit, layer: LayerInfo | None
    ) -> NDArray[np.float32]:
        """Return `ws` `[num_ws, w_dim]` with the step added."""
        step, entries = edit.data
        chosen = list(entries)
        ws = target.copy()
        ws[chosen] += target.dtype.type(edit.strength) * (step if step.ndim == 1 else step[chosen])
        return ws

    def describe(self, value: Direction) -> str:
        """Return its name."""
        return value.name[:1].upper() + value.name[1:] or self.title

    def identity(self, value: Direction) -> Hashable:
        """Return what it changes; its name does not matter."""
        return value.direction, tuple(sorted(set(value.entries)))
