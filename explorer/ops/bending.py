"""Operators of network bending: they move, reshape or replace a layer's features (Broad et al. 2020).

Every operator but `resize` takes features `[N, C, H, W]` of any float dtype (no float16 on a CPU) and returns new
ones of that shape and dtype; it is deterministic, and treats every item of the batch alike. x is right, y down;
rotations and scales are about the centre of the whole map, which for StyleGAN3 includes the margin. Zeros come in
from outside.

Scaling and translating are separable Lanczos resampling (three lobes, stretched where samples are skipped, so that
nothing aliases); a translation by whole samples copies them. Rotations are bicubic: they skip no samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.banded import Banded

__all__ = ["LARGEST_RADIUS", "OPERATORS", "bend", "resize"]

LARGEST_RADIUS = 64
"""Of `erode` and `dilate`, in samples; their cost grows with it."""

_LOBES = 3
_ROWS = 64  # of the matrices' tiles
_KEPT_NOISE = 1 << 22  # numbers: larger fields are drawn again for every picture


def bend(
    x: Tensor, operation: str, parameters: Sequence[float], *, seed: int = 0,
    channels: Sequence[int] | None = None, amount: float = 1.0,
) -> Tensor:  # fmt: skip
    """Return features with some channels blended towards the result of an operator: `x + amount * (y - x)`.

    Args:
        x: `[N, C, H, W]`, not modified.
        operation: A name in `OPERATORS`.
        parameters: Of the operator, in order.
        seed: Of the operator `noise`, 0 or more.
        channels: Numbers of the channels, each once; None: all.
        amount: 0 gives `x`, 1 the operator's result.
    """
    index = None if channels is None else torch.tensor(channels, dtype=torch.long, device=x.device)
    chosen = x if index is None else x.index_select(1, index)
    more = (seed,) if operation == "noise" else ()
    bent = OPERATORS[operation](chosen, *parameters, *more)
    mixed = bent if amount == 1.0 else torch.lerp(chosen, bent, amount)
    return mixed if index is None else x.index_copy(1, index, mixed)


def translate(x: Tensor, right: float, down: float) -> Tensor:
    """Move by fractions of the map's width and height."""
    height, width = x.shape[2:]
    return _resampled(x, (-down * height, 1.0), (-right * width, 1.0))


def scale(x: Tensor, factor: float) -> Tensor:
    """Enlarge by a positive factor about the centre."""
    height, width = x.shape[2:]
    step = 1.0 / factor
    rows, columns = ((0.5 * (size - 1) * (1.0 - step), step) for size in (height, width))
    return _resampled(x, rows, columns)


def rotate(x: Tensor, degrees: float) -> Tensor:
    """Rotate counter-clockwise about the centre; square maps are copied for quarter turns."""
    height, width = x.shape[2:]
    if height == width:
        turns = round(degrees / 90.0)
        x, degrees = torch.rot90(x, turns % 4, (2, 3)), degrees - 90.0 * turns
    if degrees == 0.0:
        return x
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    across = torch.arange(width, device=x.device, dtype=torch.float32) + (0.5 - width / 2)
    down = (torch.arange(height, device=x.device, dtype=torch.float32) + (0.5 - height / 2))[:, None]
    from_x, from_y = across * cos - down * sin, across * sin + down * cos  # where each sample comes from
    grid = torch.stack([from_x * (2 / width), from_y * (2 / height)], dim=2).expand(len(x), -1, -1, -1)
    moved = F.grid_sample(x.float(), grid, mode="bicubic", padding_mode="zeros", align_corners=False)
    return moved.to(x.dtype)


def flip_h(x: Tensor) -> Tensor:
    """Exchange left and right."""
    return x.flip(3)


def flip_v(x: Tensor) -> Tensor:
    """Exchange top and bottom."""
    return x.flip(2)


def invert(x: Tensor) -> Tensor:
    """Return 1 - x."""
    return 1 - x


def threshold(x: Tensor, level: float) -> Tensor:
    """Return 1 where x is above a level, 0 elsewhere."""
    return (x > level).to(x.dtype)


def multiply(x: Tensor, factor: float) -> Tensor:
    """Return the features times a factor."""
    return x * factor


def ablate(x: Tensor) -> Tensor:
    """Return zeros."""
    return torch.zeros_like(x)


def dilate(x: Tensor, radius: float) -> Tensor:
    """Return the maximum over a disc around each sample; what is outside the map does not count.

    Between whole radii the results of the two are blended. The disc of radius r has, at the row dy, the half width
    `round(sqrt(r^2 - dy^2))`: the ellipse of 2r + 1 samples of the original work's OpenCV.
    """
    radius = min(max(radius, 0.0), float(LARGEST_RADIUS))
    lower = math.floor(radius)
    first = _dilate(x, lower)
    return first if radius == lower else torch.lerp(first, _dilate(x, lower + 1), radius - lower)


def erode(x: Tensor, radius: float) -> Tensor:
    """Return the minimum over a disc around each sample; see `dilate`."""
    return -dilate(-x, radius)


def noise(x: Tensor, sigma: float, seed: int) -> Tensor:
    """Add normal noise of a standard deviation, in multiples of that of the item's features."""
    spread = x.float().std(dim=(1, 2, 3), keepdim=True, correction=0)
    shape = (x.shape[1], x.shape[2], x.shape[3])
    draw = _kept_noise if math.prod(shape) <= _KEPT_NOISE else _noise
    return (x + draw(seed, shape).to(x.device) * (spread * sigma)).to(x.dtype)


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Return the map resampled to another size, bicubic and without aliasing."""
    if x.shape[2:] == (height, width):
        return x
    resized = F.interpolate(x.float(), (height, width), mode="bicubic", align_corners=False, antialias=True)
    return resized.to(x.dtype)


OPERATORS: Mapping[str, Callable[..., Tensor]] = {
    "translate": translate, "rotate": rotate, "scale": scale, "flip-h": flip_h, "flip-v": flip_v,
    "invert": invert, "threshold": threshold, "multiply": multiply, "ablate": ablate, "erode": erode,
    "dilate": dilate, "noise": noise,
}  # fmt: skip
"""The operators by name; after the features they take their parameters, and `noise` also its seed."""


def _resampled(x: Tensor, rows: tuple[float, float], columns: tuple[float, float]) -> Tensor:
    """Resample both axes; (start, step): sample i of the result is the map at `start + step * i`."""
    y = x.float()
    if rows != (0.0, 1.0):
        matrix = Banded(_resampling(y.shape[2], *rows), _ROWS, device=x.device)
        moved = torch.zeros_like(y, memory_format=torch.contiguous_format)
        for tile in matrix.tiles:
            moved[:, :, tile.first : tile.last] = tile.block @ y[:, :, tile.start : tile.stop]
        y = moved
    if columns != (0.0, 1.0):
        matrix = Banded(_resampling(y.shape[3], *columns), _ROWS, device=x.device)
        moved = torch.zeros_like(y, memory_format=torch.contiguous_format)
        for tile in matrix.tiles:
            moved[..., tile.first : tile.last] = y[..., tile.start : tile.stop] @ tile.block.T
        y = moved
    return y.to(x.dtype)


def _resampling(size: int, start: float, step: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the matrix `[size, size]` that resamples at `start + step * i`; rows from outside are zero."""
    stretch = max(1.0, step)
    centres = start + step * np.arange(size)
    taps = np.floor(centres)[:, None] + np.arange(1 - math.ceil(_LOBES * stretch), math.ceil(_LOBES * stretch) + 1)
    distance = (taps - centres[:, None]) / stretch
    weights = np.where(np.abs(distance) < _LOBES, np.sinc(distance) * np.sinc(distance / _LOBES), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    weights[np.abs(weights) < 1e-9] = 0.0  # whole samples are copied
    row, tap = np.nonzero((taps >= 0) & (taps < size))
    matrix = np.zeros((size, size))
    matrix[row, taps[row, tap].astype(np.intp)] = weights[row, tap]
    return matrix


def _dilate(x: Tensor, radius: int) -> Tensor:
    if radius == 0:
        return x
    padded = F.pad(x, (0, 0, radius, radius), value=-math.inf)
    widths = [round(math.sqrt(radius**2 - dy**2)) for dy in range(-radius, radius + 1)]
    best = x
    for half in sorted(set(widths)):
        wide = F.max_pool2d(padded, (1, 2 * half + 1), stride=1, padding=(0, half)) if half else padded
        for first in (i for i, width in enumerate(widths) if width == half):
            best = torch.maximum(best, wide[:, :, first : first + x.shape[2]])
    return best


def _noise(seed: int, shape: tuple[int, int, int]) -> Tensor:
    """Return standard normal noise `[C, H, W]` float32, drawn on the CPU: the same on every device."""
    with torch.inference_mode(False):  # so that gradients can pass what is kept
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


_kept_noise = lru_cache(maxsize=4)(_noise)
