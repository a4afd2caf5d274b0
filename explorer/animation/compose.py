"""Composition of the views' pictures into a frame: size, layout, slit-scan and captions. numpy and Pillow only."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.latents.descriptions import describe_latent
from explorer.state.transforms import animated_offset
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explorer.state import Look

__all__ = [
    "LAYOUTS",
    "SINGLE",
    "Composer",
    "Layout",
    "MotionBlur",
    "caption_of",
    "captioned",
    "columns_of",
    "frame_size",
    "layout_names",
    "resized",
    "source_places",
]

Layout = Literal["a", "b", "c", "d", "e", "f", "all", "wipe", "grid", "slit", "sources"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
SINGLE: tuple[Layout, ...] = LAYOUTS[:6]
"""Layouts that show a single view, in the order of the views."""

_MOST_SOURCES = 8
"""Sources side by side; further ones stand in rows of their own, with their results."""

GAP = 8  # px between pictures
BACKGROUND = (20, 21, 23)
SLIT_SHARE = 0.5
"""Position of the slit: the middle of the picture."""


def layout_names(count: int, pair: tuple[int, ...] = (0, 1), *, has_sources: bool = False) -> dict[Layout, str]:
    """Return the possible layouts of a film of `count` views with their names; a wipe shows the views `pair`.

    `has_sources`: whether there is an image-to-image network.
    """
    names: dict[Layout, str] = {SINGLE[view]: f"Picture {letter(view)}" for view in range(count)}
    if count > 1:
        first, second = (letter(view) for view in pair)
        names["all"] = "A and B side by side" if count == 2 else "All views"
        names["wipe"] = f"Left half {first}, right half {second}"
    names |= {"grid": "Grid of neighbouring seeds", "slit": "Picture and slit-scan"}
    return names | {"sources": "Sources above their results"} if has_sources else names


def columns_of(count: int) -> int:
    """Return the number of columns for `count` views in a film: up to three in one row, otherwise two rows."""
    return count if count <= 3 else -(-count // 2)


def source_places(count: int) -> tuple[tuple[int, ...], int]:
    """Return the order of pictures of `count` sources in rows above those of their results, and the columns.

    A number below `count` is a source, `count + i` the result of source i, and -1 an empty place.
    """
    columns = min(count, _MOST_SOURCES)
    places: list[int] = []
    for first in range(0, count, columns):
        block = list(range(first, min(first + columns, count)))
        empty = [-1] * (columns - len(block))
        places += [*block, *empty, *(count + i for i in block), *empty]
    return tuple(places), columns


def resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture `[H, W, 3]` resized to `size` (height, width) in pixels."""
    if picture.shape[:2] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.LANCZOS))


class MotionBlur:
    """The mean of pictures in linear light, as with a shutter; a single picture is unchanged."""

    def __init__(self) -> None:
        self._count = 0
        self._only: NDArray[np.uint8] | None = None
        self._light: NDArray[np.float32] | None = None  # the sum, once there are two pictures

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Add a picture `[H, W, 3]`; all must have the same size."""
        self._count += 1
        if self._only is None:
            self._only = picture
            return
        if self._light is None:
            self._light = _TO_LINEAR[self._only]
        self._light += _TO_LINEAR[picture]

    def picture(self) -> NDArray[np.uint8]:
        """Return the mean `[H, W, 3]` of the pictures, of which there must be at least one."""
        assert self._only is not None
        if self._light is None:
            return self._only
        mean = self._light / np.float32(self._count)
        encoded = np.where(mean <= 0.0031308, mean * 12.92, 1.055 * np.maximum(mean, 1e-9) ** (1 / 2.4) - 0.055)
        return np.asarray(np.rint(encoded * 255.0), dtype=np.uint8)


def _linear_table() -> NDArray[np.float32]:
    v = np.arange(256) / 255.0
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


_TO_LINEAR = _linear_table()  # IEC 61966-2-1


def frame_size(layout: Layout, sizes: Sequence[tuple[int, int]], columns: int) -> tuple[int, int]:
    """Return (width, height) in pixels of the frame that a `Composer` makes of pictures of (height, width)."""
    height, width = sizes[0]
    if layout == "slit":
        return 2 * width + GAP, height
    if layout == "wipe" or len(sizes) == 1:
        return width, height
    columns = columns if layout in ("grid", "sources") else columns_of(len(sizes))
    rows = -(-len(sizes) // columns)
    height, width = (max(size[axis] for size in sizes) + GAP for axis in (0, 1))
    return columns * width - GAP, rows * height - GAP


class Composer:
    """Arranges pictures in a frame. A slit-scan stores columns of previous frames.

    Args:
        layout: The layout.
        columns: Number of columns of a grid.
    """

    def __init__(self, layout: Layout, columns: int = 2) -> None:
        self.layout, self.columns = layout, columns
        self._slits: deque[NDArray[np.uint8]] = deque()

    def frame(self, pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str] = ()) -> NDArray[np.uint8]:
        """Return a frame `[H, W, 3]` of the pictures in order, with captions in the same order."""
        if self.layout == "slit":
            return self._slit(pictures[0], captions)
        if self.layout == "wipe" and len(pictures) > 1:
            first, second = pictures[0], _fitted(pictures[1], pictures[0])
            frame = first.copy()
            half = first.shape[1] // 2
            frame[:, half:] = second[:, half:]
            frame[:, half : half + 1] = 255
            return captioned(frame, captions, [0, half])
        columns = self.columns if self.layout in ("grid", "sources") else columns_of(len(pictures))
        return self._sheet(pictures, max(1, columns), captions)

    def note(self, picture: NDArray[np.uint8]) -> None:
        """Record a frame's slit without composing the frame, to resume in the middle of a film."""
        self._slits.appendleft(picture[:, int(picture.shape[1] * SLIT_SHARE)].copy())
        while len(self._slits) > picture.shape[1]:
            self._slits.pop()

    def _slit(self, picture: NDArray[np.uint8], captions: Sequence[str]) -> NDArray[np.uint8]:
        """Return the picture with its middle column over time beside it: the newest on the left."""
        self.note(picture)
        height, width = picture.shape[:2]
        strip = np.empty((height, width, 3), np.uint8)
        strip[:] = BACKGROUND
        for x, column in enumerate(self._slits):
            strip[:, x] = column
        gap = np.empty((height, GAP, 3), np.uint8)
        gap[:] = BACKGROUND
        return captioned(np.concatenate([picture, gap, strip], axis=1), captions, [0])

    def _sheet(
        self, pictures: Sequence[NDArray[np.uint8]], columns: int, captions: Sequence[str]
    ) -> NDArray[np.uint8]:
        if len(pictures) == 1:
            return captioned(pictures[0], captions, [0])
        height = max(p.shape[0] for p in pictures)
        width = max(p.shape[1] for p in pictures)
        rows = -(-len(pictures) // columns)
        page = np.empty((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), np.uint8)
        page[:] = BACKGROUND
        for i, picture in enumerate(pictures):
            top, left = i // columns * (height + GAP), i % columns * (width + GAP)
            if i < len(captions):
                picture = captioned(picture, captions[i : i + 1], [0])
            page[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        return page


def _fitted(picture: NDArray[np.uint8], to: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.shape == to.shape:
        return picture
    size = (to.shape[1], to.shape[0])
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def captioned(frame: NDArray[np.uint8], captions: Sequence[str], lefts: Sequence[int]) -> NDArray[np.uint8]:
    """Draw captions at the bottom left of each part, light on a dark bar to be readable on any picture."""
    if not any(captions):
        return frame
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image, "RGBA")
    height, width = frame.shape[:2]
    for text, left, right in zip(captions, lefts, [*lefts[1:], width], strict=False):
        if not text:
            continue
        size = max(9, min(22, height // 20))
        while size > 9 and ImageFont.load_default(size).getlength(text) > right - left - 12:
            size -= 1
        font, top = ImageFont.load_default(size), height - size - 8
        draw.rectangle((left, top, left + font.getlength(text) + 12, height), (0, 0, 0, 150))
        draw.text((left + 6, height - 4), text, (235, 235, 235), font, anchor="ls")
    return np.asarray(image)


def caption_of(look: Look, layer: str = "", name: str = "", time: float = 0.0, classes: str = "") -> str:
    """Return the caption of a view with this look, tapped at `layer`, at `time` seconds."""
    t = look.transform
    dx, dy, turn = animated_offset(t.animation, time)
    x, y, rotate = t.x + dx, t.y + dy, t.rotate + turn
    parts = [name, describe_latent(look.latent), classes]
    if look.truncation.psi != 1.0:
        parts.append(f"psi {look.truncation.psi:.2f}")
    if (x, y) != (0.0, 0.0):
        parts.append(f"move {x:+.2f} {y:+.2f}")
    if rotate:
        parts.append(f"rotate {rotate:.0f}\u00b0")
    parts.append(layer)
    return "   ".join(part for part in parts if part)
