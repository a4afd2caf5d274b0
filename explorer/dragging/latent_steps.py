"""The latent of a drag: the rows of `ws` that may change, their coordinates, how far they go, and the optimiser.

The coordinates are those in which latents of the model have no correlation and standard deviation one: a step then
goes along what the model varies, and not into directions that it has never seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from explorer.directions.samples import mapped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.dragging.problem import DragSettings
    from explorer.generators.base import Generator, GeneratorInfo
    from explorer.util.steps import Steps

__all__ = ["LatentSteps", "candidate_rows", "spread"]

SAMPLES = 4000
"""Latents that measure how `w` varies."""

_FLOOR = 1e-3
"""The least standard deviation along an axis, relative to the largest."""


def candidate_rows(info: GeneratorInfo, layer: int, settings: DragSettings) -> tuple[int, ...]:
    """Return the rows of `ws` that may change the features of a layer; not StyleGAN3's camera, if it is locked."""
    driven = {part.ws_index for part in info.layers[: layer + 1] if not part.is_rgb and part.ws_index is not None}
    if info.input_style_dim and not settings.camera_lock:
        driven.add(0)
    if info.input_style_dim and settings.camera_lock:
        driven.discard(0)
    if settings.rows:
        driven &= set(settings.rows)
    return tuple(sorted(driven))


def spread(generator: Generator) -> Steps[Tensor]:
    """Return the basis `[w_dim, w_dim]` of the coordinates: its rows are axes, one standard deviation long.

    `coordinates @ basis` is a step in `w`; coordinates of random latents have mean 0 and covariance 1.
    """
    parts = []
    for w in mapped(generator, SAMPLES):
        parts.append(w.double().cpu())
        yield
    w = torch.cat(parts)
    w = w - w.mean(dim=0)
    variances, axes = torch.linalg.eigh(w.T @ w / len(w))
    deviations = variances.clamp_min(0).sqrt()
    deviations = torch.maximum(deviations, _FLOOR * deviations.max())
    basis: Tensor = (deviations[:, None] * axes.T).float().to(generator.device)
    return basis


class LatentSteps:
    """`ws` from its start onwards.

    Args:
        ws: The start `[num_ws, w_dim]`.
        basis: From `spread`.
        rows: The rows that may change.
        settings: Rate and trust.
    """

    def __init__(self, ws: Tensor, basis: Tensor, rows: Sequence[int], settings: DragSettings) -> None:
        self._start, self._basis, self._settings = ws, basis, settings
        self.rows = tuple(rows)
        self._index = torch.tensor(self.rows, dtype=torch.long, device=ws.device)
        self._coordinates = torch.zeros(len(self.rows), ws.shape[1], device=ws.device, requires_grad=True)
        self._active: Tensor | None = None
        self._limit = settings.trust * float(basis.square().sum().sqrt())
        self._adam = self._optimiser(settings.rate)

    def _optimiser(self, rate: float) -> torch.optim.Adam:
        return torch.optim.Adam([self._coordinates], lr=rate)

    def ws(self) -> Tensor:
        """Return `ws` `[1, num_ws, w_dim]`, differentiable."""
        return self._start.index_add(0, self._index, self._coordinates @ self._basis)[None]

    def descend(self, loss: Tensor) -> None:
        """Take a step against the gradient of a loss, within the trusted distance of the start."""
        (gradient,) = torch.autograd.grad(loss, [self._coordinates])  # and none of the weights
        if not bool(torch.isfinite(gradient).all()):
            return
        if self._active is None:
            norms = gradient.norm(dim=1)
            if float(norms.max()) > 0.0:
                self._active = norms >= self._settings.share * norms.max()
        if self._active is not None:
            gradient[~self._active] = 0.0
        self._coordinates.grad = gradient
        self._adam.step()
        with torch.no_grad():
            lengths = (self._coordinates @ self._basis).norm(dim=1, keepdim=True)
            self._coordinates *= (self._limit / lengths.clamp_min(1e-12)).clamp_max(1.0)

    @property
    def is_at_limit(self) -> bool:
        """Whether a row is as far from its start as it may go."""
        lengths = (self._coordinates.detach() @ self._basis).norm(dim=1)
        return bool((lengths >= 0.999 * self._limit).any())

    def saved(self) -> Tensor:
        """Return the coordinates `[rows, w_dim]`."""
        return self._coordinates.detach().clone()

    def restart(self, coordinates: Tensor, rate: float) -> None:
        """Go back to coordinates, with another rate and no momentum."""
        with torch.no_grad():
            self._coordinates.copy_(coordinates)
        self._adam = self._optimiser(rate)

    def offset(self) -> NDArray[np.float32]:
        """Return what was added to `ws`, `[num_ws, w_dim]`, read-only."""
        with torch.no_grad():
            moved = torch.zeros_like(self._start)
            moved.index_copy_(0, self._index, self._coordinates @ self._basis)
        found: NDArray[np.float32] = moved.cpu().numpy()
        found.setflags(write=False)
        return found

    @property
    def distance(self) -> float:
        """The largest distance of a row from its start, as a share of the trusted one; 0 at the start."""
        lengths = (self._coordinates.detach() @ self._basis).norm(dim=1)
        return float(lengths.max()) / self._limit if math.isfinite(self._limit) and self._limit else 0.0
