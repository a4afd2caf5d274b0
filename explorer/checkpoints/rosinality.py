"""Names of StyleGAN2's layers in rosinality's code, and their tensors in NVIDIA's shapes.

The arithmetic is the same (to rounding), and the weights too: only names and axes of length one differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.checkpoints.tensors import without_axes

if TYPE_CHECKING:
    from explorer.checkpoints.records import TensorRecord

__all__ = ["conv_names", "mapping_names", "nvidia_shape", "torgb_names"]


def conv_names(theirs: str, ours: str) -> dict[str, str]:
    """Return NVIDIA's names of the tensors of a `StyledConv` by rosinality's; both with the layer's prefix."""
    names = {
        "conv.weight": "weight",
        "conv.modulation.weight": "affine.weight",
        "conv.modulation.bias": "affine.bias",
        "noise.weight": "noise_strength",
        "activate.bias": "bias",
    }
    return {f"{theirs}.{a}": f"{ours}.{b}" for a, b in names.items()}


def torgb_names(theirs: str, ours: str) -> dict[str, str]:
    """`conv_names` of a `ToRGB`."""
    names = {
        "conv.weight": "weight",
        "conv.modulation.weight": "affine.weight",
        "conv.modulation.bias": "affine.bias",
        "bias": "bias",
    }
    return {f"{theirs}.{a}": f"{ours}.{b}" for a, b in names.items()}


def mapping_names(theirs: str, layers: int) -> dict[str, str]:
    """`conv_names` of a mapping network whose layers are numbered from 1: before them comes the normalisation."""
    return {f"{theirs}.{i + 1}.{a}": f"mapping.fc{i}.{a}" for i in range(layers) for a in ("weight", "bias")}


def nvidia_shape(name: str, record: TensorRecord) -> TensorRecord:
    """Return a tensor by NVIDIA's name without the axes of length one that NVIDIA's does not have."""
    leaf = name.rpartition(".")[2]
    if leaf == "weight":
        return without_axes(record, 2 if ".affine." in name or name.startswith("mapping.") else 4)
    return without_axes(record, _DIMENSIONS[leaf])


_DIMENSIONS = {"const": 3, "bias": 1, "noise_strength": 0, "noise_const": 2}
