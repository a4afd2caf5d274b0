"""The average power spectrum of a generator's pictures, with slices at 0 and 45 degrees.

Karras et al. 2021 (StyleGAN3), appendix: pictures under a Kaiser window, squared magnitudes averaged over many
samples. Sticking texture shows as too much power near the pixel grid's limits, and as peaks along the axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.analysis.study import Bench, Estimate, RatioSum, Report, Study
from explorer.errors import UsageError
from explorer.ops.banded_fft import power_spectrum_steps
from explorer.state.request import LatentPoint
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.state.request import RenderRequest

__all__ = ["Spectrum", "power", "sampled"]

KAISER_BETA = 8.0
"""Side lobes 60 dB down, so that the strong low frequencies do not leak over the weak high ones."""

FINE = 0.25
"""Cycles a pixel from which on detail counts as fine: half of the pixel grid's limit."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Mean power in dB (0 dB: white noise of variance 1) over frequency in cycles a pixel.

    `axis`: along 0 degrees up to 0.5; `diagonal`: along 45 degrees up to 0.707; `radial`: mean of all directions up
    to 0.5. `fine`: power from `FINE` on relative to all but the mean.
    """

    frequency: NDArray[np.float64]
    axis: NDArray[np.float64]
    diagonal: NDArray[np.float64]
    radial: NDArray[np.float64]
    fine: Estimate

    @property
    def diagonal_frequency(self) -> NDArray[np.float64]:
        """Cycles a pixel of `diagonal`."""
        return np.asarray(self.frequency * math.sqrt(2))


def power(picture: Tensor) -> Tensor:
    """The windowed power `[H, W]` of a picture `[C, H, W]`, mean over the channels; frequency 0 at `[0, 0]`."""
    return run(power_steps(picture))


def power_steps(picture: Tensor) -> Steps[Tensor]:
    """`power` in steps."""
    window = _window(*picture.shape[1:]).to(picture.device)
    total: Tensor | None = None
    for channel in picture:
        centred = channel - (channel * window).sum() / window.sum()
        one = yield from power_spectrum_steps(centred * window)
        total = one if total is None else total + one
    assert total is not None  # a picture has a channel
    result: Tensor = total / len(picture) / window.square().sum()
    return result


def sampled(bench: Bench, request: RenderRequest, samples: int, *, seed: int = 0) -> Study[Spectrum]:
    """The average over the latents of `samples` seeds under a request's truncation, without motion.

    Raises:
        UsageError: Fewer than two samples.
    """
    if samples < 2:
        raise UsageError(f"{samples} sample{'s' * (samples != 1)} cannot make an average.", "Take at least 2.")
    total: Tensor | None = None
    fine = RatioSum()
    for i in range(samples):
        one_seed = request.with_base(LatentPoint(seeds=((seed + i, 1.0),)))
        still = replace(one_seed, transform=None, untransform=False, residual="none")
        picture = yield from bench.steps(still)
        one = yield from power_steps(picture.double())
        total = one if total is None else total + one
        yield None
        distance = _distance(*one.shape).to(one.device)
        fine.add(float(one[distance >= FINE].sum()), float(one[distance > 0].sum()))
        if (i + 1) % 4 == 0 or i + 1 == samples:
            yield Report(_spectrum((total / (i + 1)).cpu().numpy(), fine), i + 1, samples)
        else:
            yield None


def _spectrum(mean: NDArray[np.float64], fine: RatioSum) -> Spectrum:
    size = min(mean.shape)
    count = size // 2
    index = np.arange(1, count + 1)  # without the mean, which is taken off
    # Of a rectangular picture the nearest frequencies along the longer side, whose steps are finer.
    down, across = (np.rint(index * (n / size)).astype(np.int64) for n in mean.shape)
    rings, counts = _rings(*mean.shape)
    in_ring = np.bincount(rings, mean.ravel()) / counts
    estimate = Estimate(fine.decibels, fine.stderr_db, "dB", fine.count)
    return Spectrum(
        frequency=index / size,
        axis=_decibels(mean[0, across]),
        diagonal=_decibels(mean[down, across]),
        radial=_decibels(in_ring[index]),
        fine=estimate,
    )


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-20)))


@lru_cache(maxsize=2)
def _rings(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ring of each frequency, row by row, and how many are in each ring."""
    rings = np.rint(_distance(height, width).numpy().ravel() * min(height, width)).astype(np.int64)
    return rings, np.maximum(np.bincount(rings), 1)


@lru_cache(maxsize=8)
def _window(height: int, width: int) -> Tensor:
    with torch.inference_mode(False):
        return torch.from_numpy(np.outer(np.kaiser(height, KAISER_BETA), np.kaiser(width, KAISER_BETA))).float()


@lru_cache(maxsize=8)
def _distance(height: int, width: int) -> Tensor:
    """Cycles a pixel of each frequency, whatever its direction."""
    fy, fx = np.fft.fftfreq(height), np.fft.fftfreq(width)
    with torch.inference_mode(False):
        return torch.from_numpy(np.hypot(fy[:, None], fx[None, :]))
