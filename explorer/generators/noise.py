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

_AT_A_TIME = 16


def layer_noise(seed: int, name: str, batch: int, height: int, width: int) -> Tensor:
    """Return standard normal noise `[batch, 1, height, width]` from a stream per layer, equal on every device.

    The numbers of a picture do not depend on how many follow. torch draws sixteen at a time, and other ones for a
    rest, so each picture takes a multiple of sixteen.
    """
    count = height * width
    drawn = -(-count // _AT_A_TIME) * _AT_A_TIME
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=7).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
    numbers = torch.randn(batch, drawn, generator=generator)
    return numbers[:, :count].reshape(batch, 1, height, width)


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
