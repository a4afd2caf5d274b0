"""Ports that compute another picture: their keys, with a few small tensors."""

from __future__ import annotations

from pathlib import Path

import torch


def save_rosinality(path: Path, form: str = "training") -> None:
    """Write rosinality's `.model`; `form` is "training" or "flat"."""
    state = {
        "style.1.linear.weight_orig": torch.zeros(4, 4),
        "generator.progression.0.conv1.input": torch.zeros(1, 4, 4, 4),
        "generator.progression.0.noise1.weight_orig": torch.zeros(1, 4, 1, 1),
        "generator.to_rgb.0.conv.weight_orig": torch.zeros(3, 4, 1, 1),
    }
    torch.save({"generator": state, "g_running": state, "d_optimizer": {}} if form == "training" else state, path)


def save_mmgen(path: Path) -> None:
    """Write MMGeneration's `stylegan1`."""
    state = {
        "generator_ema.style_mapping.1.linear.weight_orig": torch.zeros(4, 4),
        "generator_ema.convs.0.conv1.weight_orig": torch.zeros(4, 4, 3, 3),
        "generator_ema.convs.0.adain1.affine.weight_orig": torch.zeros(8, 4),
    }
    torch.save({"state_dict": state, "meta": {}}, path)
