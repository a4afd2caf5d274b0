"""Checkpoints are data: recognised, converted by pure key maps, checked, never executed.

`checkpoint = load(path)` reads NVIDIA's pickles and Latentwalk's safetensors; `build_generator(checkpoint)` makes
it run. How nothing is executed: see `safe_pickle.py`.
"""

from explorer.checkpoints.checkpoint import Checkpoint
from explorer.checkpoints.loading import build_generator, convert, inspect, load, read_settings
from explorer.checkpoints.models import bundled_models, resolve_model
from explorer.checkpoints.native import save_native

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
