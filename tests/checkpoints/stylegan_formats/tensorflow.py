"""NVIDIA's TensorFlow pickle: a tuple (G, D, Gs) of networks, or one network alone."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

Arrays = dict[str, Any]
_PARTS = {"style.weight": "StyleMod/weight", "style.bias": "StyleMod/bias", "apply_noise.weight": "Noise/weight"}


def _turned(tensor: Tensor) -> Any:
    order = {2: (1, 0), 4: (2, 3, 1, 0)}[tensor.ndim]
    return np.ascontiguousarray(tensor.permute(*order).numpy())


def variables(tensors: dict[str, Tensor], size: int) -> Arrays:
    """The variables of a generator of `size` pixels under the names within `Gs`."""
    last = size.bit_length() - 3
    made: Arrays = {"lod": np.float32(0), "synthesis/lod": np.float32(0)}
    for key, tensor in tensors.items():
        first, second, *others = key.split(".")
        rest = ".".join(others)
        if key == "synthesis.lod":
            made["synthesis/lod"] = np.float32(tensor.item())
            made["lod"] = np.array(tensor.item(), np.float32)  # files have either
        elif key == "truncation.w_avg":
            made["dlatent_avg"] = tensor.numpy()
        elif key == "mapping.label_weight":
            made["mapping/LabelConcat/weight"] = tensor.numpy()
        elif first == "mapping":
            name = f"mapping/{second.replace('dense', 'Dense')}/{rest}"
            made[name] = _turned(tensor) if rest == "weight" else tensor.numpy()
        elif second.startswith("output"):
            name = f"synthesis/ToRGB_lod{last - int(second.removeprefix('output'))}/{rest}"
            made[name] = _turned(tensor) if rest == "weight" else tensor.numpy()
        elif rest == "apply_noise.noise":
            made[f"synthesis/noise{second.removeprefix('layer')}"] = tensor.numpy()
        else:
            layer = int(second.removeprefix("layer"))
            width = 4 << layer // 2
            conv = {0: "Const", 1: "Conv"}.get(layer, "Conv1" if layer % 2 else "Conv0_up")
            name = f"synthesis/{width}x{width}/{conv}/{_PARTS.get(rest, rest)}"
            made[name] = (
                _turned(tensor) if rest.endswith("weight") and rest != "apply_noise.weight" else tensor.numpy()
            )
    return made


def network(name: str, function: str, arrays: Arrays, arguments: Arrays | None = None) -> Any:
    """A network; variables with "/mapping/" or "/synthesis/" in front go into components."""
    components = {}
    for part in ("mapping", "synthesis"):
        own = {k.removeprefix(f"{part}/"): v for k, v in arrays.items() if k.startswith(f"{part}/")}
        if own:
            components[part] = network(f"G_{part}", f"G_{part}", own, arguments)
    made = _Network()
    made.__dict__ = {
        "version": 3,
        "name": name,
        "static_kwargs": dict(arguments or {}),
        "components": components,
        "build_module_src": "raise SystemExit",
        "build_func_name": function,
        "variables": [(k, v) for k, v in arrays.items() if not k.startswith(("mapping/", "synthesis/"))],
    }
    return made


class _Network:
    pass


def dump(path: Path, value: object) -> None:
    """Pickle networks under the name of NVIDIA's class."""
    module = types.ModuleType("dnnlib.tflib.network")
    module.Network = _Network  # type: ignore[attr-defined]
    before = _Network.__module__, _Network.__qualname__
    parents = {name: types.ModuleType(name) for name in ("dnnlib", "dnnlib.tflib")}
    sys.modules.update({**parents, "dnnlib.tflib.network": module})
    _Network.__module__, _Network.__qualname__ = "dnnlib.tflib.network", "Network"
    try:
        path.write_bytes(pickle.dumps(value, protocol=3))
    finally:
        _Network.__module__, _Network.__qualname__ = before
        for name in (*parents, "dnnlib.tflib.network"):
            del sys.modules[name]


def save(
    path: Path, tensors: dict[str, Tensor], size: int, form: str = "three", arguments: Arrays | None = None
) -> None:
    """Write a file; `form` is "three" (G, D, Gs), "alone" (Gs) or "current" (only G)."""
    arrays = variables(tensors, size)
    average = network("Gs", "G_style", arrays, arguments)
    current = network("G", "G_style", {key: np.zeros_like(array) for key, array in arrays.items()}, arguments)
    judge = network("D", "D_basic", {"lod": np.float32(0), "4x4/Dense1/bias": np.zeros(1, np.float32)})
    whole = network("G", "G_style", arrays, arguments)
    dump(path, {"three": (current, judge, average), "alone": average, "current": whole}[form])
