"""Moves pictures in pixel space: integer shift, Lanczos translation, band-limited affine motion.

These are the references of StyleGAN3's equivariance metrics (Karras et al. 2021, appendix E), and also used by
"untransform". Every function returns `(picture, mask)`; the mask `[1, 1, H, W]` is 1 where the result is free of
border effects. Coordinates are as everywhere: x right, y down, unit = picture width (also for y).

Functions that are slow for large pictures have two forms: `NAME_steps` yields between short steps, `NAME` runs
them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from explorer.ops import backend
from explorer.ops.affine_filter import LOBES, QUICK_SPAN, SPAN, affine_filter, taps_steps
from explorer.ops.affine_tiles import affine_reference, affine_tiles
from explorer.ops.upfirdn2d import upfirdn2d
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "QUICK_SPAN",
    "SPAN",
    "affine",
    "affine_filter",
    "affine_steps",
    "pseudo_rotation",
    "pseudo_rotation_steps",
    "rotation",
    "rotation_matrix",
    "rotation_steps",
    "translate",
    "translate_integer",
    "translate_steps",
    "undo",
    "undo_steps",
]

_BAND_PIXELS = 1 << 15  # of a picture, filtered in one step


def rotation_matrix(angle: float) -> NDArray[np.float64]:
    """Return the forward motion `[3, 3]` that rotates a picture counter-clockwise by `angle` radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])


def translate_integer(x: Tensor, tx: float, ty: float) -> tuple[Tensor, Tensor]:
    """Shift `x` `[N, C, H, W]` `round(tx * W)` whole pixels right and `round(ty * W)` down; fill with zeros."""
    height, width = x.shape[2:]
    ix, iy = round(tx * width), round(ty * width)
    moved = torch.zeros_like(x)
    mask = x.new_zeros(1, 1, height, width)
    if abs(ix) < width and abs(iy) < height:
        rows, cols = _span(iy, height), _span(ix, width)
        moved[:, :, rows, cols] = x[:, :, _span(-iy, height), _span(-ix, width)]
        mask[:, :, rows, cols] = 1
    return moved, mask


def translate(x: Tensor, tx: float, ty: float, lobes: int = LOBES) -> tuple[Tensor, Tensor]:
    """Shift `x` `[N, C, H, W]` by fractional pixels with a separable Lanczos kernel."""
    return run(translate_steps(x, tx, ty, lobes))


def translate_steps(x: Tensor, tx: float, ty: float, lobes: int = LOBES) -> Steps[tuple[Tensor, Tensor]]:
    """Run `translate` in steps of some rows."""
    height, width = x.shape[2:]
    ix, fx = _whole_and_rest(tx * width)
    iy, fy = _whole_and_rest(ty * width)
    a, b = lobes, lobes - 1
    moved = torch.zeros_like(x)
    mask = x.new_zeros(1, 1, height, width)
    rows = slice(max(iy - b, 0), height + min(iy + a, 0))
    cols = slice(max(ix - b, 0), width + min(ix + a, 0))
    across, down = _lanczos_taps(fx, lobes, x)[None, :], _lanczos_taps(fy, lobes, x)[:, None]
    if cols.start < cols.stop:
        pad = 2 * a - 1
        for band in _row_bands(rows, width):
            part = _rows_of(x, band.start - iy - a, band.stop - iy + b)
            y = upfirdn2d(upfirdn2d(part, across, padding=[pad, pad, 0, 0]), down)
            # Column c of y is the picture at c - b; reading it at c + b - ix moves it right by ix.
            moved[:, :, band, cols] = y[..., cols.start + b - ix : cols.stop + b - ix]
            yield
    inner_rows = slice(max(iy + a, 0), max(height + min(iy - b, 0), 0))
    inner_cols = slice(max(ix + a, 0), max(width + min(ix - b, 0), 0))
    mask[:, :, inner_rows, inner_cols] = 1
    return moved, mask


def rotation(
    x: Tensor, angle: float, *, up: int = 4, lobes: int = LOBES, cutoff_in: float = 1.0, cutoff_out: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Rotate `x` `[N, C, H, W]` counter-clockwise by `angle` radians, band-limited; arguments as in `affine`."""
    matrix = rotation_matrix(angle)
    return affine(x, matrix, up=up, lobes=lobes, cutoff_in=cutoff_in, cutoff_out=cutoff_out)


def rotation_steps(x: Tensor, angle: float) -> Steps[tuple[Tensor, Tensor]]:
    """Run `rotation` in steps."""
    return affine_steps(x, rotation_matrix(angle))


def affine(
    x: Tensor,
    matrix: NDArray[np.float64],
    *,
    up: int = 4,
    lobes: int = LOBES,
    cutoff_in: float = 1.0,
    cutoff_out: float = 1.0,
    span: int = SPAN,
) -> tuple[Tensor, Tensor]:
    """Move `x` `[N, C, H, W]` by the forward `matrix` `[3, 3]`, band-limited before and after the motion.

    The picture is upsampled `up` times with a filter designed for the motion, then looked up bilinearly. The
    cutoffs are fractions of the Nyquist frequency of the original and of the moved grid. `span`: see `SPAN`.
    """
    return run(affine_steps(x, matrix, up=up, lobes=lobes, cutoff_in=cutoff_in, cutoff_out=cutoff_out, span=span))


def affine_steps(
    x: Tensor,
    matrix: NDArray[np.float64],
    *,
    up: int = 4,
    lobes: int = LOBES,
    cutoff_in: float = 1.0,
    cutoff_out: float = 1.0,
    span: int = SPAN,
) -> Steps[tuple[Tensor, Tensor]]:
    """Run `affine` in steps of a tile."""
    linear = tuple(float(v) for v in matrix[:2, :2].ravel())
    taps = (yield from taps_steps(linear, up, lobes, cutoff_in, cutoff_out, span)).to(x.device)
    if backend.policy().backend == "reference":
        return affine_reference(x, taps, up, matrix)
    return (yield from affine_tiles(x, taps, up, matrix))


def undo(x: Tensor, matrix: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """Move `x` `[N, C, H, W]` back by the inverse of the forward `matrix`: a faster `affine` for display."""
    return run(undo_steps(x, matrix))


def undo_steps(x: Tensor, matrix: NDArray[np.float64]) -> Steps[tuple[Tensor, Tensor]]:
    """Run `undo` in steps."""
    inverse: NDArray[np.float64] = np.linalg.inv(matrix).astype(np.float64)
    turns = not np.array_equal(inverse[:2, :2], np.eye(2))
    return affine_steps(x, inverse, span=QUICK_SPAN if turns else SPAN)


def pseudo_rotation(
    x: Tensor, angle: float, *, lobes: int = LOBES, cutoff_in: float = 1.0, cutoff_out: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return `x` `[N, C, H, W]` without the frequencies that `rotation` by `angle` would remove."""
    return run(pseudo_rotation_steps(x, angle, lobes=lobes, cutoff_in=cutoff_in, cutoff_out=cutoff_out))


def pseudo_rotation_steps(
    x: Tensor, angle: float, *, lobes: int = LOBES, cutoff_in: float = 1.0, cutoff_out: float = 1.0
) -> Steps[tuple[Tensor, Tensor]]:
    """Run `pseudo_rotation` in steps of some rows."""
    linear = tuple(float(v) for v in rotation_matrix(-angle)[:2, :2].ravel())
    taps = (yield from taps_steps(linear, 1, lobes, cutoff_in, cutoff_out, SPAN)).to(x.device)
    height, width = x.shape[2:]
    border = taps.shape[0] // 2
    mask = torch.zeros_like(x[:1, :1])
    mask[:, :, border:-border, border:-border] = 1
    filtered = torch.empty_like(x)
    for band in _row_bands(slice(0, height), width):
        part = _rows_of(x, band.start - border, band.stop + border)
        filtered[:, :, band] = upfirdn2d(part, taps, padding=[border, border, 0, 0])
        yield
    return filtered, mask


def _row_bands(rows: slice, width: int) -> Iterator[slice]:
    count = max(1, _BAND_PIXELS // max(1, width))
    for start in range(rows.start, rows.stop, count):
        yield slice(start, min(start + count, rows.stop))


def _rows_of(x: Tensor, start: int, stop: int) -> Tensor:
    """Return the rows `start:stop` of `x`, zero outside of it."""
    height = x.shape[2]
    first, last = min(max(start, 0), height), min(max(stop, 0), height)
    above = min(max(-start, 0), stop - start)
    part = x[:, :, first:last]
    return F.pad(part, (0, 0, above, stop - start - part.shape[2] - above))


def _lanczos_taps(rest: float, lobes: int, like: Tensor) -> Tensor:
    k = np.arange(-lobes + 1, lobes + 1) - rest
    taps = np.sinc(k) * np.sinc(k / lobes)
    return torch.as_tensor(taps / taps.sum(), dtype=torch.float32, device=like.device)


def _whole_and_rest(pixels: float) -> tuple[int, float]:
    whole = math.floor(pixels)
    return whole, pixels - whole


def _span(shift: int, size: int) -> slice:
    return slice(max(shift, 0), size + min(shift, 0))
