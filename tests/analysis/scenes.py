"""Constructed pictures of which it is known what sticks, and a context that makes them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from explorer.generators import registry
from explorer.generators.base import Generator, Inputs, LayerEdits
from explorer.render.headless import HeadlessRenderer
from explorer.state import Look
from explorer.state.request import RenderRequest
from explorer.util.steps import Steps, run

__all__ = ["TinyContext", "blurred_noise", "boiling", "rigid", "shift", "stuck"]

STEPS = 5


def blurred_noise(size: int, sigma: float, seed: int) -> Tensor:
    """Periodic noise `[1, 1, size, size]` of standard deviation 1, smoothed by `sigma` pixels."""
    noise = torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(seed))
    fx, fy = torch.fft.fftfreq(size)[None, :], torch.fft.fftfreq(size)[:, None]
    smooth = torch.fft.ifft2(torch.fft.fft2(noise) * torch.exp(-2 * (math.pi * sigma) ** 2 * (fx**2 + fy**2))).real
    return smooth / smooth.std()


def shift(x: Tensor, dx: float, dy: float) -> Tensor:
    """Moved right and down by pixels, exactly, the edges wrapped round."""
    height, width = x.shape[2:]
    fx, fy = torch.fft.fftfreq(width)[None, :], torch.fft.fftfreq(height)[:, None]
    return torch.fft.ifft2(torch.fft.fft2(x) * torch.exp(-2j * math.pi * (fx * dx + fy * dy))).real


def _shape(size: int, t: int, speed: float) -> Tensor:
    """A soft disc on its way."""
    y, x = torch.meshgrid(torch.arange(size) - size / 2, torch.arange(size) - size / 2, indexing="ij")
    away = (x - speed * (t - STEPS / 2)) ** 2 + (y - 0.6 * speed * (t - STEPS / 2)) ** 2
    return torch.exp(-((away / (2 * (0.25 * size) ** 2)) ** 2))


def rigid(size: int, speed: float) -> list[Tensor]:
    """A shape that moves with its shading and its texture."""
    coarse, fine = blurred_noise(size, 0.06 * size, 1), blurred_noise(size, 1.0, 2)
    whole = 0.5 * coarse + 0.2 * fine
    return [(_shape(size, t, speed) * shift(whole, speed * t, 0.6 * speed * t))[0] for t in range(STEPS)]


def stuck(size: int, speed: float) -> list[Tensor]:
    """The same shape and shading in motion; its texture is fixed on the screen."""
    coarse, fine = blurred_noise(size, 0.06 * size, 1), blurred_noise(size, 1.0, 2)
    return [
        (_shape(size, t, speed) * (0.5 * shift(coarse, speed * t, 0.6 * speed * t) + 0.2 * fine))[0]
        for t in range(STEPS)
    ]


def boiling(size: int, speed: float) -> list[Tensor]:
    """The same again; its texture is another one at every step."""
    coarse = blurred_noise(size, 0.06 * size, 1)
    return [
        (
            _shape(size, t, speed)
            * (0.5 * shift(coarse, speed * t, 0.6 * speed * t) + 0.2 * blurred_noise(size, 1.0, 9 + t))
        )[0]
        for t in range(STEPS)
    ]


class TinyContext:
    """A job context over a small real generator; `pictures` counts what was made."""

    def __init__(self, family: str = "tiny", **config: object) -> None:
        torch.manual_seed(0)
        self.generator: Generator = registry.build(family, dict(config)).requires_grad_(False)
        self.renderer = HeadlessRenderer(self.generator)
        self.pictures = 0

    def picture(self, request: RenderRequest) -> Tensor:
        self.pictures += 1
        return run(self.renderer.context.steps(request))

    def steps(self, request: RenderRequest) -> Steps[Tensor]:
        yield
        return self.picture(request)

    def prepared(self, request: RenderRequest) -> tuple[Inputs, LayerEdits]:
        return self.renderer.context.prepared(request)

    def request(self, look: Look | None = None) -> RenderRequest:
        return self.renderer.request(look or Look())
