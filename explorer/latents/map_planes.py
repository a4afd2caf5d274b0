"""Planes through the latent space, as the latent map shows them: of seeds, or of two directions of w.

A plane gives the latent at a place as a recipe of the state, which can be shown, keyed and saved like any other. A
step along a direction is a term of a blend in w: `w_avg + (w - w_avg) + amount * (end - w_avg)`, where `end` is a
stored latent one standard deviation from the average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from explorer.assets.latent import StoredLatent
from explorer.latents.recipes import AVERAGE
from explorer.latents.seeds import PLANE_STRIDE, SEED_COUNT, plane_seed
from explorer.state import Blend, BlendPoint, Latent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from explorer.assets.direction import StoredDirection

__all__ = ["ComponentPlane", "Plane", "SeedPlane", "end_of", "is_sum", "split", "with_steps"]

_SAME = 1e-9


class Plane(Protocol):
    """A plane of the map. `is_up`: whether its second coordinate grows upwards, as in a chart, or downwards."""

    @property
    def is_up(self) -> bool:
        """Whether the second coordinate grows upwards."""

    def latent(self, x: float, y: float) -> Latent:
        """Return the latent at a place."""


@dataclass(frozen=True, slots=True)
class SeedPlane:
    """The endless plane of seeds: `i + 100 * j (mod 2**32)` at the integer point (i, j), blends between."""

    is_up: bool = False

    def latent(self, x: float, y: float) -> Latent:
        """Return the latent at a place: near the seed that is nearest."""
        i, j = round(x), round(y)
        fx, fy = (0.0 if abs(f) < _SAME else f for f in (x - i, y - j))
        return Latent(plane_seed(0, i, j), fx, fy)

    def place(self, latent: Latent, near: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float] | None:
        """Return where a latent is; of its many places, the one nearest to a point.

        (i, j) and (i - 100, j + 1) are the same seed. A latent that is not made of seeds has no place: None.
        """
        if latent.stored or latent.blend is not None:
            return None
        seed = latent.seed % SEED_COUNT
        seed -= SEED_COUNT if seed >= SEED_COUNT // 2 else 0
        # The least squared distance of (seed - stride * j, j) from `near`, over j.
        j = round((PLANE_STRIDE * (seed + latent.x - near[0]) + near[1] - latent.y) / (PLANE_STRIDE**2 + 1))
        return seed - PLANE_STRIDE * j + latent.x, j + latent.y


@dataclass(frozen=True, slots=True)
class ComponentPlane:
    """The plane through a latent along two directions of w, such as principal components.

    Attributes:
        base: The latent; it has no steps along the two itself.
        origin: Its coordinates, in standard deviations from the average.
        ends: Ids of the stored latents one standard deviation from the average along each direction.
    """

    base: Latent
    origin: tuple[float, float]
    ends: tuple[str, str]

    @property
    def is_up(self) -> bool:
        """As in a chart."""
        return True

    def latent(self, x: float, y: float) -> Latent:
        """Return the latent at a place, in standard deviations from the average."""
        return with_steps(self.base, self.ends, (x - self.origin[0], y - self.origin[1]))


def end_of(direction: StoredDirection, w_avg: NDArray[np.float32], model_sha: str) -> StoredLatent:
    """Return the latent one standard deviation from the average along a direction of w.

    Another model takes its average instead: a blend with this latent changes nothing there.
    """
    array = w_avg + direction.array.dtype.type(direction.sigma) * direction.array
    return StoredLatent("w", array, model_sha, name=direction.name, recipe=AVERAGE)


def with_steps(base: Latent, ends: Sequence[str], amounts: Sequence[float]) -> Latent:
    """Return a latent that steps from `base` along directions, by amounts of standard deviations."""
    steps = tuple(
        BlendPoint(Latent(stored=end), amount)
        for end, amount in zip(ends, amounts, strict=True)
        if abs(amount) > _SAME
    )
    if not steps:
        return base
    blend = base.blend if (base.x, base.y) == (0.0, 0.0) else None
    before = blend.points if blend is not None and is_sum(blend) else (BlendPoint(base, 1.0),)
    return Latent(base.seed, blend=Blend("w", (*before, *steps)))


def split(latent: Latent, ends: Sequence[str]) -> tuple[Latent, tuple[float, ...]]:
    """Return a latent without its steps along directions, and the amounts of those steps; inverts `with_steps`."""
    blend = latent.blend
    amounts = [0.0] * len(ends)
    if blend is None or not is_sum(blend):
        return latent, tuple(amounts)
    first, kept = blend.points[0], []
    for point in blend.points[1:]:
        if point.latent.stored in ends:
            amounts[ends.index(point.latent.stored)] += point.weight
        else:
            kept.append(point)
    if kept:
        return replace(latent, blend=replace(blend, points=(first, *kept))), tuple(amounts)
    return _walked(first.latent, latent), tuple(amounts)


def _walked(base: Latent, walk: Latent) -> Latent:
    """Return the latent that the walk from `walk`'s own point (0, 0) to its (x, y) leads to from `base`."""
    if (walk.x, walk.y) == (0.0, 0.0):
        return base
    if base == Latent(walk.seed):
        return Latent(walk.seed, walk.x, walk.y)
    return replace(walk, stored="", blend=Blend("w", (BlendPoint(base, 1.0),)))


def is_sum(blend: Blend) -> bool:
    """Return whether a blend is one latent and steps from it, as `with_steps` makes them."""
    first, *steps = blend.points or (BlendPoint(Latent(), 0.0),)
    return (
        (blend.space, blend.spherical) == ("w", False)
        and bool(steps)
        and first.weight == 1.0
        and all(_is_step(point) and math.isfinite(point.weight) for point in steps)
    )


def _is_step(point: BlendPoint) -> bool:
    return bool(point.latent.stored) and point == BlendPoint(Latent(stored=point.latent.stored), point.weight)
