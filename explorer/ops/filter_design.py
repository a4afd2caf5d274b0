"""Low-pass filters of StyleGAN3: Kaiser-windowed sinc, and its radially symmetric counterpart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["design_lowpass", "design_lowpass_filter", "kaiser_beta"]


def kaiser_beta(numtaps: int, width: float, fs: float) -> float:
    """Return the shape parameter of the Kaiser window for a transition band of full width `width` at rate `fs`."""
    attenuation = 2.285 * np.pi * (numtaps - 1) * (width / (fs / 2)) + 7.95  # in dB
    if attenuation > 50:
        return float(0.1102 * (attenuation - 8.7))
    if attenuation > 21:
        return float(0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21))
    return 0.0


def design_lowpass(
    numtaps: int, cutoff: float, width: float, fs: float, radial: bool = False
) -> NDArray[np.float64]:
    """Return a low-pass filter in float64: `[numtaps]`, or `[numtaps, numtaps]` if radial, with sum 1.

    Args:
        numtaps: Number of taps, at least 1.
        cutoff: Cutoff frequency, in the unit of `fs`.
        width: Full width of the transition band.
        fs: Sampling rate.
        radial: Make the cutoff a circle in the frequency plane (jinc) instead of a square.
    """
    if numtaps < 1:
        raise ValueError(f"a filter needs at least one tap, got {numtaps}")
    positions = np.arange(numtaps) - (numtaps - 1) / 2
    window = np.kaiser(numtaps, kaiser_beta(numtaps, width, fs))
    if radial:
        radius = np.hypot(positions[:, None], positions[None, :]) / fs
        taps = _jinc(radius, cutoff) * np.outer(window, window)
    else:
        taps = np.sinc(cutoff / (fs / 2) * positions) * window
    normalized: NDArray[np.float64] = taps / taps.sum()
    return normalized


def design_lowpass_filter(
    numtaps: int, cutoff: float, width: float, fs: float, radial: bool = False
) -> Tensor | None:
    """Return `design_lowpass` as a float32 tensor; None for a single tap, which does not filter."""
    if numtaps == 1:
        return None
    # The result is allocated first, as a tensor, so that `AllocationLimit` applies to filters too.
    taps = torch.empty((numtaps, numtaps) if radial else (numtaps,), dtype=torch.float32)
    return taps.copy_(torch.from_numpy(design_lowpass(numtaps, cutoff, width, fs, radial)))


def _jinc(radius: NDArray[np.float64], cutoff: float) -> NDArray[np.float64]:
    # Imported here because scipy.special takes longer to import than a network without radial filters to build.
    from scipy.special import j1

    safe = np.where(radius == 0, 1, radius)
    # J1(x) / x tends to 1/2, so the centre tap of an odd filter is the cutoff itself.
    values: NDArray[np.float64] = np.where(radius == 0, cutoff, j1(2 * cutoff * np.pi * safe) / (np.pi * safe))
    return values
