"""Averages that show sticking: of a latent's neighbours, and of moved pictures aligned by the inverse motion.

Karras et al. 2021 (StyleGAN3), figure 1: in the mean of the pictures around a latent, everything that moves with
the object is blurred, and what stays sharp is stuck to its pixels. For pictures brought back after a motion it is
the opposite: what follows the motion stays sharp, and what is stuck to its pixels is blurred.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from explorer.analysis.equivariance import TRANSLATE_MAX
from explorer.errors import UsageError
from explorer.jobs.job import Job, JobContext, Report
from explorer.ops import resample

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.state.request import RenderRequest

__all__ = ["brought_back", "neighbours"]

FIRST_SEED = 3_000_000_000
"""First seed of the directions to neighbours: far from the seeds that users explore."""


def neighbours(context: JobContext, request: RenderRequest, radius: float, count: int) -> Job[Tensor]:
    """Compute the mean of `count` pictures around a request's latent, refining it picture by picture.

    Args:
        context: Makes the pictures.
        request: The centre; its motion, mixing and edits apply to all pictures.
        radius: Radius of the neighbourhood, as a fraction of the distance from `w_avg` to a seed; alternately
            added to and subtracted from `w`, so that the neighbours surround it evenly.
        count: Number of pictures, at least 2.

    Reports the mean `[C, H, W]` so far.
    """
    _check_count(count)
    if not (math.isfinite(radius) and radius > 0):
        raise UsageError(f"Neighbours within a radius of {radius:g} are all the same.", "Choose one above 0.")
    total: Tensor | None = None
    for i in range(count):
        towards = (FIRST_SEED + i // 2, -radius if i % 2 else radius)
        base = replace(request.style.base, seeds=(*request.style.base.seeds, towards))
        still = replace(request.with_base(base), untransform=False, residual="none")
        picture = yield from context.steps(still)
        total = picture if total is None else total + picture
        yield Report(total / (i + 1), i + 1, count)


def brought_back(
    context: JobContext, request: RenderRequest, kind: Literal["shifted", "turned"], count: int
) -> Job[Tensor]:
    """Compute the mean of `count` moved pictures of a request, each brought back by the inverse of its motion.

    Args:
        context: Makes the pictures.
        request: The picture; its own motion is removed first.
        kind: Shifts up to an eighth of the width in all directions, or turns through the whole circle.
        count: Number of pictures, at least 2.

    Reports the mean `[C, H, W]` so far; -1 (black) outside all pictures.
    """
    _check_count(count)
    request = replace(request, untransform=False, residual="none")
    total: Tensor | None = None
    weight: Tensor | None = None
    for i in range(count):
        matrix = _motion(kind, i, count)
        moved = yield from context.steps(replace(request, transform=tuple(float(v) for v in matrix.ravel())))
        back, mask = yield from resample.undo_steps(moved[None], matrix)
        part = back[0] * mask[0]
        total = part if total is None else total + part
        weight = mask[0] if weight is None else weight + mask[0]
        mean = torch.where(weight > 0, total / weight.clamp_min(1), -1.0)
        yield Report(mean, i + 1, count)


def _motion(kind: str, i: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return motion number `i` of `count`, which cover the range evenly; none of them is on the pixel grid."""
    golden = 0.5 * (math.sqrt(5) - 1)
    if kind == "turned":
        return resample.rotation_matrix(2 * math.pi * math.fmod((i + 0.5) * golden, 1.0))
    # A sunflower: points of equal density on a disc.
    radius, angle = TRANSLATE_MAX * math.sqrt((i + 0.5) / count), 2 * math.pi * i * golden
    x, y = radius * math.cos(angle), radius * math.sin(angle)
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _check_count(count: int) -> None:
    if count < 2:
        raise UsageError(f"An average of {count} shows nothing.", "Choose at least 2 pictures.")
