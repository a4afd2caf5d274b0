"""Contact sheets: pictures in columns, each above its name and seed, and the job that renders them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.errors import UsageError
from explorer.jobs.job import JobSpec, Report
from explorer.render.display import fit, over_white, present
from explorer.state.codec import decode, encode
from explorer.state.request import RenderRequest  # noqa: TC001  # read by the codec
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.jobs.job import Job, JobContext

__all__ = [
    "BACKGROUND",
    "CAPTION",
    "GAP",
    "MAX_PICTURES",
    "MIN_WIDTH",
    "compose",
    "picture_size",
    "pictures",
    "sheet_spec",
    "size_of",
]

GAP = 16
"""Pixels around each picture."""

MIN_WIDTH = 152
"""Pixels from one caption to the next at least, so that names and seeds can be read below small pictures."""

LINE = 18
CAPTION = 2 * LINE + 4
"""Height of the two lines below each picture, in pixels."""

BACKGROUND, TEXT, MUTED = (24, 24, 26), (228, 229, 231), (150, 153, 160)

MAX_PICTURES = 512
MAX_SIDE, MAX_PIXELS = 32_768, 256_000_000


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The requests of a sheet together, so that what they share, such as a source picture, is encoded once."""

    requests: tuple[RenderRequest, ...]


def sheet_spec(requests: Sequence[RenderRequest], px: int) -> JobSpec:
    """Return the spec of a job that renders pictures of one model, their longer side `px` pixels (0: as they are).

    Raises:
        UsageError: There are none, or too many.
    """
    if not requests:
        raise UsageError("There is no picture for a contact sheet.", "Star a picture, or choose another source.")
    if len(requests) > MAX_PICTURES:
        message = f"A contact sheet has at most {MAX_PICTURES} pictures, not {len(requests)}."
        raise UsageError(message, "Select fewer.")
    return JobSpec("contact-sheet", requests[0], {**encode(_Sheet(tuple(requests))), "px": px})


def pictures(context: JobContext | None, spec: JobSpec) -> Job[tuple[NDArray[np.uint8], ...]]:
    """Run a job of `sheet_spec`; its last value holds the pictures, uint8 `[H, W, 3]` each."""
    assert context is not None
    requests = decode(_Sheet, {"requests": spec.options["requests"]}, "sheet").requests
    made: list[NDArray[np.uint8]] = []
    for request in requests:
        picture = yield from context.steps(request)
        px = int(spec.options["px"])
        pixels = np.ascontiguousarray(present(over_white(fit(picture, px)))[:, :, 2::-1])
        made.append(_enlarged(pixels, px))
        yield Report(tuple(made), len(made), len(requests))


def _enlarged(pixels: NDArray[np.uint8], px: int) -> NDArray[np.uint8]:
    """Return a picture `[H, W, 3]` whose longer side has at least `px` pixels."""
    height, width = pixels.shape[:2]
    if max(height, width) >= px:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(picture_size((width, height), px), Image.Resampling.LANCZOS))


def picture_size(size: tuple[int, int], px: int) -> tuple[int, int]:
    """Return width and height on the sheet of a picture of width and height `size`."""
    scale = px / max(size) if px else 1.0
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def size_of(count: int, columns: int, cell: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of a sheet in pixels.

    Args:
        count: Pictures.
        columns: Of the sheet.
        cell: Width and height of the largest picture.
    """
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    return GAP + columns * (max(cell[0], MIN_WIDTH) + GAP), GAP + rows * (cell[1] + CAPTION + GAP)


def compose(
    found: Sequence[NDArray[np.uint8]], captions: Sequence[tuple[str, str]], columns: int
) -> NDArray[np.uint8]:
    """Return the sheet, uint8 `[H, W, 3]`.

    Args:
        found: The pictures, `[H, W, 3]` each.
        captions: For each its name, and a second line.
        columns: Most pictures in one row.

    Raises:
        UsageError: The sheet would be too large.
    """
    cell = max(MIN_WIDTH, *(p.shape[1] for p in found)), max(p.shape[0] for p in found)
    columns = max(1, min(columns, len(found)))
    width, height = size_of(len(found), columns, cell)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        message = f"The sheet would have {width} \u00d7 {height} pixels."
        raise UsageError(message, "Choose smaller pictures, or fewer.")
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw, large, small = ImageDraw.Draw(sheet), ImageFont.load_default(14), ImageFont.load_default(12)
    for i, (picture, (name, detail)) in enumerate(zip(found, captions, strict=True)):
        left = GAP + (i % columns) * (cell[0] + GAP)
        top = GAP + (i // columns) * (cell[1] + CAPTION + GAP)
        at = left + (cell[0] - picture.shape[1]) // 2, top + (cell[1] - picture.shape[0]) // 2
        sheet.paste(Image.fromarray(picture), at)
        below = top + cell[1] + LINE // 2 + 2
        draw.text((left, below), _elided(name, large, cell[0]), TEXT, large, anchor="lm")
        draw.text((left, below + LINE), _elided(detail, small, cell[0]), MUTED, small, anchor="lm")
    return np.asarray(sheet)


def _elided(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Return a text cut to `width` pixels, with an ellipsis where something is missing."""
    text = visible(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}\u2026") > width:
        text = text[:-1]
    return f"{text}\u2026"
