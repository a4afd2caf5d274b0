"""rosinality's `.pt`, and the files that others make around its generator."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.generators.base import Generator
from tests.checkpoints.stylegan2_ports.layers import KERNEL, numbered, tensors

_LEAVES = {
    "weight": "conv.weight",
    "affine.weight": "conv.modulation.weight",
    "affine.bias": "conv.modulation.bias",
    "noise_strength": "noise.weight",
}


def state(generator: Generator, *, noises: bool = True, kernels: bool = True) -> dict[str, Tensor]:
    """The state dict of a generator."""
    made: dict[str, Tensor] = {}
    for kind, number, rest, tensor in tensors(generator):
        if kind == "fc":
            made[f"style.{number + 1}.{rest}"] = tensor
        elif kind == "const":
            made["input.input"] = tensor[None]
        elif rest == "noise_const":
            if noises:
                made[f"noises.noise_{number}"] = tensor[None, None]
        elif kind == "conv":
            layer = numbered("conv1", "convs", number)
            if rest == "weight":
                tensor = tensor[None]
                if kernels and number % 2:
                    made[f"{layer}.conv.blur.kernel"] = KERNEL.clone()
            made[f"{layer}.{_LEAVES.get(rest, 'activate.bias')}"] = tensor[None] if tensor.ndim == 0 else tensor
        else:
            layer = numbered("to_rgb1", "to_rgbs", number)
            if rest == "weight" and kernels and number:
                made[f"{layer}.upsample.kernel"] = KERNEL.clone()
            tensor = tensor[None] if rest == "weight" else tensor[None, :, None, None] if rest == "bias" else tensor
            made[f"{layer}.{_LEAVES.get(rest, rest)}"] = tensor
    return made


def _judge() -> dict[str, Tensor]:
    return {"convs.0.0.weight": torch.zeros(4, 3, 1, 1), "final_linear.0.weight": torch.zeros(4, 64)}


def _encoder() -> dict[str, Tensor]:
    return {
        "encoder.input_layer.0.weight": torch.zeros(4, 3, 3, 3),
        "encoder.body.0.res_layer.1.weight": torch.zeros(4, 4, 3, 3),
        "encoder.styles.0.convs.0.weight": torch.zeros(4, 4, 3, 3),
        "encoder.styles.0.linear.weight": torch.zeros(4, 4),
    }


def value(made: dict[str, Tensor], mean: Tensor, form: str = "converted") -> Any:
    """The value of a file around a state dict; `form` is one of `FORMS`."""
    zeros = {key: tensor * 0 for key, tensor in made.items()}
    decoder = {f"decoder.{key}": tensor for key, tensor in made.items()}
    rows = mean.repeat(8, 1)
    return {
        "converted": lambda: {"g_ema": made, "latent_avg": mean},
        "converted whole": lambda: {"g": zeros, "d": _judge(), "g_ema": made, "latent_avg": mean[None]},
        "training": lambda: {
            "g": zeros, "d": _judge(), "g_ema": made, "g_optim": {"state": {}, "param_groups": []}, "d_optim": {},
            "args": argparse.Namespace(size=32, path="data", lr=0.002), "ada_aug_p": 0.1,
        },
        "current": lambda: {"g": made, "latent_avg": mean},
        "flat": lambda: dict(made),
        "parallel": lambda: {"g_ema": {f"module.{key}": tensor for key, tensor in made.items()}},
        "nada": lambda: {"g_ema": made, "g_optim": {"state": {}, "param_groups": []}},
        "e4e": lambda: {
            "state_dict": {**_encoder(), **decoder}, "latent_avg": rows,
            "opts": {"device": "cuda:0", "stylegan_size": 32, "start_from_latent_avg": True},
            "discriminator_state_dict": _judge(), "global_step": 7, "best_val_loss": torch.tensor(0.1),
        },
        "psp": lambda: {
            "state_dict": {**_encoder(), **decoder}, "latent_avg": rows, "opts": argparse.Namespace(output_size=32),
        },
        "restyle": lambda: {"state_dict": {**_encoder(), **decoder}, "latent_avg": mean, "opts": {"n_styles": 8}},
        "hyperstyle": lambda: {
            "state_dict": {**decoder, "hypernet.blocks.0.weight": torch.zeros(2, 2)},
            "latent_avg": rows.expand(8, 12), "opts": {},
        },
    }[form]()  # fmt: skip


FORMS = ("converted", "converted whole", "training", "current", "flat", "parallel", "nada", "e4e", "psp", "restyle",
         "hyperstyle")  # fmt: skip
"""Those of rosinality's own programs, then those of others."""


def save(path: Path, made: dict[str, Tensor], mean: Tensor, form: str = "converted") -> None:
    """Write a file."""
    torch.save(value(made, mean, form), path)
