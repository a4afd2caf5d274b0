"""Easing between keys, and the weights of keys at a time: pure functions of numbers."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.state import Segment

__all__ = ["Weights", "curve_value", "ease", "weights_at"]

Weights = tuple[tuple[int, float], ...]
"""(index of the key, its weight); weights sum to 1 and may be negative on smooth curves."""

SHORTEST_SEAM = 0.2
"""As a fraction of the mean time between keys: the least time a closed cubic curve needs to return to the first."""


def ease(segment: Segment, u: float) -> float:
    """Return the progress at the fraction `u` of the time, both 0..1; exact at both ends.

    "in" starts slowly (u squared), "out" ends slowly, "in-out" is the smoothstep 3u^2 - 2u^3.
    """
    u = min(max(u, 0.0), 1.0)
    if segment.ease == "in":
        return u * u
    if segment.ease == "out":
        return u * (2.0 - u)
    if segment.ease == "in-out":
        return u * u * (3.0 - 2.0 * u)
    if segment.ease == "curve":
        return curve_value(segment.curve, u)
    return u


def curve_value(points: tuple[tuple[float, float], ...], u: float) -> float:
    """Evaluate a curve at `u`: through (0, 0), the points in order of time, and (1, 1), without overshoot.

    Monotone cubic pieces (Fritsch and Carlson 1980, with the harmonic mean of neighbouring slopes).
    """
    xs, ys, slopes = _curve(points)
    if u <= 0.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    i = min(bisect_right(xs, u) - 1, len(xs) - 2)
    h = xs[i + 1] - xs[i]
    s = (u - xs[i]) / h
    h00, h10, h01, h11 = _hermite(s)
    return h00 * ys[i] + h10 * h * slopes[i] + h01 * ys[i + 1] + h11 * h * slopes[i + 1]


@lru_cache(maxsize=256)
def _curve(points: tuple[tuple[float, float], ...]) -> tuple[list[float], list[float], list[float]]:
    inner = {min(max(x, 0.0), 1.0): min(max(y, 0.0), 1.0) for x, y in points}
    knots = sorted({**{x: y for x, y in inner.items() if 1e-6 < x < 1 - 1e-6}, 0.0: 0.0, 1.0: 1.0}.items())
    xs, ys = [x for x, _ in knots], [y for _, y in knots]
    steps = [(ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) for i in range(len(xs) - 1)]
    slopes = [steps[0]]
    for before, after in itertools.pairwise(steps):
        slopes.append(2.0 * before * after / (before + after) if before * after > 0.0 else 0.0)
    return xs, ys, [*slopes, steps[-1]]


def _hermite(s: float) -> tuple[float, float, float, float]:
    s2, s3 = s * s, s * s * s
    return 2 * s3 - 3 * s2 + 1, s3 - 2 * s2 + s, -2 * s3 + 3 * s2, s3 - s2


def weights_at(times: tuple[float, ...], i: int, u: float, interpolation: str, period: float = 0.0) -> Weights:
    """Return the weights of all keys at progress `u` from key `i` to the next.

    Args:
        times: Times of the keys in seconds, increasing.
        i: Index of the previous key; the next one is `i + 1`, or 0 if `period` closes the curve.
        u: Progress 0..1, already eased.
        interpolation: As in `Segment`.
        period: Seconds after which the timeline repeats; 0 if it does not.
    """
    n = len(times)
    j = (i + 1) % n
    if interpolation == "hold" or u <= 0.0 or n == 1:
        return ((i, 1.0),)
    if u >= 1.0:
        return ((j, 1.0),)
    if interpolation in ("linear", "spherical") or n == 2:
        return ((i, 1.0 - u), (j, u))
    period = max(period, times[-1] - times[0]) if period else 0.0  # keys can be after the end
    # With two keys at nearly the same time a C2 spline overshoots widely, or does not exist.
    is_short = bool(period) and times[0] + period - times[-1] < SHORTEST_SEAM * period / n
    slopes_of = _catmull_rom if interpolation == "catmull-rom" or is_short else _cubic
    slopes = slopes_of(times, period)
    h = (times[j] - times[i]) + (period if j <= i else 0.0)
    h00, h10, h01, h11 = _hermite(u)
    weights = h * (h10 * slopes[i] + h11 * slopes[j])
    weights[i] += h00
    weights[j] += h01
    return tuple((k, float(weight)) for k, weight in enumerate(weights) if abs(weight) > 1e-9)


@lru_cache(maxsize=64)
def _catmull_rom(times: tuple[float, ...], period: float) -> NDArray[np.float64]:
    """Return slopes at the keys as weights of the keys `[n, n]`: between neighbours, one-sided at open ends."""
    n = len(times)
    slopes = np.zeros((n, n))
    for k in range(n):
        before, after = k - 1, k + 1
        if not period:
            before, after = max(before, 0), min(after, n - 1)
        wraps = (before < 0) + (after >= n)
        span = times[after % n] - times[before % n] + wraps * period
        slopes[k, after % n] += 1.0 / span
        slopes[k, before % n] -= 1.0 / span
    return slopes


@lru_cache(maxsize=64)
def _cubic(times: tuple[float, ...], period: float) -> NDArray[np.float64]:
    """Return slopes of the C2 spline as weights of the keys `[n, n]`; open ends are straight."""
    n = len(times)
    left, right = np.zeros((n, n)), np.zeros((n, n))
    for k in range(n):
        before, after = k - 1, k + 1
        h0 = times[k] - times[before % n] + (period if before < 0 else 0.0)
        h1 = times[after % n] - times[k] + (period if after >= n else 0.0)
        if period or 0 < k < n - 1:
            left[k, before % n] += 1.0 / h0
            left[k, k] += 2.0 / h0 + 2.0 / h1
            left[k, after % n] += 1.0 / h1
            right[k, after % n] += 3.0 / h1**2
            right[k, k] += 3.0 / h0**2 - 3.0 / h1**2
            right[k, before % n] -= 3.0 / h0**2
        else:
            other, h = (1, h1) if k == 0 else (n - 2, h0)
            sign = 1.0 if k == 0 else -1.0
            left[k, k], left[k, other] = 2.0, 1.0
            right[k, other], right[k, k] = sign * 3.0 / h, -sign * 3.0 / h
    return np.asarray(np.linalg.solve(left, right), dtype=np.float64)
