"""Nudge: a step along a random direction in `ws`."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from explorer.edits.base import EditKind, EditValue, Placed, Strength, digest_of, span_of, span_text

if TYPE_CHECKING:  # the command line imports this module for its help, without numpy
    import numpy as np
    from numpy.typing import NDArray

    from explorer.edits.base import Assets, ResolvedEdit
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["Nudge", "NudgeKind", "unit_direction"]

SEED_COUNT = 2**32


@dataclass(frozen=True, slots=True)
class Nudge(EditValue):
    """A step along a random unit direction drawn from `seed`, for entries first..last of `ws`; None = the last one.

    Its length is the edit's strength.
    """

    kind: ClassVar[str] = "nudge"

    seed: int
    first: int = 0
    last: int | None = None


class NudgeKind(EditKind[Nudge]):
    """Adds `strength * unit_direction(seed)`."""

    name = "nudge"
    title = "Nudge"
    stage = "ws"
    value = Nudge
    strength = Strength(-5.0, 5.0, 0.0)
    row = "explorer.widgets.panels.edits.edit_rows:NudgeRow"

    def resolve(self, value: Nudge, info: GeneratorInfo, assets: Assets | None) -> Placed | None:
        """Resolve to the seed and the entries that this network has."""
        span = span_of(value.first, value.last, info.num_ws)
        return None if span is None else Placed(digest_of(value.seed, span), (value.seed, *span))

    def apply(
        self, target: NDArray[np.float32], edit: ResolvedEdit, layer: LayerInfo | None
    ) -> NDArray[np.float32]:
        """Return `ws` `[num_ws, w_dim]` with the step added."""
        seed, first, last = edit.data
        ws = target.copy()
        ws[first : last + 1] += target.dtype.type(edit.strength) * unit_direction(seed, ws.shape[1])
        return ws

    def describe(self, value: Nudge) -> str:
        """Return its name and its entries, unless it applies to all."""
        is_whole = (value.first, value.last) == (0, None)
        return self.title if is_whole else f"{self.title} of {span_text(value.first, value.last)}"

    def identity(self, value: Nudge) -> Hashable:
        """Return the whole value: between two directions, one fades out and the other fades in."""
        return value

    def limit(self, info: GeneratorInfo) -> Strength:
        """Return a range up to about the distance between two random `w` of that many dimensions."""
        reach = float(max(2, math.ceil(math.sqrt(info.w_dim) / 2)))
        return Strength(-reach, reach, 0.0)


@lru_cache(maxsize=256)
def unit_direction(seed: int, w_dim: int) -> NDArray[np.float32]:
    """Return a random direction of length one, float32 `[w_dim]`, read-only; the same for the same seed."""
    import numpy as np

    drawn = np.random.RandomState(seed % SEED_COUNT).randn(w_dim)
    d: NDArray[np.float32] = (drawn / np.linalg.norm(drawn)).astype(np.float32)
    d.setflags(write=False)
    return d
