"""The effect of each group of styles: how far a critter moves towards another when it takes a group of its styles.

Measured with the attribute network, so that "coarse styles change pose and species, fine ones colours" is a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from explorer.latents.groups import GROUPS, group_of

if TYPE_CHECKING:
    from explorer.analysis.attribute_network import AttributeNetwork
    from explorer.generators.base import Generator

__all__ = ["TRAITS", "style_effects", "table"]

TRAITS: Mapping[str, tuple[str, ...]] = {
    "species": ("species",),
    "pose": ("yaw", "pitch", "roll"),
    "place and size": ("shift_x", "shift_y", "size"),
    "coat colour": ("palette",),
    "coat pattern": ("pattern",),
    "eye colour": ("eye_hue",),
    "background": tuple(f"background_{end}_{channel}" for end in ("top", "bottom") for channel in "rgb"),
}
"""Traits, and the outputs of the network that measure them."""

_BATCH = 16


@torch.inference_mode()
def style_effects(
    generator: Generator, network: AttributeNetwork, pairs: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return for each group of styles and trait how far the result moves from A (0) to B (1).

    The least-squares fraction over `pairs` pairs of random latents: the differences to A projected on those of B to
    A. The groups need not add up to 1.
    """
    random = np.random.RandomState(seed)
    groups = [group_of(generator.info, index) for index in range(generator.info.num_ws)]
    along = {group: dict.fromkeys(TRAITS, 0.0) for group in GROUPS}
    whole = dict.fromkeys(TRAITS, 0.0)
    for start in range(0, pairs, _BATCH):
        count = min(_BATCH, pairs - start)
        a, b = (_styles(generator, random, count) for _ in range(2))
        read_a, read_b = (_readings(generator, network, ws) for ws in (a, b))
        for trait in TRAITS:
            whole[trait] += float((read_b[trait] - read_a[trait]).square().sum())
        for group in GROUPS:
            taken = torch.tensor([each == group for each in groups], device=a.device)[None, :, None]
            mixed = _readings(generator, network, torch.where(taken, b, a))
            for trait in TRAITS:
                step = (mixed[trait] - read_a[trait]) * (read_b[trait] - read_a[trait])
                along[group][trait] += float(step.sum())
    return {group: {trait: along[group][trait] / max(whole[trait], 1e-12) for trait in TRAITS} for group in GROUPS}


def _styles(generator: Generator, random: np.random.RandomState, count: int) -> Tensor:
    z = torch.from_numpy(random.randn(count, generator.info.z_dim)).float().to(generator.device)
    return generator.broadcast(generator.mapping(z))


def _readings(generator: Generator, network: AttributeNetwork, ws: Tensor) -> dict[str, Tensor]:
    """Return each trait as `[N, k]`, numbers in units of their standard deviation."""
    read = network.read(generator.synthesis(ws).cpu().clamp(-1, 1))
    for name, (_, spread) in network.vocabulary.numbers.items():
        read[name] = read[name][:, None] / spread
    return {trait: torch.cat([read[name] for name in names], 1) for trait, names in TRAITS.items()}


def table(effects: Mapping[str, Mapping[str, float]]) -> str:
    """Return the fractions as a Markdown table."""
    lines = [f"| Styles taken | {' | '.join(TRAITS)} |", f"|---{'|---' * len(TRAITS)}|"]
    for group, fractions in effects.items():
        lines.append(f"| {group} | {' | '.join(f'{fractions[trait]:.0%}' for trait in TRAITS)} |")
    return "\n".join(lines)
