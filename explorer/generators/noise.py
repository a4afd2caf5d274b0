"""Noise of synthesis layers: stored with the weights, or drawn from a stream for each layer."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .info import LayerInfo
    from .inputs import NoiseSpec

__all__ = ["layer_noise", "noise_of"]


def layer_noise(seed: int, name: str, batch: int, height: int, width: int) -> Tensor:
    """Return standard normal noise `[batch, 1, height, width]` from a stream per layer, equal on every device."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=7).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
    return torch.randn(batch, 1, height, width, generator=generator)


def noise_of(info: LayerInfo, stored: Tensor, spec: NoiseSpec, batch: int) -> Tensor | None:
    """Return the noise that a layer adds under `spec`; see `SynthesisLayer.noise`.

    Args:
        info: The layer.
        stored: Its constant noise `[height, width]`.
        spec: Which noise to add.
        batch: Number of pictures.
    """
    strength = spec.strength_of(info.name)
    if not info.has_noise or spec.mode == "none" or strength == 0:
        return None
    if spec.mode == "const":
        noise = stored.view(1, 1, info.height, info.width)
        return noise if strength == 1 else noise * strength
    return layer_noise(spec.seed, info.name, batch, info.height, info.width).to(stored.device) * strength
