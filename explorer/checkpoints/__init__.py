"""Checkpoints are data: recognised, converted by pure key maps, checked, never executed.

`checkpoint = load(path)` reads NVIDIA's networks, pickled or as state dicts, and Latentwalk's safetensors;
`build_generator(checkpoint)` makes it run. How nothing is executed: see `safe_pickle.py`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import Checkpoint
    from explorer.checkpoints.latentwalk_format import save_native
    from explorer.checkpoints.loading import build_generator, convert, inspect, load, read_settings
    from explorer.checkpoints.model_names import bundled_models, resolve_model

__all__ = [
    "Checkpoint",
    "build_generator",
    "bundled_models",
    "convert",
    "inspect",
    "load",
    "read_settings",
    "resolve_model",
    "save_native",
]

_PLACES = {
    "Checkpoint": "checkpoint",
    "bundled_models": "model_names",
    "resolve_model": "model_names",
    "save_native": "latentwalk_format",
    **dict.fromkeys(("build_generator", "convert", "inspect", "load", "read_settings"), "loading"),
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is first used: a look into a file does not wait for torch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
