"""EQ-T, EQ-T fractional and EQ-R: how exactly a generator's picture follows its input transform, in dB.

Karras et al. 2021 (StyleGAN3), appendix E: `PSNR = 10 log10(4 / MSE)`, one global mean over all pixels that the
masks of the pixel-space reference leave valid. Higher is better; a texture that sticks to the screen costs dB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.generators.base import Generator, NoiseSpec
from explorer.ops import resample

__all__ = ["Draw", "Metric", "PsnrSum", "draws", "measure"]

Metric = Literal["eq-t", "eq-t-frac", "eq-r"]

TRANSLATE_MAX = 0.125  # image widths


@dataclass(frozen=True)
class Draw:
    """The random numbers of one batch: `z` `[N, z_dim]`, `c` `[N, c_dim]` or None; the others uniform in 0..1."""

    z: Tensor
    whole: tuple[float, float]  # of the integer translation, x and y
    fraction: tuple[float, float]  # of the fractional translation
    turn: float  # of the rotation
    c: Tensor | None = None


@dataclass
class PsnrSum:
    """A running masked mean of squared differences, read as peak signal-to-noise ratio over the range -1..1."""

    squares: float = 0.0
    pixels: float = 0.0

    def add(self, difference: Tensor, mask: Tensor) -> None:
        """Adds `difference` `[N, C, H, W]` where `mask` (broadcast to it) is 1."""
        mask = mask.expand_as(difference).double()
        self.squares += float((difference.double().square() * mask).sum())
        self.pixels += float(mask.sum())

    @property
    def decibels(self) -> float:
        """The ratio in dB; infinite for equal pictures, NaN if nothing was added."""
        if self.pixels == 0:
            return math.nan
        return math.inf if self.squares == 0 else 10 * math.log10(4 * self.pixels / self.squares)


def draws(generator: Generator, samples: int, *, batch: int = 4, seed: int = 0) -> Iterator[Draw]:
    """Batches of random latents and transforms that together hold `samples` pictures."""
    random = np.random.RandomState(seed)
    info = generator.info
    for start in range(0, samples, batch):
        n = min(batch, samples - start)
        z = torch.from_numpy(random.randn(n, info.z_dim)).float().to(generator.device)
        c = None
        if info.c_dim:
            c = torch.eye(info.c_dim, device=generator.device)[random.randint(info.c_dim, size=n)]
        u = random.rand(5)
        yield Draw(z, (u[0], u[1]), (u[2], u[3]), u[4], c)


@torch.inference_mode()
def measure(
    generator: Generator, batches: Iterable[Draw], metrics: Iterable[Metric] = ("eq-t", "eq-t-frac", "eq-r")
) -> dict[Metric, PsnrSum]:
    """Sums of each metric over the batches; read `.decibels` of them.

    Families without an input transform are moved by their counterpart (see `Generator.begin`), and the figure
    must be called so.
    """
    sums: dict[Metric, PsnrSum] = {metric: PsnrSum() for metric in metrics}
    for draw in batches:
        ws = generator.broadcast(generator.mapping(draw.z, draw.c))
        still = _picture(generator, ws, np.eye(3))
        for metric, total in sums.items():
            total.add(*_difference(metric, generator, ws, still, draw))
    return sums


def _difference(
    metric: Metric, generator: Generator, ws: Tensor, still: Tensor, draw: Draw
) -> tuple[Tensor, Tensor]:
    if metric == "eq-r":
        angle = (draw.turn * 2 - 1) * math.pi
        expected, mask = resample.rotation(still, angle)
        moved = _picture(generator, ws, resample.rotation_matrix(angle))
        comparable, inner = resample.pseudo_rotation(moved, angle)
        return expected - comparable, mask * inner
    resolution = generator.info.img_resolution
    u = draw.whole if metric == "eq-t" else draw.fraction
    tx, ty = ((v * 2 - 1) * TRANSLATE_MAX for v in u)
    if metric == "eq-t":
        tx, ty = (round(t * resolution) / resolution for t in (tx, ty))
    matrix = np.array([[1.0, 0.0, tx], [0.0, 1.0, ty], [0.0, 0.0, 1.0]])
    moved = _picture(generator, ws, matrix)
    expected, mask = (resample.translate_integer if metric == "eq-t" else resample.translate)(still, tx, ty)
    return expected - moved, mask


def _picture(generator: Generator, ws: Tensor, matrix: NDArray[np.float64]) -> Tensor:
    transform = torch.from_numpy(matrix).to(ws.device)
    return generator.synthesis(ws, transform=transform, noise=NoiseSpec("const"))
