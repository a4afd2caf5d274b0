"""Every source in every style: the job that renders the cells, and their page, as in the figures of papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.animation.compose import captioned, resized
from explorer.errors import UsageError
from explorer.jobs.job import JobSpec, Report
from explorer.render.display import over_white, present
from explorer.render.sources import source_tensor
from explorer.state.codec import decode, encode
from explorer.state.request import RenderRequest, StyleRecipe  # noqa: TC001  # read by the codec
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo
    from explorer.jobs.job import Job, JobContext
    from explorer.state import Crop

__all__ = ["MAX_PIXELS", "cells", "check_size", "grid_spec", "head_of", "shown", "tiled"]

MAX_PIXELS = 256_000_000
"""Most pixels of a page."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Rows and columns together, so that a picture that several of them have is encoded once."""

    sources: tuple[RenderRequest, ...]
    styles: tuple[StyleRecipe, ...]


def check_size(rows: int, columns: int, size: tuple[int, int]) -> None:
    """Raise UsageError for a page, with heads beside its cells of (height, width), that is too large."""
    height, width = (rows + 1) * size[0], (columns + 1) * size[1]
    if height * width > MAX_PIXELS:
        raise UsageError(f"The grid would have {width}\u00d7{height} pixels.", "Choose smaller pictures, or fewer.")


def grid_spec(sources: Sequence[RenderRequest], styles: Sequence[RenderRequest]) -> JobSpec:
    """Return the spec of a job that renders every source in every style.

    Args:
        sources: Requests of one network with the sources.
        styles: Requests of the same network with the styles.
    """
    grid = _Grid(tuple(sources), tuple(request.style for request in styles))
    return JobSpec("restyle-grid", sources[0], encode(grid))


def cells(context: JobContext | None, spec: JobSpec) -> Job[tuple[NDArray[np.uint8], ...]]:
    """Run a job of `grid_spec`; its last value holds the pictures, uint8 `[H, W, 3]` each, row by row.

    A row is made before the next one, so that its source is encoded once.
    """
    assert context is not None
    grid = decode(_Grid, dict(spec.options), "grid")
    made: list[NDArray[np.uint8]] = []
    for source in grid.sources:
        for style in grid.styles:
            picture = yield from context.steps(replace(source, style=style))
            made.append(np.ascontiguousarray(present(over_white(picture))[:, :, 2::-1]))
            yield Report(tuple(made), len(made), len(grid.sources) * len(grid.styles))


def shown(picture: NDArray[np.uint8], info: GeneratorInfo, crop: Crop | None = None) -> NDArray[np.uint8]:
    """Return a picture as a network is given it, uint8 `[H, W, 3]`."""
    x = source_tensor(picture, info.source_channels, info.img_size, crop)[0]
    return np.ascontiguousarray(present(x.expand(3, -1, -1))[:, :, 2::-1])


def head_of(text: str, size: tuple[int, int], picture: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Return a white cell of (height, width) with a text in its middle; or a picture, the text at its bottom."""
    if picture is not None:
        return captioned(resized(picture, size), [text], [0])
    image = Image.new("RGB", (size[1], size[0]), "white")
    font_size = max(8, min(20, size[1] // 8))
    text = visible(text, 200)
    while font_size > 8 and ImageFont.load_default(font_size).getlength(text) > size[1] - 4:
        font_size -= 1
    middle = (size[1] // 2, size[0] // 2)
    ImageDraw.Draw(image).text(middle, text, (60, 60, 60), ImageFont.load_default(font_size), anchor="mm")
    return np.asarray(image)


def tiled(rows: Sequence[Sequence[NDArray[np.uint8] | None]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return pictures as one, each of (height, width); None is white."""
    blank = np.full((*size, 3), 255, np.uint8)
    return np.concatenate(
        [np.concatenate([blank if cell is None else resized(cell, size) for cell in row], axis=1) for row in rows]
    )
