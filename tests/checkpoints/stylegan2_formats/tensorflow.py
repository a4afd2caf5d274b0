"""NVIDIA's TensorFlow pickle of StyleGAN2: a tuple (G, D, Gs) of networks, or one network alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.checkpoints.stylegan_formats.tensorflow import Arrays, dump, network

_CONVS = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip"}


def _turned(tensor: Tensor) -> Any:
    order = {2: (1, 0), 4: (2, 3, 1, 0)}[tensor.ndim]
    return np.ascontiguousarray(tensor.permute(*order).numpy())


def _weight(conv: str, tensor: Tensor) -> Any:
    return _turned(tensor.flip(2, 3) if conv in ("Conv0_up", "Skip") and tensor.ndim == 4 else tensor)


def variables(tensors: dict[str, Tensor], *, sides: tuple[int, int] = (4, 4), lods: bool = False) -> Arrays:
    """The variables of a generator under the names within `Gs`.

    Args:
        tensors: Its tensors.
        sides: Height and width of the smallest block, as names have them.
        lods: Whether pictures have the names of progressive training.
    """
    top = max(int(key.split(".")[1][1:]) for key in tensors if key.startswith("synthesis.b"))
    made: Arrays = {}
    for key, tensor in tensors.items():
        first, second, *rest = key.split(".")
        if key == "mapping.w_avg":
            made["dlatent_avg"] = tensor.numpy()
        elif key == "mapping.label_weight":
            made["mapping/LabelConcat/weight"] = tensor.numpy()
        elif first == "mapping":
            name = second.replace("fc", "Dense").replace("embed", "LabelEmbed")
            made[f"mapping/{name}/{rest[0]}"] = _turned(tensor) if rest[0] == "weight" else tensor.numpy()
        elif key.endswith("resample_filter"):
            continue
        elif rest[0] == "const":
            made[f"synthesis/{_size(4, sides)}/Const/const"] = tensor[None].numpy()
        else:
            resolution = int(second[1:])
            conv = "Conv" if (resolution, rest[0]) == (4, "conv1") else _CONVS.get(rest[0], rest[0])
            place = f"synthesis/{_size(resolution, sides)}/{conv}"
            if lods and conv == "ToRGB":
                place = f"synthesis/ToRGB_lod{int(math.log2(top // resolution))}"
            _put(made, place, conv, resolution, ".".join(rest[1:]), tensor)
    return made


def _size(resolution: int, sides: tuple[int, int]) -> str:
    return "x".join(str(resolution // 4 * side) for side in sides)


def _put(made: Arrays, place: str, conv: str, resolution: int, part: str, tensor: Tensor) -> None:
    match part:
        case "weight":
            made[f"{place}/weight"] = _weight(conv, tensor)
        case "affine.weight":
            made[f"{place}/mod_weight"] = _turned(tensor)
        case "affine.bias":
            made[f"{place}/mod_bias"] = (tensor - 1).numpy()
        case "noise_const":
            number = 2 * int(math.log2(resolution)) - (5 if conv == "Conv0_up" else 4)
            made[f"synthesis/noise{number}"] = tensor[None, None].numpy()
        case "noise_strength":
            value = np.float32(tensor.item()) if tensor.ndim == 0 else tensor.numpy()
            made[f"{place}/{part}"] = value if conv == "Conv1" else np.asarray(value)  # files have either
        case _:
            made[f"{place}/{part}"] = tensor.numpy()


def save(
    path: Path, tensors: dict[str, Tensor], form: str = "three", arguments: Arrays | None = None, **names: Any
) -> None:
    """Write a file; `form` is "three" (G, D, Gs), "alone" (Gs) or "current" (only G)."""
    arrays = variables(tensors, **names)
    average = network("Gs", "G_main", arrays, arguments)
    current = network("G", "G_main", {key: np.zeros_like(array) for key, array in arrays.items()}, arguments)
    judge = network("D", "D_stylegan2", {"4x4/Dense0/bias": torch.zeros(1).numpy()})
    whole = network("G", "G_main", arrays, arguments)
    for each in (average, current, judge, whole):
        each.__dict__["version"] = 4
    dump(path, {"three": (current, judge, average), "alone": average, "current": whole}[form])
