"""Training checkpoints, written atomically, and sheets of samples."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from explorer.util.atomic_write import atomic_write, atomic_write_bytes
from explorer.util.regular_file import open_regular

__all__ = ["load_state", "save_picture", "save_sheet", "save_state", "sheet"]


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write `state` atomically: a kill at any time leaves either the old or the new file.

    Raises:
        OSError: Writing fails, for example on a full disk; names `path`, whose old content is kept.
    """
    try:
        with atomic_write(path, is_lone_writer=True) as partial, partial.open("wb") as file:
            torch.save(state, file)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def load_state(path: Path) -> dict[str, Any]:
    """Load a `save_state` file on the CPU; only tensors and plain values, no code is executed."""
    with open_regular(path) as file:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def sheet(pictures: Tensor, columns: int = 8) -> Image.Image:
    """Tile pictures `[N, 3, R, R]` in -1..1 row by row; N is a multiple of `columns`."""
    count, channels, height, width = pictures.shape
    rows = count // columns
    grid = pictures.reshape(rows, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    grid = grid.reshape(rows * height, columns * width, channels)
    return Image.fromarray((grid * 127.5 + 128).clamp(0, 255).to(torch.uint8).cpu().numpy())


def save_sheet(path: Path, pictures: Tensor, columns: int = 8) -> None:
    """Write `sheet` as PNG. Raises OSError; it names `path`."""
    save_picture(path, sheet(pictures, columns), optimize=True)


def save_picture(path: Path, picture: Image.Image, *, optimize: bool = False) -> None:
    """Write `picture` as PNG, whole or not at all. Raises OSError; it names `path`."""
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=optimize)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, content.getbuffer(), is_lone_writer=True)
