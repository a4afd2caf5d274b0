"""DirectionSet: the directions that one method found in one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.assets.direction import StoredDirection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.assets.direction import DirectionSpace

__all__ = ["DUPLICATE", "DirectionSet", "cosines", "signed"]

DUPLICATE = 0.9
"""The absolute cosine above which two directions are duplicates."""


@dataclass(frozen=True, slots=True, eq=False)
class DirectionSet:
    """Directions in the order of their values, the largest first.

    Attributes:
        method: What found them: "sefa", "ganspace", "svm", or the name of a file.
        space: Their latent space.
        vectors: float32 `[k, w_dim]`, or `[k, num_ws, w_dim]` for ws; of length one.
        values: float64 `[k]`: eigenvalues or variances, not negative and descending.
        sigmas: float64 `[k]`: standard deviation of random latents along each direction, the unit of its strength.
        names: A display name for each.
        entries: The entries of `ws` that they were found for; empty for all.
        model_sha: sha256 of the model; empty if unknown.
        total: Sum of the values of all directions that the method found, also of those left out; 0 if unknown.
    """

    method: str
    space: DirectionSpace
    vectors: NDArray[np.float32]
    values: NDArray[np.float64]
    sigmas: NDArray[np.float64]
    names: tuple[str, ...]
    entries: tuple[int, ...] = ()
    model_sha: str = ""
    total: float = 0.0

    def __len__(self) -> int:
        return len(self.vectors)

    def stored(self, index: int) -> StoredDirection:
        """Return direction `index` as an asset."""
        return StoredDirection(
            self.space, self.vectors[index], float(self.sigmas[index]), self.model_sha, self.names[index]
        )

    def share(self, index: int) -> float:
        """Return the fraction of the total that direction `index` has, as a variance explains; 0 if unknown."""
        return float(self.values[index]) / self.total if self.total > 0.0 else 0.0

    def of(self, indices: Sequence[int]) -> DirectionSet:
        """Return only the directions with these indices."""
        chosen = list(indices)
        return replace(
            self, vectors=self.vectors[chosen], values=self.values[chosen], sigmas=self.sigmas[chosen],
            names=tuple(self.names[i] for i in chosen),
        )  # fmt: skip

    def joined(self, other: DirectionSet) -> DirectionSet:
        """Return the directions of this set, then those of another of the same space."""
        return replace(
            self, vectors=np.concatenate([self.vectors, other.vectors]),
            values=np.concatenate([self.values, other.values]), sigmas=np.concatenate([self.sigmas, other.sigmas]),
            names=(*self.names, *other.names),
        )  # fmt: skip

    def without_duplicates(self, others: Sequence[DirectionSet] = ()) -> DirectionSet:
        """Return the directions that are no duplicates of earlier ones of this set, or of other sets."""
        known = [row for other in others if other.space == self.space for row in other.vectors]
        kept: list[int] = []
        for i, vector in enumerate(self.vectors):
            if not known or np.abs(cosines(vector[None], np.stack(known))).max() <= DUPLICATE:
                kept.append(i)
                known.append(vector)
        return self.of(kept)


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosines `[n, m]` between vectors of length one, `[n, ...]` and `[m, ...]`."""
    flat_a, flat_b = (x.reshape(len(x), -1).astype(np.float64) for x in (a, b))
    product: NDArray[np.float64] = flat_a @ flat_b.T
    return product


def signed(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return vectors `[k, d]` with length one, and with a positive component of the largest magnitude.

    The sign of an eigenvector is arbitrary; this one does not depend on the solver.
    """
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    scaled: NDArray[np.float32] = (
        vectors * np.sign(largest) / np.linalg.norm(vectors, axis=1, keepdims=True)
    ).astype(np.float32)
    return scaled
