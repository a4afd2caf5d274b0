"""lernapparat's `.pt`: one flat state dict without noise, or a list of three with the names of TensorFlow."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tests.checkpoints.stylegan_formats import tensorflow
from tests.checkpoints.stylegan_formats.genforce import KERNEL

_PARTS = {"style.weight": "style_mod.lin.weight", "style.bias": "style_mod.lin.bias",
          "apply_noise.weight": "top_epi.noise.weight"}  # fmt: skip


def block_key(layer: int, rest: str) -> str:
    """The key of a layer's tensor within its block."""
    if rest in _PARTS:
        return f"epi{1 + layer % 2}.{_PARTS[rest]}"
    if layer == 0:
        return rest  # const, bias
    return f"{'conv' if layer == 1 else 'conv1' if layer % 2 else 'conv0_up'}.{rest}"


def state(tensors: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """The state dict of a generator of `size` pixels."""
    last = f"output{size.bit_length() - 3}"
    made: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        first, second, *others = key.split(".")
        if first == "mapping":
            made[f"g_{key}"] = tensor
        elif second == last:
            made[f"g_synthesis.torgb.{others[0]}"] = tensor
        elif second.startswith("layer") and others[-1] != "noise":
            layer = int(second.removeprefix("layer"))
            width = 4 << layer // 2
            made[f"g_synthesis.blocks.{width}x{width}.{block_key(layer, '.'.join(others))}"] = tensor
    for width in (4 << i for i in range(1, size.bit_length() - 2)):
        made[f"g_synthesis.blocks.{width}x{width}.conv0_up.intermediate.kernel"] = KERNEL[None, None].clone()
    return made


def save(path: Path, tensors: dict[str, Tensor], size: int, form: str = "flat") -> None:
    """Write a file; `form` is "flat" or "names of TensorFlow"."""
    if form == "flat":
        torch.save(state(tensors, size), path)
        return
    variables = {key: torch.as_tensor(array) for key, array in tensorflow.variables(tensors, size).items()}
    skipped = ("lod", "noise", "dlatent_avg")  # what is not trained
    kept = {f"G_{key}": t for key, t in variables.items() if not key.split("/")[-1].startswith(skipped)}
    zeros = {key: t * 0 for key, t in kept.items()}
    torch.save([zeros, {"FromRGB_lod0/weight": torch.ones(1)}, kept], path)
