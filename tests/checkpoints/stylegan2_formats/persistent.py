"""Modules with NVIDIA's record of their source, saved by torch.save: PTI's tuned generators, and forks."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.testing.nvidia_writer import Call, Name, complete_config, network_value


class _Module:
    """Pickled as the call of a function with one argument, with tensors where torch.save puts them."""

    def __init__(self, meta: dict[str, Any]) -> None:
        self.meta = meta

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


def _plain(value: object) -> Any:
    """What the instructions of our writer describe, as objects."""
    match value:
        case Call(function=Name(name="_reconstruct_persistent_obj"), arguments=(meta,)):
            return _Module(_plain(meta))
        case Call(function=Name(name="_rebuild_parameter"), arguments=(tensor, *_)):
            return torch.nn.Parameter(tensor, requires_grad=False) if isinstance(tensor, Tensor) else tensor
        case Call(function=Name(name="OrderedDict")):
            return OrderedDict()
        case Call(function=Name(name="set")):
            return set()
        case Call():
            return 1.0  # a gain, as numpy's number
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def save(
    path: Path, tensors: dict[str, Tensor], config: dict[str, Any], form: str = "alone", legacy: bool = False
) -> None:
    """Write a file; `form` is "alone" (PTI), "G_ema" (a dict of modules) or "deep" (in a further dict)."""
    networks = network_value("stylegan2", complete_config("stylegan2", config), tensors)
    module = _plain(networks["G_ema"])
    value = {
        "alone": module, "G_ema": {"G_ema": module, "D": None}, "deep": {"models": {"g_ema": module}},
    }[form]  # fmt: skip
    names = {name: types.ModuleType(name) for name in ("torch_utils", "torch_utils.persistence")}

    def _reconstruct_persistent_obj(meta: dict[str, Any]) -> None:
        raise AssertionError("a file's function was called")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    names["torch_utils.persistence"]._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    sys.modules.update(names)
    try:
        torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    finally:
        for name in names:
            del sys.modules[name]
