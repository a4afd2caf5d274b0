"""Separable resampling as two matrix products: exact, differentiable to any order, fast on small pictures.

Zero-stuffing, padding, FIR filtering and decimation along one axis are linear, so they combine into one banded
matrix. On a CPU, at the sizes trained there, a dense product is faster than a depthwise convolution.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["FIR4", "axis_matrix", "resample"]

FIR4 = np.array([1.0, 3.0, 3.0, 1.0]) / 8


def axis_matrix(
    size: int, taps: np.ndarray, *, up: int = 1, down: int = 1, pad: tuple[int, int] = (0, 0), gain: float = 1.0
) -> Tensor:
    """Return the matrix `[out, size]` float32 that resamples one axis: zero-stuff, pad or crop, convolve, decimate.

    Args:
        size: Samples along the axis.
        taps: Filter, 1-D; it is convolved (not correlated).
        up: Zero-stuffing factor, zeros after each sample.
        down: Keep every `down`-th sample.
        pad: Zeros before and after, in stuffed samples; negative crops.
        gain: Factor on the result.
    """
    stuffed = np.zeros((size * up, size))
    stuffed[::up] = np.eye(size)
    low, high = pad
    stuffed = np.pad(stuffed, ((max(low, 0), max(high, 0)), (0, 0)))
    stuffed = stuffed[max(-low, 0) : stuffed.shape[0] - max(-high, 0)]
    length = stuffed.shape[0] - len(taps) + 1
    kernel = np.asarray(taps, np.float64)[::-1]
    filtered = sum(kernel[k] * stuffed[k : k + length] for k in range(len(taps)))
    return torch.from_numpy(np.asarray(filtered)[::down] * gain).float()


def resample(x: Tensor, matrix: Tensor) -> Tensor:
    """Apply `matrix` `[out, in]` along both axes of `x` `[N, C, in, in]`."""
    return torch.matmul(matrix, torch.matmul(x, matrix.t()))
