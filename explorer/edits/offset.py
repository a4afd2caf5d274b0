"""Offset: numbers added to `ws`, set by the bars of the w editor."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar

from explorer.edits.base import Edit, EditKind, EditValue, Placed, Strength, span_of, span_text

if TYPE_CHECKING:  # the command line imports this module for its help, without numpy
    import numpy as np
    from numpy.typing import NDArray

    from explorer.edits.base import Assets, ResolvedEdit
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["Offset", "OffsetKind", "find_offset"]


@dataclass(frozen=True, slots=True)
class Offset(EditValue):
    """Values `[w_dim]` added to entries first..last of `ws`; `last` None means the last entry."""

    kind: ClassVar[str] = "offset"

    values: tuple[float, ...]
    first: int = 0
    last: int | None = None


class OffsetKind(EditKind[Offset]):
    """Adds `strength * values`."""

    name = "offset"
    title = "w edit"
    stage = "ws"
    value = Offset
    strength = Strength(-1.0, 3.0)

    def resolve(self, value: Offset, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve to the array and the entries that this network has; None for values of another width."""
        span = span_of(value.first, value.last, info.num_ws)
        if span is None or len(value.values) != info.w_dim or not any(value.values):
            return None
        array, digest = _array_of(value.values)
        return Placed(digest + repr(span).encode(), (array, *span))

    def apply(
        self, target: NDArray[np.float32], edit: ResolvedEdit, layer: LayerInfo | None
    ) -> NDArray[np.float32]:
        """Return `ws` `[num_ws, w_dim]` with the values added."""
        array, first, last = edit.data
        ws = target.copy()
        ws[first : last + 1] += array.dtype.type(edit.strength) * array
        return ws

    def describe(self, value: Offset) -> str:
        """Return its name and its entries, unless it applies to all."""
        is_whole = (value.first, value.last) == (0, None)
        return self.title if is_whole else f"{self.title} of {span_text(value.first, value.last)}"

    def blend(self, values: Sequence[Offset], weights: Sequence[float]) -> Offset:
        """Return the weighted mean of the values."""
        total = [0.0] * len(values[0].values)
        for offset, weight in zip(values, weights, strict=True):
            for i, number in enumerate(offset.values):
                total[i] += weight * number
        return Offset(tuple(total), values[0].first, values[0].last)

    def identity(self, value: Offset) -> Hashable:
        """Return the entries and the width."""
        return value.first, value.last, len(value.values)


@lru_cache(maxsize=64)
def _array_of(values: tuple[float, ...]) -> tuple[NDArray[np.float32], bytes]:
    """Return the values as read-only float32, and their digest; cached, as they rarely change."""
    import numpy as np

    with np.errstate(over="ignore"):  # beyond float32: the final latent is checked, with a message
        array = np.asarray(values, dtype=np.float32)
    array.setflags(write=False)
    return array, blake2b(array.tobytes(), digest_size=16).digest()


def find_offset(edits: Sequence[Edit], first: int, last: int | None, width: int) -> int | None:
    """Return the number of the offset for exactly these entries that has an effect, None if there is none."""
    entries = (first, last, width)
    for number, edit in enumerate(edits):
        value = edit.value
        has_effect = edit.is_on and edit.strength != 0.0
        if isinstance(value, Offset) and has_effect and (value.first, value.last, len(value.values)) == entries:
            return number
    return None
