"""Regions of a picture on a coarse grid: a marked one, and those that compete with it for a channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GRID", "Regions", "cells_of", "regions_of"]

GRID = 32
"""Rows and columns of the grid, as in StyleSpace (Wu et al. 2021); pictures with fewer pixels have fewer."""

SEGMENTS = 8
"""Competing regions."""

_ROUNDS = 20
_PLACE = 1.0
"""Weight of a cell's place against its features, both of variance one."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The regions of a picture as masks.

    Attributes:
        masks: bool `[1 + segments, H, W]` on the device: the marked region, then its competitors. They share no
            pixel, and cover the picture.
        rows: The row of the grid of each row of pixels, `[H]`.
        columns: The column of the grid of each column of pixels, `[W]`.
    """

    masks: Tensor
    rows: Tensor
    columns: Tensor

    @property
    def inside(self) -> Tensor:
        """The marked region, bool `[H, W]`."""
        return self.masks[0]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return int(self.rows[-1]) + 1, int(self.columns[-1]) + 1


def cells_of(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the grid's row of each row of pixels, and its column of each column."""
    return tuple(torch.arange(n) * min(GRID, n) // n for n in (height, width))  # type: ignore[return-value]


def regions_of(region: NDArray[np.bool_], features: Tensor | None, device: torch.device) -> Regions:
    """Return a region, and the rest of the picture cut into segments.

    The segments are clusters (k-means) of the grid's cells by place and features. Without features that tell the
    cells apart they are blocks of a 3x3 grid.

    Args:
        region: The marked pixels, `[H, W]`.
        features: Of a layer of low resolution, `[C, h, w]`, without its margin.
        device: Of the result.

    Raises:
        UsageError: The region is empty, or the whole picture.
    """
    if not region.any() or region.all():
        raise UsageError("The region is empty, or the whole picture.", "Mark a part of the picture.")
    height, width = region.shape
    rows, columns = cells_of(height, width)
    shape = int(rows[-1]) + 1, int(columns[-1]) + 1
    points = _points(shape, features)
    inside = torch.from_numpy(region.astype(np.float32))
    is_free = (F.adaptive_avg_pool2d(inside[None, None], shape)[0, 0] < 0.5).numpy().ravel()
    labels = np.zeros(len(points), np.int64)
    if is_free.any():
        labels[is_free] = _clustered(points[is_free], SEGMENTS)
        labels[~is_free] = _nearest(points[~is_free], points[is_free], labels[is_free])
    of_pixels = torch.from_numpy(labels.reshape(shape))[rows][:, columns]
    marked = inside > 0.5
    masks = [marked] + [(of_pixels == i) & ~marked for i in range(int(labels.max()) + 1)]
    kept = torch.stack([mask for mask in masks if mask.any()])
    return Regions(kept.to(device), rows.to(device), columns.to(device))


def _points(shape: tuple[int, int], features: Tensor | None) -> NDArray[np.float64]:
    """Return what cells are compared by, `[cells, d]`: their place, and their features if they have any."""
    down, across = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in shape), indexing="ij")
    place = np.stack([across.ravel(), down.ravel()], axis=1) * np.sqrt(1.5)  # of variance 1/2 each
    if features is None or not bool(torch.isfinite(features).all()):
        return _blocks(place)
    resized = F.interpolate(features.float()[None].cpu(), shape, mode="bilinear", antialias=True)[0]
    x = resized.flatten(1).T.double().numpy()
    spread = x.std(axis=0)
    if not (spread > 1e-6).any():
        return _blocks(place)
    x = (x - x.mean(axis=0)) / np.where(spread > 1e-6, spread, np.inf)
    joined: NDArray[np.float64] = np.concatenate([_PLACE * place, x / np.sqrt((spread > 1e-6).sum())], axis=1)
    return joined


def _blocks(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places rounded to those of a 3x3 grid."""
    rounded: NDArray[np.float64] = np.round(place)
    return rounded


def _clustered(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the cluster `[n]` of each point by k-means (k-means++ start, the same each time)."""
    random = np.random.RandomState(0)
    centres = points[[random.randint(len(points))]]
    while len(centres) < count:
        away = _distances(points, centres).min(axis=1)
        if not away.sum() > 0.0:  # no more different points than clusters
            break
        centres = np.concatenate([centres, points[[random.choice(len(points), p=away / away.sum())]]])
    labels = np.zeros(len(points), np.int64)
    for _ in range(_ROUNDS):
        labels = _distances(points, centres).argmin(axis=1)
        for i in range(len(centres)):
            if (labels == i).any():
                centres[i] = points[labels == i].mean(axis=0)
    return labels


def _nearest(
    points: NDArray[np.float64], others: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the label of the nearest of the other points for each point."""
    found: NDArray[np.int64] = labels[_distances(points, others).argmin(axis=1)] if len(points) else labels[:0]
    return found


def _distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distances `[n, m]`."""
    squares: NDArray[np.float64] = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2.0 * a @ b.T
    return squares.clip(min=0.0)
