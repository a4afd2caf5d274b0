"""A film as numbered PNG pictures in a folder, each with the project's state at that frame."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.animation.encoder import disk_error
from explorer.animation.parts import folder_of, unfinished_folder
from explorer.util.atomic_write import atomic_write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ChunkedFolder", "folder_of", "unfinished_folder"]


class ChunkedFolder:
    """Appends pictures to an unfinished folder, resuming after its last one. One thread at a time.

    Args:
        path: Path of the film, ending in .png.
        text_of: Returns the project as text for a frame number.
        number: Number in the unfinished folder's name, from the job file.

    Raises:
        FilmError: The folder cannot be created.
    """

    def __init__(self, path: Path, text_of: Callable[[int], str], number: int = 0) -> None:
        self.path, self.part = path, unfinished_folder(path, number)
        self._text_of = text_of
        try:
            self.part.mkdir(parents=True, exist_ok=True)
            names = {name for name in os.listdir(self.part) if re.fullmatch(r".*-\d{6,}\.png", name)}
        except OSError as error:
            raise disk_error(error, path) from error
        self.count = 0
        while self._name(self.count) in names:
            self.count += 1

    def _name(self, number: int) -> str:
        return f"{self.path.stem}-{number:06d}.png"

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a picture, uint8 `[H, W, 3]`, atomically to a file. Raises FilmError if the disk is full."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("latentwalk", self._text_of(self.count))
        info.add_text("Software", "Latentwalk")
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG", pnginfo=info, compress_level=4)
        try:
            atomic_write_bytes(self.part / self._name(self.count), buffer.getbuffer(), is_lone_writer=True)
        except OSError as error:
            raise disk_error(error, self.path) from error
        self.count += 1

    def close(self) -> None:
        """Do nothing: no file is open between pictures."""

    def abort(self) -> None:
        """Do nothing: written pictures stay."""

    def finish(self) -> Path:
        """Rename the folder to its final name. Raises FilmError."""
        target = folder_of(self.path)
        try:
            self.part.replace(target)
        except OSError as error:
            raise disk_error(error, self.path) from error
        return target
