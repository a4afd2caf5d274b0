"""Periodic motion around a latent over the timeline: circular walks, and smooth repeating noise."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from explorer.latents.seeds import SEED_COUNT
from explorer.state import Blend, BlendPoint, Latent, Snapshot

if TYPE_CHECKING:
    from explorer.state import LatentLoop, Look, Timeline

__all__ = ["steps_of", "wandering"]

NOISE_DIRECTIONS = 4
FIRST_SEED = 3_000_000_000
"""First seed of the directions: far from seeds that users type."""


def wandering(snapshot: Snapshot, timeline: Timeline, time: float) -> Snapshot:
    """Return the snapshot with its latents displaced by the wander, at a time of the timeline in seconds."""
    wander = timeline.wander
    if wander.kind == "none" or wander.radius == 0.0:
        return snapshot
    steps = steps_of(wander, time / timeline.duration)
    views = tuple(
        v if "latent" not in v.unlinked else replace(v, own=_moved(v.own, steps, wander)) for v in snapshot.views
    )
    return Snapshot(_moved(snapshot.shared, steps, wander), views)


def _moved(look: Look, steps: tuple[tuple[int, float], ...], wander: LatentLoop) -> Look:
    points = [BlendPoint(look.latent, 1.0)]
    points += [BlendPoint(Latent(seed=seed), length) for seed, length in steps]
    return replace(look, latent=Latent(look.latent.seed, blend=Blend(wander.space, tuple(points))))


def steps_of(wander: LatentLoop, phase: float) -> tuple[tuple[int, float], ...]:
    """Return (seed of a direction, length along it) at a phase of 0..1; equal at 0 and 1."""
    turn = 2.0 * math.pi * phase
    first = FIRST_SEED + 16 * wander.seed
    if wander.kind == "circle":
        angle = turn * wander.turns
        lengths = [math.cos(angle), math.sin(angle)]
    else:
        lengths = [
            sum(size * math.sin(turn * beat + shift) for beat, size, shift in waves) for waves in _waves(wander)
        ]
    return tuple(((first + k) % SEED_COUNT, wander.radius * length) for k, length in enumerate(lengths))


@lru_cache(maxsize=32)
def _waves(wander: LatentLoop) -> tuple[tuple[tuple[int, float, float], ...], ...]:
    """Return (cycles, amplitude, phase) of waves for each direction; whole cycles make the noise periodic."""
    random = np.random.RandomState(wander.seed % SEED_COUNT)
    sizes = np.array([1.0, 0.5, 0.25])
    sizes /= np.linalg.norm(sizes) * math.sqrt(NOISE_DIRECTIONS / 2)  # so that the mean displacement is `radius`
    waves = [(max(1, wander.turns) * k, float(size)) for k, size in enumerate(sizes, start=1)]
    shift = 2.0 * math.pi
    return tuple(
        tuple((beat, size, float(random.uniform(0.0, shift))) for beat, size in waves)
        for _ in range(NOISE_DIRECTIONS)
    )
