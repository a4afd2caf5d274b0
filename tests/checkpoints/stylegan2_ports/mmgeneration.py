"""MMGeneration's `.pth`: a state dict of all networks; those trained there put out blue first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.generators.base import Generator
from tests.checkpoints.stylegan2_ports.layers import KERNEL, numbered, tensors

_LEAVES = {
    "weight": "conv.weight_orig",
    "affine.weight": "conv.style_modulation.linear.weight_orig",
    "affine.bias": "conv.style_modulation.bias",
}


def state(generator: Generator) -> dict[str, Tensor]:
    """The state dict of a generator, which puts out red first."""
    made: dict[str, Tensor] = {}
    for kind, number, rest, tensor in tensors(generator):
        if kind == "fc":
            made[f"style_mapping.{number + 1}.{'linear.weight_orig' if rest == 'weight' else 'bias'}"] = tensor
        elif kind == "const":
            made["constant_input.input"] = tensor[None]
        elif rest == "noise_const":
            made[f"injected_noise_{number}"] = tensor[None, None]
        elif kind == "conv":
            layer = numbered("conv1", "convs", number)
            own = {**_LEAVES, "noise_strength": "noise_injector.weight", "bias": "activate.bias"}[rest]
            made[f"{layer}.{own}"] = tensor[None] if rest == "weight" or tensor.ndim == 0 else tensor
            if rest == "weight" and number % 2:
                made[f"{layer}.conv.blur.kernel"] = KERNEL.clone()
        else:
            layer = numbered("to_rgb1", "to_rgbs", number)
            tensor = tensor[None] if rest == "weight" else tensor[None, :, None, None] if rest == "bias" else tensor
            made[f"{layer}.{_LEAVES.get(rest, rest)}"] = tensor
            if rest == "weight" and number:
                made[f"{layer}.upsample.kernel"] = KERNEL.clone()
    return made


def blue_first(made: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same generator with its colours in the other order."""
    ends = (".conv.weight_orig", ".bias")
    return {
        key: tensor.flip(1) if key.startswith("to_rgb") and tensor.ndim > 2 and key.endswith(ends) else tensor
        for key, tensor in made.items()
    }


def save(path: Path, made: dict[str, Tensor], mean: Tensor, form: str = "converted") -> None:
    """Write a file without a mean of w; `form` is one of `FORMS`."""
    trained = blue_first(made) if "trained" in form or form == "magic" else made
    module = "module." if form in ("parallel trained", "magic") else ""
    whole: dict[str, Any] = {f"generator_ema.{module}{key}": tensor for key, tensor in trained.items()}
    about: dict[str, Any] = {"meta": {"epoch": 0, "iter": 800_002, "mmgen_version": "0.1.0"}}
    if form != "converted":
        whole |= {f"generator.{module}{key}": tensor * 0 for key, tensor in trained.items()}
        whole["discriminator.convs.0.conv.weight_orig"] = torch.zeros(4, 3, 1, 1)
    if form == "current trained":
        whole = {f"generator.{key}": tensor for key, tensor in trained.items()}
    if form == "linear biases trained":
        whole = {
            key.replace("style_modulation.bias", "style_modulation.linear.bias"): t for key, t in whole.items()
        }
    if form == "magic":
        whole["generator_ema.steps"] = torch.tensor(5)
        about = {"meta": {}, "message_hub": {}, "param_schedulers": []}
    torch.save({"state_dict": whole, **({} if form == "converted" else about)}, path)


FORMS = ("converted", "trained", "parallel trained", "current trained", "linear biases trained", "magic")
