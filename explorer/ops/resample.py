"""Moves pictures in pixel space: integer shift, Lanczos translation, band-limited affine motion.

These are the references that StyleGAN3's equivariance metrics compare with (Karras et al. 2021, appendix E), and
what "untransform" shows. Every function returns `(picture, mask)`; the mask `[1, 1, H, W]` is 1 where the result
is free of border effects. Coordinates as everywhere: x right, y down, unit = picture width (height for y).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from explorer.ops.upfirdn2d import filter2d, upfirdn2d

__all__ = [
    "QUICK_SPAN",
    "SPAN",
    "affine",
    "affine_filter",
    "pseudo_rotation",
    "rotation",
    "rotation_matrix",
    "translate",
    "translate_integer",
    "undo",
]

_LOBES = 3  # of the Lanczos windows, unless told otherwise; `a` in the literature

SPAN, QUICK_SPAN = 64, 16
"""Radius in pixels of the domain in which a filter is designed: that of the metrics, and one that differs by less
than an 8-bit level and takes a twentieth of the time, which counts while a picture turns on the screen. A motion
that only translates needs the long one (two equal sincs decay slowly), but the same for every step."""


def rotation_matrix(angle: float) -> NDArray[np.float64]:
    """Forward motion `[3, 3]` that turns a picture counter-clockwise by `angle` radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])


def translate_integer(x: Tensor, tx: float, ty: float) -> tuple[Tensor, Tensor]:
    """`x` `[N, C, H, W]` shifted by whole pixels, `round(tx * W)` right and `round(ty * H)` down, zero-filled."""
    height, width = x.shape[2:]
    ix, iy = round(tx * width), round(ty * height)
    moved = torch.zeros_like(x)
    mask = x.new_zeros(1, 1, height, width)
    if abs(ix) < width and abs(iy) < height:
        rows, cols = _span(iy, height), _span(ix, width)
        moved[:, :, rows, cols] = x[:, :, _span(-iy, height), _span(-ix, width)]
        mask[:, :, rows, cols] = 1
    return moved, mask


def translate(x: Tensor, tx: float, ty: float, lobes: int = _LOBES) -> tuple[Tensor, Tensor]:
    """`x` `[N, C, H, W]` shifted by a fraction of a pixel with a separable Lanczos kernel."""
    height, width = x.shape[2:]
    ix, fx = _whole_and_rest(tx * width)
    iy, fy = _whole_and_rest(ty * height)
    a, b = lobes, lobes - 1
    moved = torch.zeros_like(x)
    mask = x.new_zeros(1, 1, height, width)
    rows = slice(max(iy - b, 0), height + min(iy + a, 0))
    cols = slice(max(ix - b, 0), width + min(ix + a, 0))
    if rows.start < rows.stop and cols.start < cols.stop:
        pad = 2 * a - 1
        y = upfirdn2d(x, _lanczos_taps(fx, lobes, x)[None, :], padding=[pad, pad, 0, 0])
        y = upfirdn2d(y, _lanczos_taps(fy, lobes, x)[:, None], padding=[0, 0, pad, pad])
        # Row r of y holds the picture at r - b; reading it at r + b - iy moves it down by iy.
        moved[:, :, rows, cols] = y[
            :, :, rows.start + b - iy : rows.stop + b - iy, cols.start + b - ix : cols.stop + b - ix
        ]
    inner_rows = slice(max(iy + a, 0), max(height + min(iy - b, 0), 0))
    inner_cols = slice(max(ix + a, 0), max(width + min(ix - b, 0), 0))
    mask[:, :, inner_rows, inner_cols] = 1
    return moved, mask


def rotation(
    x: Tensor, angle: float, *, up: int = 4, lobes: int = _LOBES, cutoff_in: float = 1.0, cutoff_out: float = 1.0
) -> tuple[Tensor, Tensor]:
    """`x` `[N, C, H, W]` turned counter-clockwise by `angle` radians, band-limited; arguments as `affine`."""
    matrix = rotation_matrix(angle)
    return affine(x, matrix, up=up, lobes=lobes, cutoff_in=cutoff_in, cutoff_out=cutoff_out)


def affine(
    x: Tensor,
    matrix: NDArray[np.float64],
    *,
    up: int = 4,
    lobes: int = _LOBES,
    cutoff_in: float = 1.0,
    cutoff_out: float = 1.0,
    span: int = SPAN,
) -> tuple[Tensor, Tensor]:
    """`x` `[N, C, H, W]` moved by the forward `matrix` `[3, 3]`, band-limited before and after the motion.

    The picture is enlarged `up` times with a filter made for the motion, then looked up bilinearly.
    The cutoffs are shares of the Nyquist frequency of the still and of the moved grid. `span`: see `SPAN`.
    """
    height, width = x.shape[2:]
    linear = tuple(float(v) for v in matrix[:2, :2].ravel())
    taps = _affine_taps(linear, up, lobes, cutoff_in, cutoff_out, span).to(x.device)
    pad = taps.shape[0] // 2
    enlarged = _enlarge(x, taps, up)
    sure = torch.zeros_like(enlarged[:1, :1])
    border = 2 * pad + 1
    sure[:, :, border:-border, border:-border] = 1

    inverse = np.linalg.inv(matrix)
    theta = inverse[:2].copy()
    theta[:, 2] *= 2  # normalised coordinates span two units
    # The enlarged grid lies half a sample off, and has `pad` extra samples on every side.
    theta[:, 2] += 1 / (up * width), 1 / (up * height)
    theta[0] *= width / (width + 2 * pad / up)
    theta[1] *= height / (height + 2 * pad / up)
    rows = torch.as_tensor(theta, dtype=torch.float32, device=x.device)[None]
    grid = F.affine_grid(rows, [1, 1, height, width], align_corners=False)
    moved = F.grid_sample(
        enlarged, grid.expand(len(x), -1, -1, -1).to(x), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    mask = F.grid_sample(sure, grid.to(x), mode="nearest", padding_mode="zeros", align_corners=False)
    return moved, mask


def undo(x: Tensor, matrix: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """`x` `[N, C, H, W]` moved back by the inverse of the forward `matrix`: `affine` in display speed."""
    inverse: NDArray[np.float64] = np.linalg.inv(matrix).astype(np.float64)
    turns = not np.array_equal(inverse[:2, :2], np.eye(2))
    return affine(x, inverse, span=QUICK_SPAN if turns else SPAN)


@lru_cache(maxsize=256)  # a tenth of a second each to design, 9 kB to keep
def _affine_taps(
    linear: tuple[float, ...], up: int, lobes: int, cutoff_in: float, cutoff_out: float, span: int
) -> Tensor:
    matrix = np.array(linear).reshape(2, 2)
    design = affine_filter(
        matrix, up=up, lobes=lobes, span=span, cutoff_in=cutoff_in, cutoff_out=cutoff_out
    )
    # Kept tensors must not be inference tensors, which a caller with gradients could not use.
    with torch.inference_mode(False):
        return torch.as_tensor(design, dtype=torch.float32)


def _enlarge(x: Tensor, taps: Tensor, up: int) -> Tensor:
    """`x` `[N, C, H, W]` enlarged `up` times with half the filter more samples on each side, phase by phase.

    The same as `upsample2d(x, taps, up=up, padding=half)`, without multiplying by the zeros between samples.
    """
    count = taps.shape[0]  # 2 * up * radius - 1
    height, width = x.shape[2:]
    per_phase = count // up + 1
    phases = F.pad(taps, (0, 1, 0, 1)).reshape(per_phase, up, per_phase, up).permute(1, 3, 0, 2).flip(2, 3)
    weight = phases.reshape(up * up, 1, per_phase, per_phase) * up**2
    y = F.conv2d(x.reshape(-1, 1, height, width), weight.to(x), padding=per_phase)
    y = F.pixel_shuffle(y, up)
    first = up // 2  # phase 0 of the first sample lies so many samples before the enlarged picture's edge
    y = y[:, :, first : first + up * height + count - 1, first : first + up * width + count - 1]
    return y.reshape(*x.shape[:2], *y.shape[2:])


def pseudo_rotation(
    x: Tensor, angle: float, *, lobes: int = _LOBES, cutoff_in: float = 1.0, cutoff_out: float = 1.0
) -> tuple[Tensor, Tensor]:
    """`x` `[N, C, H, W]` unmoved, without the frequencies that `rotation` by `angle` would have lost."""
    linear = tuple(float(v) for v in rotation_matrix(-angle)[:2, :2].ravel())
    taps = _affine_taps(linear, 1, lobes, cutoff_in, cutoff_out, SPAN).to(x.device)
    border = taps.shape[0] // 2
    mask = torch.zeros_like(x[:1, :1])
    mask[:, :, border:-border, border:-border] = 1
    return filter2d(x, taps), mask


def affine_filter(
    matrix: NDArray[np.float64],
    *,
    up: int,
    lobes: int = _LOBES,
    radius: int | None = None,
    span: int = SPAN,
    cutoff_in: float = 1.0,
    cutoff_out: float = 1.0,
) -> NDArray[np.float64]:
    """Low-pass filter for what both the still and the moved pixel grid can hold; square, `2 * radius * up - 1`.

    The ideal filter is the convolution of the two grids' ideal low-passes, windowed by the convolution of their
    Lanczos windows; each polyphase component is normalised to unit gain. `radius` (in pixels) defaults to twice
    the lobes; `span` is the radius of the FFT's domain.
    """
    radius = 2 * lobes if radius is None else radius
    center = span * up - 1
    tau = np.roll((np.arange(2 * span * up - 1) + 1) / up - span, -center)  # zero first, as the FFT wants it
    xo = tau[None, :] * matrix[0, 0] + tau[:, None] * matrix[0, 1]
    yo = tau[None, :] * matrix[1, 0] + tau[:, None] * matrix[1, 1]
    # The still grid's filters are products of two lines, so one line is transformed and not a plane.
    ideal = _convolve_line(np.sinc(tau * cutoff_in), np.sinc(xo * cutoff_out) * np.sinc(yo * cutoff_out))
    window = _convolve_line(_lanczos_window(tau, lobes), _lanczos_window(xo, lobes) * _lanczos_window(yo, lobes))
    taps = np.roll(ideal * window, (center, center), axis=(0, 1))
    crop = (span - radius) * up
    taps = np.pad(taps[crop : len(taps) - crop, crop : len(taps) - crop], ((0, 1), (0, 1)))
    phases = taps.reshape(2 * radius, up, 2 * radius, up)
    phases = phases / phases.sum(axis=(0, 2), keepdims=True) / up**2
    return np.asarray(phases.reshape(taps.shape)[:-1, :-1])


def _convolve_line(line: NDArray[np.float64], plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """The circular convolution of `outer(line, line)` with `plane` `[n, n]`, both real."""
    whole, half = np.fft.fft(line), np.fft.rfft(line)
    product = np.fft.rfft2(plane) * whole[:, None] * half[None, :]
    return np.asarray(np.fft.irfft2(product, s=plane.shape))


def _lanczos_window(x: NDArray[np.float64], lobes: int) -> NDArray[np.float64]:
    window = np.zeros_like(x)
    inside = np.abs(x) < lobes  # a small part of a large domain
    window[inside] = np.sinc(x[inside] / lobes)
    return window


def _lanczos_taps(rest: float, lobes: int, like: Tensor) -> Tensor:
    k = np.arange(-lobes + 1, lobes + 1) - rest
    taps = np.sinc(k) * np.sinc(k / lobes)
    return torch.as_tensor(taps / taps.sum(), dtype=torch.float32, device=like.device)


def _whole_and_rest(pixels: float) -> tuple[int, float]:
    whole = math.floor(pixels)
    return whole, pixels - whole


def _span(shift: int, size: int) -> slice:
    return slice(max(shift, 0), size + min(shift, 0))
