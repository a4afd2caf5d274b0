"""DragGAN's own rule (Pan et al. 2023), to compare with: motion supervision by unit steps, and point tracking.

A step first looks for each handle where the features are nearest to those of the first picture, within `r2`, and
then asks the features within `r1` to be found one pixel nearer to the target. The radii are scaled from 512 pixels.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from explorer.dragging.features import FeatureMap
from explorer.dragging.problem import HandleState
from explorer.dragging.rule import Keep

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.dragging.problem import Drag

__all__ = ["DragGAN"]

R1, R2 = 3 / 512, 12 / 512
"""Radii of motion supervision and of tracking, in picture widths."""

TOLERANCE = 1.0
"""Pixels from the target at which a handle has arrived, for up to five; twice that for more."""


class DragGAN:
    """The rule as published; lost handles it does not know.

    Args:
        first: Features of the first picture.
        drag: Handles, targets, mask, and the weight of the mask.
        size: (height, width) of the picture.
    """

    def __init__(self, first: FeatureMap, drag: Drag, size: tuple[int, int]) -> None:
        self._size = size
        first = self._resized(first.detach())
        device = first.x.device
        self._targets = torch.tensor(drag.targets, dtype=torch.float32, device=device)
        self._points = torch.tensor(drag.handles, dtype=torch.float32, device=device).round()
        self._references = first.at(self._points)
        self._keep = Keep(first, drag.mask, drag.settings.keep)
        self._r1, self._r2 = max(1, round(R1 * size[1])), max(1, round(R2 * size[1]))
        self._tolerance = TOLERANCE if len(drag.handles) <= 5 else 2 * TOLERANCE
        self._losses = torch.zeros(len(drag.handles))

    def _resized(self, features: FeatureMap) -> FeatureMap:
        """Return the features resampled to a sample for each pixel of the picture."""
        height, width = self._size
        rows, columns = torch.arange(height), torch.arange(width)
        points = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).float().to(features.x.device)
        x = features.at(points).permute(2, 0, 1)[None]
        return FeatureMap(x, type(features.grid)((1.0, 1.0), (0.0, 0.0)))

    def loss(self, features: FeatureMap) -> Tensor | None:
        """See `Rule.loss`."""
        features = self._resized(features)
        self._track(features.detach())
        way = self._targets - self._points
        distance = way.norm(dim=1)
        if bool((distance <= self._tolerance).all()):
            return None
        total: Tensor | float = self._keep(features)
        for point, step, left in zip(self._points, way, distance, strict=True):
            if float(left) <= 1.0:
                continue
            area = self._around(point, self._r1)
            here = features.at(area).detach()
            total = total + F.l1_loss(features.at(area + step / (left + 1e-7)), here)
        return total if isinstance(total, torch.Tensor) else None

    def _around(self, point: Tensor, radius: int) -> Tensor:
        reach = torch.arange(-radius, radius + 1, device=point.device, dtype=point.dtype)
        offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1).reshape(-1, 2)
        return point + offsets[offsets.norm(dim=1) < radius]

    def _track(self, features: FeatureMap) -> None:
        last = self._points.new_tensor([self._size[0] - 1, self._size[1] - 1])
        reach = torch.arange(-self._r2, self._r2 + 1, device=last.device, dtype=last.dtype)
        offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1).reshape(-1, 2)
        for i, reference in enumerate(self._references):
            places = torch.minimum((self._points[i] + offsets).clamp_min(0), last)
            distances = (features.at(places) - reference).norm(dim=1)
            best = int(distances.argmin())
            self._points[i] = places[best]
            self._losses[i] = (features.at(places[best]) - reference).abs().mean()

    @property
    def handles(self) -> tuple[HandleState, ...]:
        """See `Rule.handles`."""
        arrived = (self._targets - self._points).norm(dim=1) <= self._tolerance
        return tuple(
            HandleState((float(y), float(x)), "arrived" if done else "moving", loss=float(loss))
            for (y, x), done, loss in zip(self._points, arrived, self._losses, strict=True)
        )

    @property
    def remaining(self) -> float:
        """See `Rule.remaining`."""
        return float((self._targets - self._points).norm(dim=1).sum())

    def copy(self) -> DragGAN:
        """See `Rule.copy`."""
        other = copy.copy(self)
        other._points, other._losses = self._points.clone(), self._losses.clone()
        return other
