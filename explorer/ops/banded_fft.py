"""The power spectrum of a large picture in bands of rows and columns, so that it can be interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from explorer.util.steps import Steps

__all__ = ["power_spectrum_steps"]

_WHOLE_PIXELS = 1 << 16
"""Pictures up to this size are transformed at once, by torch."""

_BAND_PIXELS = 1 << 16


def power_spectrum_steps(x: Tensor) -> Steps[Tensor]:
    """Return `|fft2(x)|^2` `[H, W]` of a real `x` `[H, W]`; frequency 0 at `[0, 0]`."""
    height, width = x.shape
    if height * width <= _WHOLE_PIXELS:
        whole: Tensor = torch.fft.fft2(x).abs().square()
        return whole
    half = torch.empty(height, width // 2 + 1, dtype=torch.promote_types(x.dtype, torch.complex64), device=x.device)
    rows = max(1, _BAND_PIXELS // width)
    for start in range(0, height, rows):
        half[start : start + rows] = torch.fft.rfft(x[start : start + rows], dim=1)
        yield
    power = torch.empty_like(x)
    columns = max(1, _BAND_PIXELS // height)
    for start in range(0, half.shape[1], columns):
        part = half[:, start : start + columns]
        power[:, start : start + part.shape[1]] = torch.fft.fft(part, dim=0).abs().square()
        yield
    # The other half is the same, reversed in both directions; row 0 stays in its row.
    other = power[:, 1 : (width + 1) // 2].flip(1)
    power[:1, width // 2 + 1 :] = other[:1]
    power[1:, width // 2 + 1 :] = other[1:].flip(0)
    return power
