"""A band-limited affine motion tile by tile: time proportional to the pixels, memory for a few tiles.

The readable form (`affine_reference`) upsamples the whole picture and looks up the moved one in it. For 1024 pixels
that takes 200 MB, and oneDNN needs half a minute for the convolution (a third of a second for 512: above a certain
size it has no fast form from one channel to sixteen). Here each tile is upsampled, everything that the moved
picture reads from it is looked up, and the tile is freed. Positions are computed in float64, so that every pixel of
the result belongs to exactly one tile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.util.steps import Steps

__all__ = ["affine_reference", "affine_tiles", "enlarged"]

_TILE, _GPU_TILE = (
    64,
    512,
)  # side in pixels of the original picture; on a GPU the number of launches matters, not of pixels
_BAND_PIXELS = 1 << 16  # of the moved picture, looked up in one step


def affine_reference(x: Tensor, taps: Tensor, up: int, matrix: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """Return the moved `x` `[N, C, H, W]` and its mask, by upsampling the whole picture.

    Args:
        x: The picture.
        taps: Low-pass filter at `up` times the resolution, `[2 k + 1, 2 k + 1]`.
        up: Upsampling factor.
        matrix: Forward motion `[3, 3]`.
    """
    height, width = x.shape[2:]
    pad = taps.shape[0] // 2
    large = enlarged(x, taps, up)
    sure = torch.zeros_like(large[:1, :1])
    border = 2 * pad + 1
    sure[:, :, border:-border, border:-border] = 1
    rows = torch.as_tensor(_theta(matrix, up, pad, height, width), dtype=torch.float32, device=x.device)[None]
    grid = F.affine_grid(rows, [1, 1, height, width], align_corners=False).to(x)
    moved = F.grid_sample(
        large, grid.expand(len(x), -1, -1, -1), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    mask = F.grid_sample(sure, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return moved, mask


def enlarged(x: Tensor, taps: Tensor, up: int) -> Tensor:
    """Return `x` `[N, C, H, W]` upsampled `up` times, with half a filter of extra samples on each side.

    The same as `upsample2d(x, taps, up=up, padding=half)`, but phase by phase, without multiplying by the stuffed
    zeros.
    """
    count = taps.shape[0]  # 2 * up * radius - 1
    height, width = x.shape[2:]
    weight = _phases(taps, up).to(x)
    y = F.conv2d(x.reshape(-1, 1, height, width), weight, padding=weight.shape[2])
    y = F.pixel_shuffle(y, up)
    first = _first(up)
    y = y[:, :, first : first + up * height + count - 1, first : first + up * width + count - 1]
    return y.reshape(*x.shape[:2], *y.shape[2:])


def affine_tiles(x: Tensor, taps: Tensor, up: int, matrix: NDArray[np.float64]) -> Steps[tuple[Tensor, Tensor]]:
    """Move a picture as `affine_reference` does, up to rounding, in steps of at most one tile."""
    height, width = x.shape[2:]
    pad = taps.shape[0] // 2
    lookup = _Lookup.of(_theta(matrix, up, pad, height, width), up, pad, height, width)
    mask = torch.empty(1, 1, height, width, dtype=x.dtype, device=x.device)
    for rows in _row_bands(slice(0, height), width):
        mask[:, :, rows] = torch.from_numpy(lookup.valid_mask(rows)).to(x)
        yield
    moved = torch.zeros_like(x)
    weight = _phases(taps, up).to(x)
    side = _TILE if x.device.type == "cpu" else _GPU_TILE
    # Upsampled samples begin half a filter before the picture; one more pixel, because a lookup reads two.
    across, down = (math.ceil((up * size + 2 * pad + up) / up) for size in (width, height))
    for top in range(-1, down, side):
        for left in range(-1, across, side):
            box = lookup.readers(top, left, side)
            if box is None:
                continue
            tile = _enlarged_tile(x, weight, up, top, left, side)
            yield
            for rows in _row_bands(box[0], box[1].stop - box[1].start):
                _look_up(moved, tile, lookup, rows, box[1], (top, left), side)
                yield
    return moved, mask


def _theta(matrix: NDArray[np.float64], up: int, pad: int, height: int, width: int) -> NDArray[np.float64]:
    """Return the map `[2, 3]` from the moved picture to the upsampled one, as for `affine_grid`."""
    theta: NDArray[np.float64] = np.linalg.inv(matrix)[:2].astype(np.float64)
    theta[:, 2] *= 2  # normalised coordinates span two units
    # A motion is in units of the width, normalised coordinates are in halves of the width and height.
    theta[0, 1] *= height / width
    theta[1, ::2] *= width / height
    # The upsampled grid is half a sample off and has `pad` extra samples on every side.
    theta[:, 2] += 1 / (up * width), 1 / (up * height)
    theta[0] *= width / (width + 2 * pad / up)
    theta[1] *= height / (height + 2 * pad / up)
    return theta


def _phases(taps: Tensor, up: int) -> Tensor:
    """Return the filter as `up * up` convolutions with one input channel, `[up * up, 1, k, k]`."""
    k = taps.shape[0] // up + 1
    phases = F.pad(taps, (0, 1, 0, 1)).reshape(k, up, k, up).permute(1, 3, 0, 2).flip(2, 3)
    return phases.reshape(up * up, 1, k, k) * up**2


def _first(up: int) -> int:
    """Return how many samples phase 0 of the first pixel is before the upsampled picture's edge."""
    return up - up // 2


def _row_bands(rows: slice, width: int) -> Iterator[slice]:
    count = max(1, _BAND_PIXELS // max(1, width))
    for start in range(rows.start, rows.stop, count):
        yield slice(start, min(start + count, rows.stop))


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Positions in the upsampled picture, in samples, of the moved picture's pixels (`across` is x).

    `across` and `down` hold the increment per column, the increment per row, and the position of the first pixel.
    """

    across: tuple[float, float, float]
    down: tuple[float, float, float]
    shape: tuple[int, int]
    up: int
    pad: int

    @classmethod
    def of(cls, theta: NDArray[np.float64], up: int, pad: int, height: int, width: int) -> _Lookup:
        """Convert the matrix of an `affine_grid`."""

        def axis(row: NDArray[np.float64], size: int) -> tuple[float, float, float]:
            half = (up * size + 2 * pad) / 2
            begin = row[0] * (1 / width - 1) + row[1] * (1 / height - 1) + row[2]
            steps = half * row[:2] * (2 / width, 2 / height)
            return float(steps[0]), float(steps[1]), float(half * (begin + 1) - 0.5)

        return cls(axis(theta[0], width), axis(theta[1], height), (height, width), up, pad)

    def positions(self, rows: slice, columns: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (x, y) of the pixels of a box; a pixel's position does not depend on the box."""
        j, i = np.arange(columns.start, columns.stop)[None, :], np.arange(rows.start, rows.stop)[:, None]
        (ax, bx, cx), (ay, by, cy) = self.across, self.down
        return ax * j + (bx * i + cx), ay * j + (by * i + cy)

    def valid_mask(self, rows: slice) -> NDArray[np.float32]:
        """Return 1 where the nearest sample is free of border effects, for some rows of the moved picture."""
        height, width = self.shape
        x, y = self.positions(rows, slice(0, width))
        border = 2 * self.pad + 1
        inside = np.ones(x.shape, bool)
        for position, size in ((x, width), (y, height)):
            nearest = np.rint(position)
            inside &= (nearest >= border) & (nearest < self.up * size + 2 * self.pad - border)
        return inside.astype(np.float32)

    def readers(self, top: int, left: int, side: int) -> tuple[slice, slice] | None:
        """Return the box (rows, columns) of the moved picture that contains all pixels of a tile; None if empty."""
        (ax, bx, cx), (ay, by, cy) = self.across, self.down
        first = _first(self.up)
        corners = [
            (left * self.up - first + dx, top * self.up - first + dy)
            for dx in (0, side * self.up) for dy in (0, side * self.up)
        ]  # fmt: skip
        determinant = ax * by - bx * ay
        columns = [((x - cx) * by - (y - cy) * bx) / determinant for x, y in corners]
        rows = [((y - cy) * ax - (x - cx) * ay) / determinant for x, y in corners]
        height, width = self.shape
        box = []
        for values, size in ((rows, height), (columns, width)):
            low, high = max(min(values) - 1, 0), min(max(values) + 2, size)
            if not low < high:
                return None
            box.append(slice(math.floor(low), math.ceil(high)))
        return box[0], box[1]


def _enlarged_tile(x: Tensor, weight: Tensor, up: int, top: int, left: int, side: int) -> Tensor:
    """Return the upsampled samples of a tile plus one pixel, `[N, C, up * (side + 1), up * (side + 1)]`."""
    k = weight.shape[2]
    wanted = side + k  # the convolution at `start` ... `start + side` reads from `start - k`
    y0, x0 = top - k, left - k
    part = x[:, :, max(y0, 0) : y0 + wanted, max(x0, 0) : x0 + wanted]
    north, west = max(-y0, 0), max(-x0, 0)
    part = F.pad(part, (west, wanted - part.shape[3] - west, north, wanted - part.shape[2] - north))
    y = F.conv2d(part.reshape(-1, 1, wanted, wanted), weight)
    return F.pixel_shuffle(y, up).reshape(*x.shape[:2], up * (side + 1), up * (side + 1))


def _look_up(
    moved: Tensor, tile: Tensor, lookup: _Lookup, rows: slice, columns: slice, corner: tuple[int, int], side: int
) -> None:
    """Look up the pixels of a box that belong to a tile and write them into `moved`."""
    x, y = lookup.positions(rows, columns)
    up, count = lookup.up, side * lookup.up
    x0, y0 = corner[1] * up - _first(up), corner[0] * up - _first(up)
    # Compared before rounding, so that every pixel belongs to exactly one tile.
    inside = (x >= x0) & (x < x0 + count) & (y >= y0) & (y < y0 + count)
    if not inside.any():
        return
    size = tile.shape[3]
    positions = np.stack([x - x0, y - y0], axis=-1) * (2 / size) + (1 / size - 1)
    grid = torch.from_numpy(positions.astype(np.float32))[None].to(tile)
    found = F.grid_sample(
        tile, grid.expand(len(tile), -1, -1, -1), mode="bilinear", padding_mode="border", align_corners=False
    )
    here = torch.from_numpy(inside).to(tile.device)
    part = moved[:, :, rows, columns]
    moved[:, :, rows, columns] = torch.where(here, found, part)
