"""genforce's `.pth` of StyleGAN2: dictionaries of state dicts, with the kernels of the resampling as buffers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])
KERNEL = torch.outer(_TAPS, _TAPS) / 64 * 4
_PARTS = {"affine.weight": "style.weight", "affine.bias": "style.bias", "noise_const": "noise"}


def state(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of the generator."""
    made: dict[str, Tensor] = {"synthesis.upsample.kernel": KERNEL[None, None].clone()}
    for key, tensor in tensors.items():
        first, second, *others = key.split(".")
        if key == "mapping.w_avg":
            made["truncation.w_avg"] = tensor
        elif first == "mapping":
            made[key.replace("fc", "dense")] = tensor
        elif key.endswith("resample_filter"):
            continue
        elif others[0] == "const":
            made["synthesis.early_layer.const"] = tensor[None]
        else:
            block = int(math.log2(int(second[1:]))) - 2
            part = ".".join(others[1:])
            layer = 2 * block - (others[0] == "conv0")
            place = f"output{block}" if others[0] == "torgb" else f"layer{layer}"
            made[f"synthesis.{place}.{_PARTS.get(part, part)}"] = _value(part, others[0], tensor)
            if others[0] == "conv0":
                made[f"synthesis.{place}.filter.kernel"] = KERNEL[None, None].clone()
    return made


def _value(part: str, conv: str, tensor: Tensor) -> Tensor:
    if part == "affine.bias":
        return tensor - 1
    if part == "noise_const":
        return tensor[None, None]
    return tensor.flip(2, 3) if (part, conv) == ("weight", "conv0") and tensor.ndim == 4 else tensor


def save(path: Path, tensors: dict[str, Tensor], form: str = "both") -> None:
    """Write a file; `form` is "both", "training" (all under `models`), "current" (no average) or "flat"."""
    made = state(tensors)
    value: Any = {
        "generator": {key: tensor * 0 for key, tensor in made.items()},
        "discriminator": {"input0.weight": torch.ones(2, 3, 1, 1)},
        "generator_smooth": made,
    }
    if form == "training":
        value = {"models": value, "running_metadata": {"iter": 5}}
    elif form == "current":
        value = {"generator": made}
    elif form == "flat":
        value = made
    torch.save(value, path)
