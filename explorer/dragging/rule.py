"""What a method of dragging is to the engine: a loss for the features of each step, and where its handles are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.dragging.features import FeatureMap
    from explorer.dragging.problem import HandleState

__all__ = ["Keep", "Rule"]


class Rule(Protocol):
    """A method of dragging."""

    def loss(self, features: FeatureMap) -> Tensor | None:
        """Follow the handles in the features of the latest picture, and return what to minimise next.

        None: nothing is left to do, since every handle has arrived or is lost.
        """

    @property
    def handles(self) -> tuple[HandleState, ...]:
        """What is known of each handle after the last call of `loss`."""

    @property
    def remaining(self) -> float:
        """The way that is left to the targets in pixels, of the handles that are not lost."""

    def copy(self) -> Rule:
        """Return a copy that goes on from here by itself."""


class Keep:
    """Keeps what lies outside the mask as it was in the first picture.

    Args:
        first: Features of the first picture.
        mask: What may move, bool `[H, W]`; None keeps nothing.
        weight: Of the mean absolute change.
    """

    def __init__(self, first: FeatureMap, mask: NDArray[np.bool_] | None, weight: float) -> None:
        self._first, self._weight = first.x.detach(), weight
        self._fixed: Tensor | None = None
        if mask is None or not weight or mask.all():
            return
        height, width = first.x.shape[2:]
        samples = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), dim=-1)
        points = first.grid.pixels(samples.float()).round().long()
        rows = points[..., 0].clamp(0, mask.shape[0] - 1)
        columns = points[..., 1].clamp(0, mask.shape[1] - 1)
        fixed = ~torch.from_numpy(mask.copy())[rows, columns]
        self._fixed = fixed.to(first.x.device, torch.float32)[None, None] if bool(fixed.any()) else None

    def __call__(self, features: FeatureMap) -> Tensor | float:
        """Return the weighted loss; 0 if everything may move."""
        if self._fixed is None:
            return 0.0
        changed = (features.x - self._first).abs() * self._fixed
        return self._weight * changed.mean() / self._fixed.mean()
