"""Computes constants that a file may omit: filters, the identity transform, noise, the mean of w."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch import Tensor

    from explorer.generators.base import Generator

__all__ = ["can_complete", "complete", "completion_notes"]

_DESIGNED = ("resample_filter", "up_filter", "down_filter", "transform")  # follow from the settings
_NOISE = "noise_const"
_MEANS = ("mapping.w_avg", "style_avg")
"""The mean of w `[w_dim]`, or that of each class `[c_dim, w_dim]`."""
_SAMPLES = 10_000  # for the mean of w, as in NVIDIA's projector
_BATCH = 1_000


def can_complete(key: str) -> bool:
    """Return whether a missing tensor of this name can be computed."""
    return key in _MEANS or key.rpartition(".")[2] in (*_DESIGNED, _NOISE)


def completion_notes(keys: Collection[str]) -> tuple[str, ...]:
    """Return notes for the user on constants that are missing among tensors named `keys`.

    Filters and the identity are not mentioned: they are exactly what the file would have contained.
    """
    notes = []
    strengths = [key.removesuffix("noise_strength") for key in keys if key.endswith(".noise_strength")]
    if not all(f"{layer}{_NOISE}" in keys for layer in strengths):
        notes.append("The file lacks its constant noise; fixed random noise is used instead.")
    has_mapping = any(key.startswith(("mapping.", "mapping_network.")) for key in keys)  # otherwise there is none
    if has_mapping and not any(key in keys for key in _MEANS):
        notes.append(f"The file lacks the mean of w; it is computed from {_SAMPLES:,} latents.")
    return tuple(notes)


def complete(tensors: Mapping[str, Tensor], generator: Generator) -> dict[str, Tensor]:
    """Return `tensors` with the missing ones added, as far as they can be computed.

    Args:
        tensors: Tensors under the keys of `generator`'s state dict.
        generator: A generator with the same settings; its weights are overwritten by `tensors`.
    """
    state = generator.state_dict()
    missing = [key for key in state if key not in tensors and can_complete(key)]
    done = dict(tensors)
    numbers = torch.Generator().manual_seed(0)
    for key in missing:
        if key.endswith(f".{_NOISE}"):
            done[key] = torch.randn(state[key].shape, generator=numbers)
        elif key not in _MEANS:
            done[key] = state[key].clone()
    mean = next((key for key in missing if key in _MEANS), None)
    if mean is not None and all(key in done for key in state if key != mean):
        done[mean] = torch.zeros_like(state[mean])
        generator.load_state_dict(done)
        done[mean] = _mean_of_w(generator) if state[mean].ndim == 1 else _mean_of_each_class(generator)
    return done


@torch.no_grad()
def _mean_of_w(generator: Generator) -> Tensor:
    numbers = torch.Generator().manual_seed(0)
    info = generator.info
    total = torch.zeros(info.w_dim, dtype=torch.float64)
    for start in range(0, _SAMPLES, _BATCH):
        z = torch.randn(_BATCH, info.z_dim, generator=numbers)
        c = None
        if info.c_dim:
            c = torch.zeros(_BATCH, info.c_dim)
            c[torch.arange(_BATCH), (torch.arange(_BATCH) + start) % info.c_dim] = 1
        total += generator.mapping(z, c).double().sum(dim=0)
    return (total / _SAMPLES).float()


@torch.no_grad()
def _mean_of_each_class(generator: Generator) -> Tensor:
    info = generator.info
    totals = torch.zeros(info.c_dim, info.w_dim, dtype=torch.float64)
    for z in torch.split(torch.randn(_SAMPLES, info.z_dim, generator=torch.Generator().manual_seed(0)), _BATCH):
        for i in range(info.c_dim):
            c = torch.zeros(len(z), info.c_dim)
            c[:, i] = 1
            totals[i] += generator.mapping(z, c).double().sum(dim=0)
    return (totals / _SAMPLES).float()
