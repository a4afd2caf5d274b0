"""BasicSR's `.pth`: a dictionary of state dicts without kernels."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from explorer.generators.base import Generator
from tests.checkpoints.stylegan2_ports.layers import numbered, tensors

_LEAVES = {
    "weight": "modulated_conv.weight",
    "affine.weight": "modulated_conv.modulation.weight",
    "affine.bias": "modulated_conv.modulation.bias",
}


def state(generator: Generator) -> dict[str, Tensor]:
    """The state dict of a generator."""
    made: dict[str, Tensor] = {}
    for kind, number, rest, tensor in tensors(generator):
        if kind == "fc":
            made[f"style_mlp.{number + 1}.{rest}"] = tensor
        elif kind == "const":
            made["constant_input.weight"] = tensor[None]
        elif rest == "noise_const":
            made[f"noises.noise{number}"] = tensor[None, None]
        elif kind == "conv":
            layer = numbered("style_conv1", "style_convs", number)
            own = {**_LEAVES, "noise_strength": "weight", "bias": "activate.bias"}[rest]
            made[f"{layer}.{own}"] = (
                tensor[None] if rest == "weight" else tensor.reshape(1) if tensor.ndim == 0 else tensor
            )
        else:
            tensor = tensor[None] if rest == "weight" else tensor[None, :, None, None] if rest == "bias" else tensor
            made[f"{numbered('to_rgb1', 'to_rgbs', number)}.{_LEAVES.get(rest, rest)}"] = tensor
    return made


def save(path: Path, made: dict[str, Tensor], mean: Tensor, form: str = "averaged") -> None:
    """Write a file without a mean of w; `form` is "averaged", "current" or "flat"."""
    zeros = {key: tensor * 0 for key, tensor in made.items()}
    forms = {"averaged": {"params": zeros, "params_ema": made}, "current": {"params": made}, "flat": made}
    torch.save(forms[form], path)
