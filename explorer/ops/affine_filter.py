"""The low-pass filter of an affine motion, for the band limits of both the original and the moved pixel grid.

Karras et al. 2021 (StyleGAN3), appendix E.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.util.steps import Steps, run

__all__ = ["LOBES", "QUICK_SPAN", "SPAN", "affine_filter", "taps_steps"]

LOBES = 3  # default size of the Lanczos windows; `a` in the literature

SPAN, QUICK_SPAN = 64, 16
"""Radius in pixels of the domain in which a filter is designed, for metrics and for display.

The second takes a twentieth of the time and differs by less than an 8-bit level. Pure translations need the first
(two equal sincs decay slowly), but the same filter for every step.
"""

_Array = NDArray[np.float64]

_BAND = 64  # rows or columns of the domain (511 of them) that one step computes

_MAX_DESIGNS = 256
_designs: dict[tuple[object, ...], Tensor] = {}  # each takes 0.1 s to design and 9 kB to cache


def affine_filter(
    matrix: NDArray[np.float64],
    *,
    up: int,
    lobes: int = LOBES,
    radius: int | None = None,
    span: int = SPAN,
    cutoff_in: float = 1.0,
    cutoff_out: float = 1.0,
) -> NDArray[np.float64]:
    """Return the low-pass filter for the original and the moved pixel grid; square, `2 * radius * up - 1` taps.

    The ideal filter is the convolution of the two grids' ideal low-pass filters, windowed by the convolution of
    their Lanczos windows; each polyphase component is normalised to unit gain. `radius` (in pixels) defaults to
    twice the lobes; `span` is the radius of the FFT's domain.
    """
    radius = 2 * lobes if radius is None else radius
    return run(_design(matrix, up, lobes, radius, span, cutoff_in, cutoff_out))


def taps_steps(
    linear: tuple[float, ...], up: int, lobes: int, cutoff_in: float, cutoff_out: float, span: int
) -> Steps[Tensor]:
    """Return `affine_filter` of the matrix `linear` `[2, 2]` (row by row) as float32; the latest are cached."""
    key = (linear, up, lobes, cutoff_in, cutoff_out, span)
    taps = _designs.get(key)
    if taps is None:
        matrix = np.array(linear).reshape(2, 2)
        design = yield from _design(matrix, up, lobes, 2 * lobes, span, cutoff_in, cutoff_out)
        # Cached tensors must not be inference tensors, which cannot be used with gradients.
        with torch.inference_mode(False):
            taps = torch.as_tensor(design, dtype=torch.float32)
        _designs[key] = taps
        while len(_designs) > _MAX_DESIGNS:
            _designs.pop(next(iter(_designs)), None)
    return taps


def _design(
    matrix: NDArray[np.float64],
    up: int,
    lobes: int,
    radius: int,
    span: int,
    cutoff_in: float,
    cutoff_out: float,
) -> Steps[NDArray[np.float64]]:
    center = span * up - 1
    tau = np.roll((np.arange(2 * span * up - 1) + 1) / up - span, -center)  # zero first, as the FFT wants it

    def moved(shape: Callable[[_Array], _Array]) -> Callable[[slice], _Array]:
        """Return the rows of the moved grid's plane, a product of two shapes."""

        def rows(which: slice) -> _Array:
            xo = tau[None, :] * matrix[0, 0] + tau[which, None] * matrix[0, 1]
            yo = tau[None, :] * matrix[1, 0] + tau[which, None] * matrix[1, 1]
            return shape(xo) * shape(yo)

        return rows

    # The original grid's filters are separable, so a line is transformed instead of a plane.
    ideal = yield from _convolved(np.sinc(tau * cutoff_in), moved(lambda x: np.sinc(x * cutoff_out)))
    window = yield from _convolved(_lanczos_window(tau, lobes), moved(lambda x: _lanczos_window(x, lobes)))
    taps = np.roll(ideal * window, (center, center), axis=(0, 1))
    crop = (span - radius) * up
    taps = np.pad(taps[crop : len(taps) - crop, crop : len(taps) - crop], ((0, 1), (0, 1)))
    phases = taps.reshape(2 * radius, up, 2 * radius, up)
    phases = phases / phases.sum(axis=(0, 2), keepdims=True) / up**2
    return np.asarray(phases.reshape(taps.shape)[:-1, :-1])


def _convolved(
    line: NDArray[np.float64], plane: Callable[[slice], NDArray[np.float64]]
) -> Steps[NDArray[np.float64]]:
    """Return the circular convolution of `outer(line, line)` with a real plane `[n, n]`, given by its rows."""
    count = len(line)
    whole, half = np.fft.fft(line), np.fft.rfft(line)
    spectrum = np.empty((count, len(half)), np.complex128)
    for rows in _bands(count):
        spectrum[rows] = np.fft.rfft(plane(rows), axis=1)
        yield
    for columns in _bands(len(half)):
        product = np.fft.fft(spectrum[:, columns], axis=0) * whole[:, None] * half[None, columns]
        spectrum[:, columns] = np.fft.ifft(product, axis=0)
        yield
    result = np.empty((count, count))
    for rows in _bands(count):
        result[rows] = np.fft.irfft(spectrum[rows], n=count, axis=1)
        yield
    return result


def _bands(count: int) -> Iterator[slice]:
    for start in range(0, count, _BAND):
        yield slice(start, min(start + _BAND, count))


def _lanczos_window(x: NDArray[np.float64], lobes: int) -> NDArray[np.float64]:
    window = np.zeros_like(x)
    inside = np.abs(x) < lobes  # a small part of a large domain
    window[inside] = np.sinc(x[inside] / lobes)
    return window
