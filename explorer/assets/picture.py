"""Stored pictures and masks, such as the source of an image-to-image network and the regions it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from explorer.assets.base import Asset
from explorer.errors import AssetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_PIXELS", "StoredMask", "StoredPicture"]

MAX_PIXELS = 1 << 22
"""Most pixels of a stored picture, 2048 by 2048, so that a project holds several; scale larger ones down first."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredPicture(Asset):
    """A picture.

    Args:
        array: uint8 `[H, W, C]` sRGB; C is 1 (grey), 3 (RGB) or 4 (RGB and straight alpha).
        name: Display name.
    """

    kind: ClassVar[str] = "picture"

    array: NDArray[np.uint8]
    name: str = ""
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        array = _pixels_of(self.array, "picture")
        if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
            raise _wrong_shape("picture", array, "[H, W, C] with 1, 3 or 4 channels")
        self._freeze(array)

    def identity(self) -> bytes:
        """Return the digest of its pixels; the name does not matter."""
        return b"picture|" + self.digest


@dataclass(frozen=True, slots=True, eq=False)
class StoredMask(Asset):
    """A mask.

    Args:
        array: uint8 `[H, W]`; 0 is outside, 255 inside.
        name: Display name.
    """

    kind: ClassVar[str] = "mask"

    array: NDArray[np.uint8]
    name: str = ""
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        array = _pixels_of(self.array, "mask")
        if array.ndim != 2:
            raise _wrong_shape("mask", array, "[H, W]")
        self._freeze(array)

    def identity(self) -> bytes:
        """Return the digest of its values; the name does not matter."""
        return b"mask|" + self.digest


def _pixels_of(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """Return a copy of pixels. Raises AssetError unless they are uint8, some, and not too many."""
    if array.dtype != np.uint8:
        raise AssetError(f"A {what} has values of type {array.dtype}.", "Stored pixels are 0 to 255 (uint8).")
    if array.ndim < 2 or array.size == 0:
        raise _wrong_shape(what, array, "at least one pixel")
    height, width = array.shape[:2]
    if height * width > MAX_PIXELS:
        raise AssetError(f"A {what} has {width}\u00d7{height} pixels.", f"At most {MAX_PIXELS:,} are stored.")
    return np.array(array, order="C")


def _wrong_shape(what: str, array: NDArray[Any], wanted: str) -> AssetError:
    return AssetError(f"A {what} has the shape {array.shape}; it should be {wanted}.", "Save it again.")
