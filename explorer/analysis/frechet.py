"""The Frechet distance between two sets of pictures in the features of a network.

`d^2 = |m1 - m2|^2 + Tr(C1 + C2) - 2 Tr((C1^1/2 C2 C1^1/2)^1/2)`: the squared 2-Wasserstein distance of the normal
distributions with the features' means and covariances (Dowson and Landau 1982; for pictures Heusel et al. 2017,
who use Inception-v3). Figures of different networks, sample counts or input sizes cannot be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Moments", "distance"]


@dataclass(frozen=True)
class Moments:
    """Count, sum `[F]` and sum of outer products `[F, F]` of features, float64; add two to join their sets."""

    count: int
    total: Tensor
    products: Tensor

    @staticmethod
    def of(features: Tensor) -> Moments:
        """Return the moments of features `[N, F]`."""
        x = features.detach().cpu().double()
        return Moments(x.shape[0], x.sum(0), x.t() @ x)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.products + other.products)

    @property
    def mean(self) -> Tensor:
        """`[F]`."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """`[F, F]`, divided by `count` (not by one less), as in the published metric."""
        return self.products / self.count - torch.outer(self.mean, self.mean)


def _root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root; eigenvalues that rounding made negative count as zero."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.t()
    return root


def distance(a: Moments, b: Moments) -> float:
    """Return the squared distance, published as the "Frechet Inception distance"; never negative.

    The trace of the root is the sum of singular values of `C1^1/2 C2^1/2`: no root of an
    asymmetric product, so no complex numbers, and no precision lost to squaring, even with fewer pictures than
    features.
    """
    means = (a.mean - b.mean).square().sum()
    cross = torch.linalg.svdvals(_root(a.covariance) @ _root(b.covariance)).sum()
    spread = a.covariance.trace() + b.covariance.trace() - 2 * cross
    return max(float(means + spread), 0.0)
