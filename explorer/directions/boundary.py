"""Directions taught by examples: the normal of the plane that separates two groups of latents.

The latents are standardised by the spread of the model's random latents in each dimension. From eight examples a
side on the plane is that of a linear support vector machine (InterFaceGAN, Shen et al. 2020), its C chosen by
five-fold cross-validation; with fewer, the direction is the difference of the groups' means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ENOUGH", "Boundary", "conditioned", "separate", "wilson"]

ENOUGH = 8
"""Examples a side from which a support vector machine is fitted."""

_FOLDS = 5
_CS = (0.01, 0.1, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Boundary:
    """What examples taught.

    Attributes:
        vector: float32 `[w_dim]` of length one: a step along it goes from the second group to the first.
        accuracy: Fraction of examples on the right side when they were held out; NaN below `ENOUGH` examples.
        interval: The 95 % interval of the accuracy (Wilson 1927).
        examples: Examples of both groups.
        c: The chosen C; NaN for a difference of means.
    """

    vector: NDArray[np.float32]
    accuracy: float
    interval: tuple[float, float]
    examples: int
    c: float


def separate(liked: NDArray[np.float32], unliked: NDArray[np.float32], spread: NDArray[np.float64]) -> Boundary:
    """Return the direction from the latents `unliked` `[m, w_dim]` to `liked` `[n, w_dim]`.

    Args:
        liked: The examples the direction goes towards.
        unliked: The examples it goes away from.
        spread: `[w_dim]`, the standard deviation of the model's random latents in each dimension.

    Raises:
        UsageError: A group is empty, or the groups have the same mean.
    """
    if not len(liked) or not len(unliked):
        raise UsageError("A direction needs examples of both groups.", "Add at least one picture to each.")
    scale = np.maximum(spread, 1e-12)
    x = np.concatenate([liked, unliked]).astype(np.float64) / scale
    labels = np.repeat([1, 0], [len(liked), len(unliked)])
    accuracy, c = math.nan, math.nan
    if min(len(liked), len(unliked)) >= ENOUGH:
        accuracy, c = max(((_held_out(x, labels, c), c) for c in _CS), key=lambda item: (item[0], -item[1]))
        normal = _machine(c).fit(x, labels).coef_[0]
    else:
        normal = x[labels == 1].mean(axis=0) - x[labels == 0].mean(axis=0)
    step = normal * scale  # a step of the standardised latents, in w
    length = float(np.linalg.norm(step))
    if not length > 0.0:
        raise UsageError("Both groups have the same mean latent.", "Choose examples that differ.")
    interval = wilson(accuracy, len(x)) if not math.isnan(accuracy) else (math.nan, math.nan)
    return Boundary((step / length).astype(np.float32), accuracy, interval, len(x), c)


def conditioned(vector: NDArray[np.float32], others: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return a direction without its parts along others, of length one; all `[d]`.

    For one other this is InterFaceGAN's conditional direction; more are removed together.

    Raises:
        UsageError: Nothing of the direction is left.
    """
    if not others:
        return vector
    basis, _ = np.linalg.qr(np.stack(others).astype(np.float64).T)
    rest = vector.astype(np.float64)
    rest = rest - basis @ (basis.T @ rest)
    length = float(np.linalg.norm(rest))
    if length < 1e-6:
        raise UsageError("The direction is a mixture of those that it should leave alone.", "Choose fewer of them.")
    return (rest / length).astype(np.float32)


def wilson(fraction: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a fraction of `count` trials; z = 1.96 for 95 % (Wilson 1927)."""
    centre = (fraction + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(fraction * (1 - fraction) / count + z * z / (4 * count * count))
    return max(0.0, centre - half), min(1.0, centre + half)


def _machine(c: float) -> Any:
    from sklearn.svm import SVC  # takes a second to import

    return SVC(kernel="linear", C=c)


def _held_out(x: NDArray[np.float64], labels: NDArray[np.int64], c: float) -> float:
    """Return the fraction of examples that a machine fitted to the other folds puts on the right side."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    predicted = cross_val_predict(_machine(c), x, labels, cv=folds)
    return float((predicted == labels).mean())
