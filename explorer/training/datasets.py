"""Training data: packed critters with their latents, or folders of the user's pictures."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from explorer.errors import UsageError
from explorer.training.critters.attributes import latents
from explorer.util.file_errors import reason
from explorer.util.regular_file import check_regular, open_regular

__all__ = ["Critters", "Dataset", "Folder", "open_data", "order"]

log = logging.getLogger("explorer.training")

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
_FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
    "BMP",
    "TIFF",
    "GIF",
)  # by content; Pillow would try dozens of others
_EXPECTED = (
    "Use 'critters', folders of pictures, or .npy files from `python -m explorer.training.critters.pack`. "
    "Unpack archives, and put your own pictures into a folder."
)


def order(position: int, count: int, total: int, seed: int) -> np.ndarray:
    """Return the indices of pictures `position ... position + count` of an endless pass through `total` pictures.

    Each epoch is shuffled anew; the order depends only on the position, so a resumed run continues it.
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
    """Pictures uint8 `[3, R, R]`, possibly with their latents."""

    resolution: int

    def __len__(self) -> int:
        raise NotImplementedError

    def pictures(self, indices: np.ndarray) -> Tensor:
        """Return `[N, 3, R, R]` float32 in -1..1."""
        raise NotImplementedError

    def latents(self, indices: np.ndarray) -> Tensor | None:
        """Return the latents `[N, 64]` float32 if the data have them, else None."""
        return None


def _to_unit(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).float() / 127.5 - 1


def _open_packed(path: Path) -> np.ndarray:
    """Memory-map a packed file, uint8 `[N, 3, R, R]`."""
    try:
        check_regular(path)
        pictures = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as packed critters: {reason(error)}.", _EXPECTED) from error
    count, *size = pictures.shape
    if pictures.dtype != np.uint8 or not count or size != [3, *size[-1:] * 2]:
        found = f"{pictures.dtype} {list(pictures.shape)}"
        raise UsageError(f"{path} holds {found}; packed critters are uint8 [N, 3, R, R].", _EXPECTED)
    return pictures


class Critters(Dataset):
    """Packed critters: one or more `.npy` files with consecutive pictures of data set `seed`.

    Raises:
        UsageError: A file is not uint8 `[N, 3, R, R]`, or of another R than the first.
    """

    def __init__(self, paths: Sequence[Path], seed: int = 0) -> None:
        self._parts = [_open_packed(path) for path in paths]
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])
        self.resolution = int(self._parts[0].shape[-1])
        for path, part in zip(paths, self._parts, strict=True):
            if part.shape[-1] != self.resolution:
                raise UsageError(
                    f"{path} has {part.shape[-1]} pixels, {paths[0]} has {self.resolution}.",
                    "Use packed files of one resolution.",
                )
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


def _below(folder: Path) -> Iterator[Path]:
    """Yield the picture files below `folder` in no order, following links and skipping names that begin with a dot.

    Broken links are included, so that opening them reports their name.
    """
    seen = set()
    for where, folders, files in os.walk(folder, onerror=_leave_out, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:  # a link to a parent folder
            folders.clear()
            continue
        seen.add(real)
        # Sorted, so that a folder found by two paths has the same name in every run.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(where, name) for name in files if not name.startswith(".")]
        yield from (p for p in paths if p.suffix.lower() in _SUFFIXES and (p.is_file() or not p.exists()))


def _leave_out(error: OSError) -> None:
    log.warning("skipped %s: %s", error.filename, error.strerror)


def _find(folder: Path) -> list[Path]:
    if files := sorted(_below(folder)):
        return files
    raise UsageError(f"{folder} holds no pictures.", f"Expected files ending in {', '.join(sorted(_SUFFIXES))}.")


def _read(path: Path) -> Image.Image:
    """Read a picture upright in RGB, with transparent pixels over white."""
    try:
        with open_regular(path) as file, Image.open(file, formats=_FORMATS) as opened:
            # Older versions of Pillow open a 16-bit PNG as "I", which means 32 bits for other files.
            deep = opened.mode.startswith("I;16") or (opened.mode, opened.format) == ("I", "PNG")
            upright = ImageOps.exif_transpose(opened)
            if deep:
                upright = Image.fromarray((np.asarray(upright) / 257 + 0.5).astype(np.uint8))
            elif upright.mode in ("I", "F"):
                raise UsageError(
                    f"{path} has 32 bits per channel, so its brightness range is unknown.",
                    "Save it with 8 or 16 bits per channel.",
                )
            if upright.has_transparency_data:
                white = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(white, upright.convert("RGBA"))
            return upright.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError(f"{path} cannot be read as a picture: {reason(error)}.", "Remove or repair it.") from error


class Folder(Dataset):
    """All pictures below one or more folders, centre-cropped to a square, resized, and held in memory as uint8.

    With `mirror` each picture also appears mirrored.

    Raises:
        UsageError: A folder has no pictures, or one that cannot be read.
    """

    def __init__(self, folders: Path | Sequence[Path], resolution: int, mirror: bool = False) -> None:
        folders = [folders] if isinstance(folders, Path) else folders
        files = sorted({path for folder in folders for path in _find(folder)})
        self.resolution, self.mirror = resolution, mirror
        self._pictures = np.stack([self._load(path) for path in files])

    def _load(self, path: Path) -> np.ndarray:
        picture = ImageOps.fit(_read(path), (self.resolution,) * 2, Image.Resampling.LANCZOS)
        return np.asarray(picture).transpose(2, 0, 1)

    def __len__(self) -> int:
        return len(self._pictures) * (2 if self.mirror else 1)

    def pictures(self, indices: np.ndarray) -> Tensor:
        count = len(self._pictures)
        rows = [self._pictures[i % count][:, :, :: -1 if i >= count else 1] for i in indices]
        return _to_unit(np.stack(rows))


def open_data(text: str, resolution: int, *, seed: int = 0, mirror: bool = False) -> Dataset:
    """Open comma-separated folders of pictures, or packed critters of data set `seed` as `.npy` files.

    Raises:
        UsageError: A file or folder is missing or not what it should be, a folder holds no picture, or both kinds
            are given at once.
    """
    parts = text.split(",")
    paths = [Path(part) for part in parts]
    if missing := [part or "''" for part in parts if not part or not Path(part).exists()]:
        raise UsageError(f"{', '.join(missing)} does not exist.", _EXPECTED)
    kinds = {path.is_dir() for path in paths}
    if len(kinds) > 1:
        raise UsageError(f"{text} names both folders and files.", "Use either folders or packed files.")
    return Folder(paths, resolution, mirror) if kinds.pop() else Critters(paths, seed)
