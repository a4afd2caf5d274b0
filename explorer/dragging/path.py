"""The path of a drag in `ws`: points on it at even distances, for the keys of a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.dragging.problem import DragStep

__all__ = ["Spacing", "along"]

Spacing = Literal["distance", "step"]


def along(steps: Sequence[DragStep], count: int, spacing: Spacing) -> list[NDArray[np.float32]]:
    """Return `count` offsets `[num_ws, w_dim]` on the path of steps, from the first one to the last.

    Args:
        steps: The path, at least one step.
        count: How many, at least 2.
        spacing: "distance": equally far from each other in `ws`; "step": with equally many steps between them.
            Both lie between two steps where they must.
    """
    offsets = np.stack([step.offset for step in steps])
    if spacing == "distance":
        lengths = np.linalg.norm(np.diff(offsets, axis=0), axis=(1, 2))
        positions = np.concatenate([[0.0], np.cumsum(lengths, dtype=np.float64)])
    else:
        positions = np.arange(len(offsets), dtype=np.float64)
    found: list[NDArray[np.float32]] = []
    for wanted in np.linspace(0.0, positions[-1], count):
        after = min(int(np.searchsorted(positions, wanted)), len(offsets) - 1)
        before = max(after - 1, 0)
        gap = positions[after] - positions[before]
        share = np.float32(1.0 if gap == 0.0 else (wanted - positions[before]) / gap)
        found.append((1 - share) * offsets[before] + share * offsets[after])
    found[-1] = offsets[-1]
    return found
