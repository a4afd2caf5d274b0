"""A student against its teacher: how alike their pictures are, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from explorer.generators.cost import PictureCost, picture_cost
from explorer.training.distillation_losses import psnr
from explorer.training.sheets import styles
from explorer.training.teacher import open_teacher, teacher_of

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["Costs", "against_teacher", "costs_of", "likeness"]

_PICTURES = 64


@dataclass(frozen=True)
class Costs:
    """What a generator costs: parameters, and multiply-adds of a picture's convolutions, filters aside."""

    parameters: int
    macs: int


def costs_of(generator: Generator, config: object) -> Costs:
    """Return the costs of a generator with this config dataclass."""
    cost: PictureCost = picture_cost(config)
    return Costs(sum(p.numel() for p in generator.parameters()), cost.flop // 2)


@torch.inference_mode()
def likeness(student: Generator, teacher: Generator, pictures: int = _PICTURES, psi: float = 1.0) -> float:
    """Return the PSNR of the student's pictures against the teacher's of the same seeds, stored noise, in dB."""
    made = []
    for start in range(0, pictures, 4):
        seeds = range(start, min(start + 4, pictures))
        pair = [g.synthesis(styles(g, seeds, psi)).cpu() for g in (student, teacher)]
        made.append(10 ** (-float(psnr(*pair)) / 10) * len(seeds))  # squared errors are averaged, not decibels
    return -10 * float(torch.tensor(sum(made) / pictures).log10())


def against_teacher(name: str, student: Generator) -> str:
    """Return sentences for the card of a student whose teacher has this name.

    Raises:
        LatentwalkError: The teacher cannot be opened.
    """
    teacher = teacher_of(open_teacher(name))
    alike = [likeness(student, teacher, psi=psi) for psi in (1.0, 0.7)]
    own, other = (costs_of(g, g.config) for g in (student, teacher))
    fewer = [other.macs / own.macs, other.parameters / own.parameters]
    return f"""Against the teacher, seeds 0 to {_PICTURES - 1}: PSNR {alike[0]:.1f} dB at psi 1, {alike[1]:.1f} dB
at psi 0.7. A picture takes {own.macs / 1e6:.1f} million multiply-adds in convolutions (the teacher's
{other.macs / 1e6:.1f}, {fewer[0]:.1f} times as many), and there are {own.parameters:,} parameters
({other.parameters:,}, {fewer[1]:.1f} times as many)."""
