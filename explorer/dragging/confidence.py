"""A filter that recognises a handle: ridge regression on the first picture, after StableDrag (Cui et al. 2024).

There the filter is trained by gradient descent; with squared errors it has a closed form,
`f = (X^T X / n + ridge)^-1 X^T y / n`, for features `X [n, C]` and a Gaussian `y` around the handle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.dragging.features import FeatureMap

__all__ = ["HandleFilter"]

_RIDGE = 1e-2
_WIDTH = 0.8  # standard deviation of the Gaussian in samples


class HandleFilter:
    """Responds with about 1 where the picture shows what the handle showed at first, and 0 elsewhere.

    Args:
        first: Features of the first picture.
        handle: Point `[2]`.
    """

    def __init__(self, first: FeatureMap, handle: Tensor) -> None:
        _, channels, height, width = first.x.shape
        x = first.x.detach()[0].reshape(channels, -1).T
        rows = torch.arange(height, device=x.device, dtype=x.dtype)
        columns = torch.arange(width, device=x.device, dtype=x.dtype)
        y, across = first.grid.samples(handle)
        near = ((rows - y).square()[:, None] + (columns - across).square()[None]).reshape(-1)
        wanted = torch.exp(-near / (2 * _WIDTH**2))
        gram = x.T @ x / len(x)
        ridge = _RIDGE * gram.diagonal().mean() * torch.eye(channels, device=x.device)
        centred = wanted - wanted.mean()
        self._filter = torch.linalg.solve(gram + ridge, x.T @ centred / len(x))
        self._first = float(self.response(first, handle).clamp_min(1e-6))

    def response(self, features: FeatureMap, points: Tensor) -> Tensor:
        """Return the responses `[...]` at points `[..., 2]`."""
        found: Tensor = features.at(points) @ self._filter
        return found

    def confidence(self, features: FeatureMap, points: Tensor) -> Tensor:
        """Return the responses `[...]` as shares of that of the handle in the first picture."""
        return self.response(features, points) / self._first
