"""huangzh13's `.pth`: one flat state dict with the mean of w, optionally classes, optionally no blur."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tests.checkpoints.stylegan_formats.genforce import KERNEL
from tests.checkpoints.stylegan_formats.lernapparat import block_key


def state(tensors: dict[str, Tensor], size: int, *, blurs: bool = True) -> dict[str, Tensor]:
    """The state dict of a generator of `size` pixels."""
    made: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        first, second, *others = key.split(".")
        if key == "mapping.label_weight":
            made["class_embedding.weight"] = tensor
        elif first == "mapping":
            made[f"g_mapping.map.{second}.{others[0]}"] = tensor
        elif key == "truncation.w_avg":
            made["truncation.avg_latent"] = tensor
        elif second.startswith("output"):
            made[f"g_synthesis.to_rgb.{second.removeprefix('output')}.{others[0]}"] = tensor
        elif second.startswith("layer") and others[-1] != "noise":
            layer = int(second.removeprefix("layer"))
            block = "init_block" if layer < 2 else f"blocks.{layer // 2 - 1}"
            made[f"g_synthesis.{block}.{block_key(layer, '.'.join(others))}"] = tensor
    if blurs:
        for number in range(size.bit_length() - 3):
            made[f"g_synthesis.blocks.{number}.conv0_up.intermediate.kernel"] = KERNEL[None, None].clone()
    return made


def save(path: Path, tensors: dict[str, Tensor], size: int, *, blurs: bool = True) -> None:
    """Write a file."""
    torch.save(state(tensors, size, blurs=blurs), path)
