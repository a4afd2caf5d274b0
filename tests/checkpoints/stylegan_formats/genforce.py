"""genforce's `.pth`: dictionaries of state dicts, with the kernels of the blur as buffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

KERNEL = torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 1.0])) / 16


def state(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of the generator."""
    whole = dict(tensors)
    for key, tensor in tensors.items():
        number = key.split(".")[1].removeprefix("layer")
        if (
            key.endswith(".bias")
            and key.count(".") == 2
            and number.isdigit()
            and int(number)
            and int(number) % 2 == 0
        ):
            whole[key.replace("bias", "blur.kernel")] = KERNEL.expand(tensor.shape[0], 1, 3, 3).clone()
    return whole


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
