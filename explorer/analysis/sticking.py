"""The sticking score: how far fine detail stays on its pixels while the object moves, from latent walks alone.

Needs no input transform, so it works for every family. Our own derivation, after the observation of Karras et al.
2021 (StyleGAN3), section 1, that in a walk fine texture sticks to pixels instead of moving with the surface:

1. Split two pictures of a walk into a coarse part `C` (Gaussian, 2.5% of the width) and fine detail `D` (the
   picture less a Gaussian of one pixel).
2. Where the object moves is read off the coarse part alone, by iterated least squares on brightness constancy in
   Gaussian windows of 8% of the width (Lucas and Kanade 1981): `C2(x) = C1(x - u(x))`. It counts where forward and
   backward motion agree to half a pixel and the length of `u` is 0.75 to 6 pixels: less does not
   move detail by its own width, and more cannot be measured reliably.
3. There, the detail either followed or stayed. Each hypothesis leaves an error:
   `follow = sum (D2(x) - D1(x - u))^2` and `stay = sum (D2(x) - D1(x))^2`.
4. The score is `follow / (follow + stay)`, both summed over all pairs of all walks.

A texture that moves rigidly leaves `follow = 0`: score 0. A texture fixed on the screen under a moving shape leaves
`stay = 0`: score 1. Detail that does neither (it boils) makes both errors equal: 0.5. The score does
not depend on contrast or colour and has no unit. Every pair has both errors, so it never divides by zero; a walk in
which nothing moves is refused instead. `tests/analysis/test_sticking.py` builds all four cases.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from explorer.analysis.estimate import Estimate, RatioSum
from explorer.errors import UsageError
from explorer.jobs.job import Job, JobContext, Report
from explorer.state.request import LatentPoint
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.analysis.registry import Samples
    from explorer.generators.base import GeneratorInfo
    from explorer.state.request import RenderRequest

__all__ = ["Evidence", "collect", "compare", "evidence_of", "flow", "total"]

COARSE, WINDOW = 0.025, 0.08  # fractions of the width
DETAIL_PX = 1.0
MOVES = (0.75, 6.0)  # pixels
AGREE_PX = 0.5
ROUNDS = 4
STEPS = 12
"""Pictures per walk from one seed to the next; pairs that are one, two and three steps apart are compared."""

_BAND_PIXELS, _BAND_PRODUCTS = 1 << 16, 1 << 23  # pixels that a step looks up, products that a step sums

LEAST_AREA = 0.002
"""Fraction of the compared area that must move; with less, the score would be a matter of chance."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The result for a pair of pictures: both errors, and the areas that moved and were compared, in pixels."""

    follow: float
    stay: float
    moved: float
    area: float


def collect(context: JobContext, request: RenderRequest, samples: Samples) -> Job[Evidence]:
    """Collect the evidence of walks, each from one random seed to another, under a request's truncation."""
    request = replace(request, transform=None, untransform=False, residual="none")
    for done, i in enumerate(samples.numbers, start=1):
        pictures = []
        for step in range(STEPS):
            fraction = step / (STEPS - 1)
            base = LatentPoint(seeds=((samples.seed + 2 * i, 1.0 - fraction), (samples.seed + 2 * i + 1, fraction)))
            pictures.append((yield from context.steps(request.with_base(base))))
        evidence = []
        for pair in _pairs(STEPS):
            evidence.append((yield from compare_steps(pictures[pair[0]], pictures[pair[1]])))  # noqa: PERF401 - yields
        yield Report(_sum(evidence), done, samples.count)


def _sum(evidence: Sequence[Evidence]) -> Evidence:
    return Evidence(
        sum(e.follow for e in evidence), sum(e.stay for e in evidence), sum(e.moved for e in evidence),
        sum(e.area for e in evidence),
    )  # fmt: skip


class Total:
    """The score of walks."""

    def __init__(self) -> None:
        self._score, self._moved, self._area = RatioSum(), 0.0, 0.0

    def add(self, record: Evidence) -> None:
        """Add a walk."""
        self._score.add(record.follow, record.follow + record.stay)
        self._moved, self._area = self._moved + record.moved, self._area + record.area

    def estimate(self) -> Estimate:
        """Return the score. Raises UsageError if nothing moves in these walks."""
        if not (self._moved >= LEAST_AREA * self._area and self._score.below > 0):
            raise UsageError(
                "Nothing moves in these walks, so nothing can stick.", "Take more walks, or a psi nearer to 1."
            )
        score = self._score
        note = "0 follows the object, 1 sticks to the pixels"
        return Estimate(score.ratio, score.stderr, "fraction", score.count, note)

    def state(self) -> tuple[Any, ...]:
        """Return the errors of each walk, and the areas of all."""
        return self._score.state(), self._moved, self._area

    def restore(self, state: tuple[Any, ...], count: int) -> None:
        """Go on from them."""
        score, moved, area = state
        self._score.restore(score, count)
        self._moved, self._area = float(moved), float(area)


def total(metric: str, info: GeneratorInfo) -> Total:
    """Return an empty total."""
    return Total()


def evidence_of(pictures: Sequence[Tensor]) -> Estimate:
    """Score one sequence of pictures `[C, H, W]`, comparing consecutive ones. Raises UsageError."""
    found = Total()
    for a, b in itertools.pairwise(pictures):
        found.add(compare(a, b))
    return found.estimate()


def _pairs(steps: int) -> list[tuple[int, int]]:
    return [(i, i + gap) for gap in (1, 2, 3) for i in range(0, steps - gap, gap)]


def compare(first: Tensor, second: Tensor) -> Evidence:
    """Compare two pictures `[C, H, W]` of one walk."""
    return run(compare_steps(first, second))


def compare_steps(first: Tensor, second: Tensor) -> Steps[Evidence]:
    """Do what `compare` does, in steps."""
    a, b = (x.float().mean(dim=0)[None, None] for x in (first, second))
    height, width = a.shape[2:]
    sigma = COARSE * width
    coarse_a = yield from _blur(a, sigma)
    coarse_b = yield from _blur(b, sigma)
    forward = yield from flow_steps(coarse_a, coarse_b)
    backward = yield from flow_steps(coarse_b, coarse_a)
    length = forward.square().sum(dim=1, keepdim=True).sqrt()
    # The backward motion starts where the forward one came from.
    returned = yield from _warp(backward, forward)
    disagree = (forward + returned).square().sum(dim=1, keepdim=True).sqrt()
    margin = math.ceil(2 * sigma + MOVES[1])
    inner = torch.zeros_like(a)
    inner[:, :, margin : height - margin, margin : width - margin] = 1
    weight = inner * (length >= MOVES[0]) * (length <= MOVES[1]) * (disagree <= AGREE_PX)
    yield
    detail_a = a - (yield from _blur(a, DETAIL_PX))
    detail_b = b - (yield from _blur(b, DETAIL_PX))
    followed = yield from _warp(detail_a, forward)
    follow = (weight * (detail_b - followed).square()).sum()
    stay = (weight * (detail_b - detail_a).square()).sum()
    return Evidence(float(follow), float(stay), float(weight.sum()), float(inner.sum()))


def flow(first: Tensor, second: Tensor) -> Tensor:
    """Return motion `[1, 2, H, W]` in pixels (x, y): `second(x) = first(x - u(x))`, of smooth `[1, 1, H, W]`."""
    return run(flow_steps(first, second))


def flow_steps(first: Tensor, second: Tensor) -> Steps[Tensor]:
    """Do what `flow` does, in steps."""
    u = torch.zeros(1, 2, *first.shape[2:], device=first.device)
    sigma = WINDOW * first.shape[3]
    for _ in range(ROUNDS):
        moved = yield from _warp(first, u)
        gx, gy = _gradient(moved)
        rest = second - moved
        products = torch.cat([gx * gx, gx * gy, gy * gy, gx * rest, gy * rest], 1)
        yield
        blurred = yield from _blur(products, sigma)
        xx, xy, yy, tx, ty = torch.tensor_split(blurred, 5, 1)
        # A fraction of the mean trace regularises the motion to 0 where the picture is flat.
        ridge = 1e-2 * (xx + yy).mean() + 1e-12
        xx, yy = xx + ridge, yy + ridge
        determinant = xx * yy - xy * xy
        step = torch.cat([yy * tx - xy * ty, xx * ty - xy * tx], 1) / determinant
        u = u - step.clamp(-2, 2)
        yield
    return u


def _gradient(x: Tensor) -> tuple[Tensor, Tensor]:
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    gx = 0.5 * (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2])
    gy = 0.5 * (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1])
    return gx, gy


def _warp(x: Tensor, u: Tensor) -> Steps[Tensor]:
    """Return `x(p - u(p))`, bicubic, edges repeated, some rows a step."""
    height, width = x.shape[2:]
    xx = torch.arange(width, device=x.device)
    warped = torch.empty_like(x)
    for rows in _row_bands(height, width, _BAND_PIXELS):
        yy = torch.arange(rows.start, rows.stop, device=x.device)[:, None]
        px = (2 * (xx - u[:, 0, rows]) + 1) / width - 1
        py = (2 * (yy - u[:, 1, rows]) + 1) / height - 1
        grid = torch.stack([px, py], dim=3)
        warped[:, :, rows] = F.grid_sample(x, grid, mode="bicubic", padding_mode="border", align_corners=False)
        yield
    return warped


def _blur(x: Tensor, sigma: float) -> Steps[Tensor]:
    """Blur with a Gaussian of `sigma` pixels, edges repeated, some rows of a channel a step."""
    radius = max(1, math.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = torch.tensor(taps / taps.sum(), dtype=x.dtype, device=x.device)
    height, width = x.shape[2:]
    for shape, pad in (((1, 1, 1, -1), (radius, radius, 0, 0)), ((1, 1, -1, 1), (0, 0, radius, radius))):
        weight = kernel.reshape(shape)
        below = weight.shape[2] - 1  # rows that the filter reads beyond its own
        padded, blurred = F.pad(x, pad, mode="replicate"), torch.empty_like(x)
        for channel in range(x.shape[1]):
            one = padded[:, channel : channel + 1]
            for rows in _row_bands(height, width, _BAND_PRODUCTS // len(taps)):
                band = one[:, :, rows.start : rows.stop + below]
                blurred[:, channel : channel + 1, rows] = F.conv2d(band, weight)
                yield
        x = blurred
    return x


def _row_bands(height: int, width: int, pixels: int) -> Iterator[slice]:
    """Yield bands of whole rows, each of about so many pixels."""
    count = max(1, pixels // width)
    for start in range(0, height, count):
        yield slice(start, min(start + count, height))
