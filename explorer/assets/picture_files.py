"""Reads pictures and masks of files: any format of Pillow, upright, in sRGB, scaled down to what is stored."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from explorer.assets.picture import MAX_PIXELS, StoredMask, StoredPicture
from explorer.errors import AssetError
from explorer.util import file_errors
from explorer.util.regular_file import open_regular

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["LEAST_PIXELS", "MOST_PIXELS", "load_masks", "load_picture"]

LEAST_PIXELS = 8
"""Smallest width and height of a source."""

MOST_PIXELS = 1 << 27
"""Most pixels of a file's picture, 134 million, which take half a gigabyte while they are read."""

_WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I")
"""Pillow's modes of grey with 16 bits."""


def load_picture(path: str | Path) -> StoredPicture:
    """Return the picture in a file, by the name of the file.

    Turned as its EXIF orientation says, and converted from its colour profile to sRGB. Larger ones are scaled down
    to `MAX_PIXELS`. An .npy holds uint8 `[H, W]` or `[H, W, C]`.

    Raises:
        AssetError: It is not a picture, is damaged, or has too few or too many pixels.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        array = _npy(path)
        array = array[:, :, None] if array.ndim == 2 else array
        if array.ndim != 3:
            raise _wrong_npy(path, array, "[H, W, C] with 1, 3 or 4 channels")
        return StoredPicture(_checked(path, array), path.name)
    return StoredPicture(_checked(path, _decoded(path)), path.name)


def load_masks(path: str | Path) -> tuple[StoredMask, ...]:
    """Return the masks in a file: one in a picture (bright is inside), one or several in an .npy.

    An .npy holds uint8 `[H, W]` or `[N, H, W]`. In a picture with transparency, the opaque and bright is inside.

    Raises:
        AssetError: As `load_picture`.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        array = _npy(path)
        array = array[None] if array.ndim == 2 else array
        if array.ndim != 3 or not len(array):
            raise _wrong_npy(path, array, "[H, W] or [N, H, W]")
        return tuple(StoredMask(_checked(path, mask[:, :, None])[:, :, 0], path.name) for mask in array)
    pixels = _checked(path, _decoded(path))
    opacity = pixels[:, :, -1].astype(np.float32) / 255 if pixels.shape[2] == 4 else 1.0
    grey = pixels[:, :, : min(pixels.shape[2], 3)].mean(axis=2) * opacity
    return (StoredMask(np.rint(grey).astype(np.uint8), path.name),)


def _decoded(path: Path) -> NDArray[np.uint8]:
    """Return the pixels uint8 `[H, W, C]` of a picture file. Raises AssetError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with open_regular(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which are checked here, and of odd metadata
            with Image.open(file) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise AssetError(
                        f"{path.name} has {width:,}\u00d7{height:,} pixels.",
                        f"Scale it down: at most {MOST_PIXELS:,} pixels are read.",
                    )
                if (shrunk := _size_within(width, height)) != (width, height):
                    picture.draft(None, shrunk)  # JPEGs decode at a fraction of their size
                return _pixels(picture)
    except Image.DecompressionBombError as error:
        raise AssetError(
            f"{path.name} has more than {MOST_PIXELS:,} pixels.", "Scale it down, or cut a part out of it."
        ) from error
    except UnidentifiedImageError as error:
        raise AssetError(
            f"{path.name} is not a picture that can be read.", "Choose a PNG, JPEG, WebP, TIFF, GIF or BMP file."
        ) from error
    except FileNotFoundError as error:
        raise AssetError(f"{path.name} does not exist.", "Check the path.") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise AssetError(
            f"{path.name} cannot be read: {file_errors.reason(error)}.", "Save it again, or choose another picture."
        ) from error


def _pixels(picture: Image) -> NDArray[np.uint8]:
    """Return an opened picture as uint8 `[H, W, C]`, upright and within `MAX_PIXELS`."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode in _WIDE or picture.mode == "F":
        picture = Image.fromarray(_narrowed(np.asarray(picture)))
    is_transparent = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    if is_transparent:
        picture = picture.convert("RGBA")
    elif picture.mode in ("L", "1"):
        picture = picture.convert("L")
    else:
        picture = _in_srgb(picture)
    size = _size_within(*picture.size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    array: NDArray[np.uint8] = np.asarray(picture)
    return array[:, :, None] if array.ndim == 2 else array


def _narrowed(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return grey values of 16 bits, or floats in 0..1, as uint8."""
    wide = values.astype(np.float64)
    most = 1.0 if values.dtype.kind == "f" else 65535.0
    narrow: NDArray[np.uint8] = np.rint(np.nan_to_num(wide / most).clip(0.0, 1.0) * 255).astype(np.uint8)
    return narrow


def _in_srgb(picture: Image) -> Image:
    """Return the picture in RGB, converted from its colour profile where it has a usable one."""
    from PIL import ImageCms

    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass  # a damaged profile says nothing about the pixels
    return picture.convert("RGB")


def _size_within(width: int, height: int) -> tuple[int, int]:
    """Return the size scaled down to at most `MAX_PIXELS`, at least a pixel each way."""
    factor = math.sqrt(MAX_PIXELS / max(width * height, 1))
    return (width, height) if factor >= 1 else (max(int(width * factor), 1), max(int(height * factor), 1))


def _checked(path: Path, array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = array.shape[:2]
    if min(height, width) < LEAST_PIXELS:
        raise AssetError(
            f"{path.name} has {width}\u00d7{height} pixels.",
            f"Choose a picture of at least {LEAST_PIXELS}\u00d7{LEAST_PIXELS} pixels.",
        )
    return array


def _npy(path: Path) -> NDArray[np.uint8]:
    """Return the array in an .npy. Raises AssetError unless it is uint8."""
    try:
        with open_regular(path) as file:
            _check_npy_size(file)
            array = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        hint = "Save it again with numpy.save."
        raise AssetError(f"{path.name} cannot be read: {file_errors.reason(error)}.", hint) from error
    if array.dtype != np.uint8:
        raise AssetError(f"{path.name} holds values of type {array.dtype}.", "Save it as uint8, 0 to 255.")
    return array


def _check_npy_size(file: BinaryIO) -> None:
    """Raise ValueError for an array that is too large to be read, by its header; the file is at its start again."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize > 4 * MOST_PIXELS:
        raise ValueError(f"it holds {math.prod(shape):,} values, too many to read")
    file.seek(0)


def _wrong_npy(path: Path, array: NDArray[np.uint8], wanted: str) -> AssetError:
    return AssetError(f"{path.name} has the shape {array.shape}; it should be {wanted}.", "Save it again.")
