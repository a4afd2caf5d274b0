"""Figures for the card of a generator trained on Critters: nearness to the renderer, and equivariance."""

from __future__ import annotations

import math

import torch

from explorer.analysis.equivariance import Metric, draws, measure
from explorer.generators.base import Generator
from explorer.training.critters.attributes import attributes, latents
from explorer.training.critters.render import render

__all__ = ["figures"]

_HELD_OUT = 1  # data set seed that no recipe trains on


@torch.inference_mode()
def figures(generator: Generator, samples: int) -> list[str]:
    """Sentences with measured figures over `samples` pictures each."""
    z = latents(samples, _HELD_OUT)
    real = torch.cat([render(attributes(part), generator.info.img_resolution) for part in torch.split(z, 2)])
    ws = generator.broadcast(generator.mapping(z))
    made = torch.cat([generator.synthesis(part) for part in torch.split(ws, 8)]).clamp(-1, 1) / 2 + 0.5
    near = _psnr(made - real)
    average = _psnr(real.mean(0, keepdim=True) - real)
    lines = [
        f"Likeness to the renderer's pictures of {samples} latents that training never saw: PSNR {near:.1f} dB "
        f"(the average of those pictures: {average:.1f} dB)."
    ]
    if generator.info.has_input_transform:
        wanted: tuple[Metric, ...] = ("eq-t", "eq-t-frac", "eq-r")
        sums = measure(generator, draws(generator, samples), wanted)
        found = ", ".join(f"{name.upper()} {total.decibels:.1f} dB" for name, total in sums.items())
        lines.append(f"Equivariance over {samples} pictures: {found}.")
    return lines


def _psnr(difference: torch.Tensor) -> float:
    return -10 * math.log10(float(difference.double().square().mean()))
