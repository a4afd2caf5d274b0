"""Training data: packed critters with their latents, or a folder of the user's pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from explorer.errors import UsageError
from explorer.training.critters.attributes import latents

__all__ = ["Critters", "Dataset", "Folder", "open_data", "order"]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def order(position: int, count: int, total: int, seed: int) -> np.ndarray:
    """Indices of the pictures `position ... position + count` of an endless run through `total` pictures.

    Each pass is shuffled afresh; the order is a function of the position alone, so a resumed run continues it.
    """
    result = np.empty(count, np.int64)
    done = 0
    while done < count:
        epoch, offset = divmod(position + done, total)
        permutation = np.random.default_rng((seed, epoch)).permutation(total)
        piece = permutation[offset : offset + count - done]
        result[done : done + len(piece)] = piece
        done += len(piece)
    return result


class Dataset:
    """Pictures uint8 `[3, R, R]`, some with the latent that made them."""

    resolution: int

    def __len__(self) -> int:
        raise NotImplementedError

    def pictures(self, indices: np.ndarray) -> Tensor:
        """`[N, 3, R, R]` float32 in -1..1."""
        raise NotImplementedError

    def latents(self, indices: np.ndarray) -> Tensor | None:
        """`[N, 64]` float32 where the data know them, else None."""
        return None


def _to_unit(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).float() / 127.5 - 1


class Critters(Dataset):
    """Packed critters: one or more `.npy` files that follow each other in the numbering of data set `seed`."""

    def __init__(self, paths: Sequence[Path], seed: int = 0) -> None:
        self._parts = [np.load(path, mmap_mode="r") for path in paths]
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])
        self.resolution = int(self._parts[0].shape[-1])
        self._latents = latents(len(self), seed)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def pictures(self, indices: np.ndarray) -> Tensor:
        rows = []
        for index in indices:
            part = int(np.searchsorted(self._starts, index, side="right")) - 1
            rows.append(self._parts[part][index - self._starts[part]])
        return _to_unit(np.stack(rows))

    def latents(self, indices: np.ndarray) -> Tensor | None:
        return self._latents[torch.from_numpy(indices)]


class Folder(Dataset):
    """Every picture below a folder, centre-cropped to a square and resized; held in memory as uint8.

    With `mirror` each picture also appears flipped.

    Raises:
        UsageError: The folder holds no picture, or one that is broken.
    """

    def __init__(self, folder: Path, resolution: int, mirror: bool = False) -> None:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES)
        if not files:
            raise UsageError(
                f"{folder} holds no pictures.", f"Expected files ending in {', '.join(sorted(_SUFFIXES))}."
            )
        self.resolution, self.mirror = resolution, mirror
        self._pictures = np.stack([self._load(path) for path in files])

    def _load(self, path: Path) -> np.ndarray:
        try:
            with Image.open(path) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise UsageError(f"{path} cannot be read as a picture: {error}.", "Remove or repair it.") from error
        picture = ImageOps.fit(upright, (self.resolution,) * 2, Image.Resampling.LANCZOS)
        return np.asarray(picture).transpose(2, 0, 1)

    def __len__(self) -> int:
        return len(self._pictures) * (2 if self.mirror else 1)

    def pictures(self, indices: np.ndarray) -> Tensor:
        count = len(self._pictures)
        rows = [self._pictures[i % count][:, :, :: -1 if i >= count else 1] for i in indices]
        return _to_unit(np.stack(rows))


def open_data(text: str, resolution: int, *, seed: int = 0, mirror: bool = False) -> Dataset:
    """A folder of pictures, or packed critters of data set `seed` as `.npy` files with commas between.

    Raises:
        UsageError: A file or folder is missing, or the folder holds no picture.
    """
    paths = [Path(part) for part in text.split(",")]
    if missing := [str(path) for path in paths if not path.exists()]:
        raise UsageError(
            f"{', '.join(missing)} does not exist.", "Give 'critters', a folder of pictures or .npy files."
        )
    return Folder(paths[0], resolution, mirror) if paths[0].is_dir() else Critters(paths, seed)
