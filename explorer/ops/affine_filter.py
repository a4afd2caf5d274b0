"""The low-pass filter of an affine motion: what both the still and the moved pixel grid can hold.

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

LOBES = 3  # of the Lanczos windows, unless told otherwise; `a` in the literature

SPAN, QUICK_SPAN = 64, 16
"""Radius in pixels of the domain in which a filter is designed: that of the metrics, and one that differs by less
than an 8-bit level and takes a twentieth of the time, which counts while a picture turns on the screen. A motion
that only translates needs the long one (two equal sincs decay slowly), but the same for every step."""

_Array = NDArray[np.float64]

_BAND = 64  # rows or columns of the domain (511 of them) that one step computes

_KEPT = 256
_designs: dict[tuple[object, ...], Tensor] = {}  # a tenth of a second each to design, 9 kB to keep


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
    """Low-pass filter for what both the still and the moved pixel grid can hold; square, `2 * radius * up - 1`.

    The ideal filter is the convolution of the two grids' ideal low-passes, windowed by the convolution of their
    Lanczos windows; each polyphase component is normalised to unit gain. `radius` (in pixels) defaults to twice
    the lobes; `span` is the radius of the FFT's domain.
    """
    radius = 2 * lobes if radius is None else radius
    return run(_design(matrix, up, lobes, radius, span, cutoff_in, cutoff_out))


def taps_steps(
    linear: tuple[float, ...], up: int, lobes: int, cutoff_in: float, cutoff_out: float, span: int
) -> Steps[Tensor]:
    """`affine_filter` of the matrix `linear` `[2, 2]` (row by row) as float32; the last ones are kept."""
    key = (linear, up, lobes, cutoff_in, cutoff_out, span)
    taps = _designs.get(key)
    if taps is None:
        matrix = np.array(linear).reshape(2, 2)
        design = yield from _design(matrix, up, lobes, 2 * lobes, span, cutoff_in, cutoff_out)
        # Kept tensors must not be inference tensors, which a caller with gradients could not use.
        with torch.inference_mode(False):
            taps = torch.as_tensor(design, dtype=torch.float32)
        _designs[key] = taps
        while len(_designs) > _KEPT:
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
        """Rows of the moved grid's plane: a product of two shapes."""

        def rows(which: slice) -> _Array:
            xo = tau[None, :] * matrix[0, 0] + tau[which, None] * matrix[0, 1]
            yo = tau[None, :] * matrix[1, 0] + tau[which, None] * matrix[1, 1]
            return shape(xo) * shape(yo)

        return rows

    # The still grid's filters are products of two lines, so one line is transformed and not a plane.
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
    """Return the circular convolution of `outer(line, line)` with a plane `[n, n]` given by its rows, all real."""
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
