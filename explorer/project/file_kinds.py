"""Guesses the kind of a dropped or chosen file from its name or, if that is not enough, from its first bytes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Literal

from explorer.checkpoints.bundled import bundled
from explorer.checkpoints.parts import file_of
from explorer.state.view_layout import MAX_VIEWS
from explorer.util.regular_file import open_regular
from explorer.util.strict_json import parse_json

__all__ = ["DIALOG_FILTER", "MODEL_FILTER", "PICTURE_FILTER", "Kind", "is_picture", "kind_of", "models_among"]

Kind = Literal["model", "latent", "directions", "project", "points", "picture", "unknown"]

_PROJECTS = "*.json *.png *.mp4 *.mkv *.webm *.gif *.webp *.apng"
DIALOG_FILTER = (
    f"Everything that can be opened (*.pkl *.safetensors *.pt *.pth *.ckpt *.npy *.npz *.jsonl {_PROJECTS});;"
    f"Models (*.pkl *.safetensors *.pt *.pth *.ckpt);;Projects, pictures and films ({_PROJECTS});;"
    "Latents and directions (*.npy *.npz *.pt *.safetensors);;Points to drag (*.jsonl);;All files (*)"
)
PICTURE_FILTER = (
    "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.ppm *.pgm *.avif *.jp2 *.npy);;All files (*)"
)
MODEL_FILTER = "Models (*.pkl *.safetensors *.pt *.pth *.ckpt);;All files (*)"

_SUFFIXES: dict[str, Kind] = {
    ".pkl": "model",
    ".ckpt": "model",
    **dict.fromkeys((".onnx", ".mlmodel", ".mlpackage"), "model"),  # refused by the reader, which says why
    ".npy": "latent",
    ".npz": "latent",
    ".json": "project",
    ".jsonl": "points",
    ".png": "project",
    **dict.fromkeys((".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".jp2"), "picture"),
    **dict.fromkeys((".mp4", ".mkv", ".webm", ".gif", ".webp", ".apng", ".m4v", ".mov"), "project"),
}
_MAX_HEADER = 1 << 20


def kind_of(path: str) -> Kind:
    """Guess what a file is, to choose who opens it; that code looks closely, and may find directions instead."""
    path = str(file_of(path))
    suffix = Path(path).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix == ".safetensors":
        tensors = _tensors(path)
        if "directions" in tensors:
            return "directions"
        return "latent" if tensors and tensors <= {"z", "w", "ws"} else "model"
    if suffix in (".pt", ".pth"):
        from explorer.checkpoints.peek import torch_file_kind

        return torch_file_kind(path)
    return "unknown"


def is_picture(path: str) -> bool:
    """Return whether a file's name is that of a picture, which may also be a project."""
    return kind_of(path) == "picture" or Path(path).suffix.lower() in (".png", ".webp", ".gif")


def models_among(paths: list[str]) -> list[str]:
    """Return the models, files or bundled names, among the paths given: the first ones, one for each view."""
    names = {item.name for item in bundled()}
    return [path for path in paths if path in names or kind_of(path) == "model"][:MAX_VIEWS]


def _tensors(path: str) -> set[str]:
    """Return the names of the tensors in a safetensors file; empty if it cannot be read."""
    try:
        with open_regular(path) as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER:
                return set()
            header = parse_json(file.read(length))
    except (OSError, ValueError, struct.error):
        return set()
    return {str(key) for key in header if key != "__metadata__"} if isinstance(header, dict) else set()
