"""Adaptive discriminator augmentation (ADA) for small sets of pictures.

Each transform is applied with probability `p`, which grows while the discriminator is more confident about the
training pictures than `target` allows. Geometry is one inverse affine map, applied once between wavelet filters
(`explorer.training.warp`), colour one 4x4 matrix. Karras et al. 2020 (ADA), appendix B.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from explorer.training.corrupt import cut_out, filter_octaves, noisy
from explorer.training.warp import warp

if TYPE_CHECKING:
    from explorer.training.settings import TrainSettings

__all__ = ["Augment"]

_INTERVAL = 4  # batches between adaptations


def _matrix3(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def _rotation(angle: Tensor) -> Tensor:
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    cos, sin = torch.cos(angle), torch.sin(angle)
    return _matrix3([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _scale(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix3([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def _shift(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix3([[one, zero, x], [zero, one, y], [zero, zero, one]])


class Augment:
    """Differentiable augmentation of `[N, C, R, R]` with adaptive strength."""

    def __init__(self, settings: TrainSettings) -> None:
        self.settings = settings
        self.probability = 0.0
        self._signs = 0.0
        self._batches = 0

    def __call__(self, pictures: Tensor) -> Tensor:
        if self.settings.augment == "none" or self.probability <= 0:
            return pictures
        p, pipe = self.probability, self.settings.augment_pipe
        if "b" in pipe or "g" in pipe:
            pictures = self._geometry(pictures, p, "b" in pipe, "g" in pipe)
        if "c" in pipe and pictures.shape[1] == 3:
            pictures = self._colour(pictures, p)
        for letter, corrupt in (("f", filter_octaves), ("n", noisy), ("x", cut_out)):
            if letter in pipe:
                pictures = corrupt(pictures, p)
        return pictures

    def observe(self, mean_sign: float, count: int) -> None:
        """Record the discriminator's confidence about real pictures; every few batches, adapt the strength to it.

        Args:
            mean_sign: Mean sign of its logits for the batch, -1..1 (ADA's r_t).
            count: Pictures in the batch.
        """
        if self.settings.augment == "none":
            return
        self._signs += mean_sign
        self._batches += 1
        if self._batches < _INTERVAL:
            return
        step = count * _INTERVAL / (self.settings.augment_kimg * 1000)
        direction = math.copysign(1.0, self._signs / self._batches - self.settings.augment_target)
        self.probability = min(max(self.probability + direction * step, 0.0), 1.0)
        self._signs, self._batches = 0.0, 0

    def state(self) -> dict[str, float]:
        """Return the state for a resumed run."""
        return {"probability": self.probability, "signs": self._signs, "batches": self._batches}

    def load(self, state: dict[str, float]) -> None:
        """Continue from `state`."""
        self.probability, self._signs = state["probability"], state["signs"]
        self._batches = int(state["batches"])

    @staticmethod
    def _geometry(pictures: Tensor, p: float, whole: bool, free: bool) -> Tensor:
        """Apply all motions as one map: `whole` ones (flips, quarter turns, whole pixels) and `free` ones."""
        count, device = pictures.shape[0], pictures.device
        side = pictures.shape[-1]
        p_whole, p_free = p * whole, p * free

        def chosen(value: Tensor, neutral: float, probability: float = p_free) -> Tensor:
            use = torch.rand(count, device=device) < probability
            return torch.where(use, value, torch.full_like(value, neutral))

        def normal() -> Tensor:
            return torch.randn(count, device=device)

        def uniform(low: float, high: float) -> Tensor:
            return torch.rand(count, device=device) * (high - low) + low

        flip = chosen(torch.where(uniform(0, 1) < 0.5, -1.0, 1.0), 1, p_whole)
        turns = chosen(torch.floor(uniform(0, 4)), 0, p_whole) * (math.pi / 2)
        # In the sampling grid's units of half a picture; whole pixels.
        jump = [chosen(torch.round(uniform(-0.125, 0.125) * side) / side * 2, 0, p_whole) for _ in range(2)]
        zoom = torch.exp2(chosen(normal() * 0.2, 0))
        fraction = 1 - math.sqrt(1 - min(p_free, 1.0))
        before = chosen(uniform(-math.pi, math.pi), 0, fraction)
        stretch = torch.exp2(chosen(normal() * 0.2, 0))
        after = chosen(uniform(-math.pi, math.pi), 0, fraction)
        drift = [chosen(normal() * 0.125 * 2, 0) for _ in range(2)]
        inverse = _scale(flip, torch.ones_like(flip)) @ _rotation(turns) @ _shift(*jump)
        inverse = inverse @ _scale(1 / zoom, 1 / zoom) @ _rotation(-before)
        inverse = inverse @ _scale(1 / stretch, stretch) @ _rotation(-after) @ _shift(*drift)
        return warp(pictures, inverse)

    @staticmethod
    def _colour(pictures: Tensor, p: float) -> Tensor:
        """Apply brightness, contrast, luma flip, hue and saturation as one matrix on (r, g, b, 1)."""
        count, device = pictures.shape[0], pictures.device
        identity = torch.eye(4, device=device)
        luma = torch.full((4,), 1 / math.sqrt(3), device=device)
        luma[3] = 0
        along = torch.outer(luma, luma)

        def mix(build: Callable[[], Tensor]) -> Tensor:
            use = torch.rand(count, device=device) < p
            return torch.where(use[:, None, None], build(), identity)

        def brightness() -> Tensor:
            matrix = identity.repeat(count, 1, 1)
            matrix[:, :3, 3] = torch.randn(count, 1, device=device) * 0.2
            return matrix

        def contrast() -> Tensor:
            factor = torch.exp2(torch.randn(count, device=device) * 0.5)
            diagonal = torch.stack([factor, factor, factor, torch.ones_like(factor)], 1)
            return torch.diag_embed(diagonal)

        def luma_flip() -> Tensor:
            flip = torch.floor(torch.rand(count, device=device) * 2)
            return identity - 2 * along * flip[:, None, None]

        def hue() -> Tensor:
            angle = (torch.rand(count, device=device) * 2 - 1) * math.pi
            u = 1 / math.sqrt(3)
            cross = torch.zeros(4, 4, device=device)
            cross[0, 1], cross[0, 2], cross[1, 0], cross[1, 2], cross[2, 0], cross[2, 1] = -u, u, u, -u, -u, u
            colour = identity.clone()
            colour[3, 3] = 0
            cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
            turned = cos * colour + sin * cross + (1 - cos) * along
            return turned + (identity - colour)

        def saturation() -> Tensor:
            factor = torch.exp2(torch.randn(count, device=device))[:, None, None]
            return along + (identity - along) * factor + (1 - factor) * torch.diag(torch.eye(4, device=device)[3])

        matrix = mix(saturation) @ mix(hue) @ mix(luma_flip) @ mix(contrast) @ mix(brightness)
        flat = pictures.flatten(2)
        return (matrix[:, :3, :3] @ flat + matrix[:, :3, 3:]).reshape(pictures.shape)
