"""Checkpoints as data: recognised, converted by pure key maps and checked, but never executed.

`checkpoint = load(path)` reads NVIDIA's networks, pickled or as state dicts, ports of them, and Latentwalk's
safetensors; `build_generator(checkpoint)` returns the network. `safe_pickle.py` explains how pickles are read
without executing them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import Checkpoint
    from explorer.checkpoints.converting import convert
    from explorer.checkpoints.latentwalk_format import save_native
    from explorer.checkpoints.loading import build_generator, inspect, load, read_settings
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
    "convert": "converting",
    "bundled_models": "model_names",
    "resolve_model": "model_names",
    "save_native": "latentwalk_format",
    **dict.fromkeys(("build_generator", "inspect", "load", "read_settings"), "loading"),
}


def __getattr__(name: str) -> object:
    """Import lazily, so that peeking into a file does not wait for torch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
