"""The average power spectrum of a generator's pictures, with slices at 0 and 45 degrees.

Karras et al. 2021 (StyleGAN3), appendix: pictures under a Kaiser window, squared magnitudes averaged over many
samples. Sticking texture shows up as excess power near the pixel grid's limit, and as peaks along the axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from explorer.analysis.estimate import Estimate, RatioSum
from explorer.jobs.job import Job, JobContext, Report
from explorer.ops.banded_fft import power_spectrum_steps
from explorer.state.request import LatentPoint
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.analysis.registry import Samples
    from explorer.generators.base import GeneratorInfo
    from explorer.state.request import RenderRequest

__all__ = ["Spectrum", "collect", "power", "total"]

KAISER_BETA = 8.0
"""Side lobes 60 dB down, so that the strong low frequencies do not leak into the weak high ones."""

FINE = 0.25
"""Cycles per pixel from which detail counts as fine: half of the pixel grid's limit."""


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

    def as_json(self) -> dict[str, Any]:
        """Return the slices, for scripts."""
        slices = {"0_db": self.axis, "45_db": self.diagonal, "radial_db": self.radial}
        return {
            "frequency": [round(float(f), 6) for f in self.frequency],
            **{name: [round(float(v), 3) for v in numbers] for name, numbers in slices.items()},
        }

    @property
    def diagonal_frequency(self) -> NDArray[np.float64]:
        """Frequencies of `diagonal` in cycles per pixel."""
        return np.asarray(self.frequency * math.sqrt(2))


def power(picture: Tensor) -> Tensor:
    """Return the windowed power `[H, W]` of `[C, H, W]`, averaged over channels; frequency 0 at `[0, 0]`."""
    return run(power_steps(picture))


def power_steps(picture: Tensor) -> Steps[Tensor]:
    """Do what `power` does, in steps."""
    window = _window(*picture.shape[1:]).to(picture.device)
    total: Tensor | None = None
    for channel in picture:
        centred = channel - (channel * window).sum() / window.sum()
        one = yield from power_spectrum_steps(centred * window)
        total = one if total is None else total + one
    assert total is not None  # a picture has a channel
    result: Tensor = total / len(picture) / window.square().sum()
    return result


Record: TypeAlias = "NDArray[np.float64]"
"""The power of one picture, from `power_steps`."""


def collect(context: JobContext, request: RenderRequest, samples: Samples) -> Job[Record]:
    """Collect the power of pictures of consecutive seeds under a request's truncation, without motion."""
    for done, i in enumerate(samples.numbers, start=1):
        one_seed = request.with_base(LatentPoint(seeds=((samples.seed + i, 1.0),)))
        still = replace(one_seed, transform=None, untransform=False, residual="none")
        picture = yield from context.steps(still)
        one = yield from power_steps(picture.double())
        yield None
        yield Report(one.cpu().numpy(), done, samples.count)


class Total:
    """The average over pictures."""

    def __init__(self) -> None:
        self._power: Record | None = None
        self._fine = RatioSum()

    def add(self, record: Record) -> None:
        """Add a picture."""
        record = np.require(record, requirements="W")  # arrays from a cluster are read-only
        self._power = record if self._power is None else self._power + record
        one, distance = torch.from_numpy(record), _distance(*record.shape)
        self._fine.add(float(one[distance >= FINE].sum()), float(one[distance > 0].sum()))

    def estimate(self) -> Estimate:
        """Return the power of fine detail; the spectrum is the estimate's detail."""
        assert self._power is not None  # only called after a picture was added
        found = _spectrum(self._power / self._fine.count, self._fine)
        return replace(found.fine, detail=found)

    def state(self) -> tuple[Any, ...]:
        """Return the sum of the power, and the two powers of each picture."""
        return self._power, self._fine.state()

    def restore(self, state: tuple[Any, ...], count: int) -> None:
        """Go on from them."""
        power, fine = state
        self._fine.restore(fine, count)
        if power.ndim != 2 or power.dtype.str != "<f8":
            raise ValueError(f"{power.dtype} {power.shape} for a power")
        self._power = power.copy()


def total(metric: str, info: GeneratorInfo) -> Total:
    """Return an empty total."""
    return Total()


def _spectrum(mean: NDArray[np.float64], fine: RatioSum) -> Spectrum:
    size = min(mean.shape)
    count = size // 2
    index = np.arange(1, count + 1)  # without the mean, which was subtracted
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
    """Return the ring of each frequency, row by row, and the number of frequencies in each ring."""
    rings = np.rint(_distance(height, width).numpy().ravel() * min(height, width)).astype(np.int64)
    return rings, np.maximum(np.bincount(rings), 1)


@lru_cache(maxsize=8)
def _window(height: int, width: int) -> Tensor:
    with torch.inference_mode(False):
        return torch.from_numpy(np.outer(np.kaiser(height, KAISER_BETA), np.kaiser(width, KAISER_BETA))).float()


@lru_cache(maxsize=8)
def _distance(height: int, width: int) -> Tensor:
    """Return the frequencies in cycles per pixel, regardless of direction."""
    fy, fx = np.fft.fftfreq(height), np.fft.fftfreq(width)
    with torch.inference_mode(False):
        return torch.from_numpy(np.hypot(fy[:, None], fx[None, :]))
