"""The sheet of a slit-scan: scans of several models below each other on one time axis, each under its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.util.view_marks import ON_DARK, letter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["compose"]

HEIGHT = 224  # height of a scan on the sheet, in pixels
MIN_WIDTH = 480
GAP, BAR, LINE = 16, 30, 20
BACKGROUND, TEXT = (24, 24, 26), (222, 222, 222)


def compose(
    scans: Sequence[NDArray[np.uint8]], names: Sequence[str], caption: str = "", views: Sequence[int] = ()
) -> NDArray[np.uint8]:
    """Return the sheet, uint8 `[H, W, 3]`.

    Args:
        scans: `[samples, columns, 3]` each, all with the same columns, the newest at the right.
        names: Name of each scan.
        caption: Text below the scans.
        views: Numbers of their views, by default counted from 0.
    """
    columns = max(1, scans[0].shape[1])
    width = columns * max(1, -(-MIN_WIDTH // columns))  # whole pixels per column, so that streaks stay sharp
    small = ImageFont.load_default(14)
    lines = _wrapped(caption, small, width)
    size = (width + 2 * GAP, len(scans) * (BAR + HEIGHT) + BAR + (len(lines) - 1) * LINE + GAP // 2)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for i, (scan, name) in enumerate(zip(scans, names, strict=True)):
        top = i * (BAR + HEIGHT)
        view = views[i] if views else i
        draw.text((GAP, top + BAR // 2), letter(view), ON_DARK[view % len(ON_DARK)], font, anchor="lm")
        draw.text((GAP + 22, top + BAR // 2), name, TEXT, font, anchor="lm")
        if scan.shape[1]:
            picture = Image.fromarray(np.ascontiguousarray(scan))
            picture = picture.resize((width, scan.shape[0]), Image.Resampling.NEAREST)
            sheet.paste(picture.resize((width, HEIGHT), Image.Resampling.BICUBIC), (GAP, top + BAR))
    top = len(scans) * (BAR + HEIGHT) + BAR // 2 + GAP // 4
    for i, line in enumerate(lines):
        draw.text((GAP, top + i * LINE), line, TEXT, small, anchor="lm")
    return np.asarray(sheet)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Wrap a text into lines of at most `width` pixels; return at least one line."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
