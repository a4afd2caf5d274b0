"""Marking a region of the picture: a click is a disc, a drag a stroke of the brush; the other button erases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter

from explorer.widgets.controls.theme import color
from explorer.widgets.viewer.tools import PassiveTool, PictureView

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RegionTool"]

_OPACITY = 120
"""Of the region's colour over the picture, of 255."""


class RegionTool(PassiveTool):
    """The region over a picture, while it is being marked.

    It takes every drag without a modifier while it is on; one with the right button or Alt erases, those with
    Shift or Ctrl still move and turn the picture.

    Signals: `began(is_eraser)` at a press; `marked(start, end)` with points (x, y) in picture widths from the upper
    left corner; `ended` or, if the stroke was cancelled, `reverted`; `left` when the user wants no more.

    Args:
        picture: The picture.
        caption: What to do, shown while it is on.
    """

    began = Signal(bool)
    marked = Signal(object, object)
    ended = Signal()
    reverted = Signal()
    left = Signal()

    def __init__(self, picture: PictureView, caption: str) -> None:
        super().__init__(picture)
        self.is_on = self.is_shown = False
        self._caption = caption
        self._mask: NDArray[np.bool_] | None = None
        self._image: QImage | None = None
        self._heat: QImage | None = None
        self._last: tuple[float, float] | None = None

    def set_on(self, is_on: bool, *, is_shown: bool = False) -> None:
        """Let drags mark the region, and show it; `is_shown`: show it even if drags do not."""
        self.is_on, self.is_shown = is_on, is_on or is_shown
        self.picture.update()

    def set_region(self, mask: NDArray[np.bool_] | None) -> None:
        """Show a region, bool `[H, W]`; None for none."""
        if mask is not self._mask:
            self._mask, self._image = mask, None if mask is None else _tinted(mask)
            self.picture.update()

    def set_heat(self, heat: NDArray[np.uint8] | None) -> None:
        """Darken the picture except where something changes it, uint8 `[h, w]`; None ends that."""
        self._heat = None if heat is None else _shade(heat)
        self.picture.update()

    def caption(self) -> str:
        """Return what to do."""
        return self._caption if self.is_on else ""

    def hit(self, at: QPointF) -> bool:
        """Return whether it is on and there is a picture."""
        return self.is_on and self.picture.image is not None

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return the cross."""
        return Qt.CursorShape.CrossCursor

    def press(self, at: QPointF) -> None:
        """Begin a stroke with a disc."""
        self._begin(at, is_eraser=False)

    def press_other(self, at: QPointF) -> bool:
        """Begin to erase."""
        self._begin(at, is_eraser=True)
        return True

    def move(self, at: QPointF) -> None:
        """Continue the stroke."""
        if self._last is not None:
            start, self._last = self._last, self._point(at)
            self.marked.emit(start, self._last)

    def release(self) -> None:
        """End the stroke."""
        if self._last is not None:
            self._last = None
            self.ended.emit()

    def cancel(self) -> None:
        """End the stroke and revert it."""
        if self._last is not None:
            self._last = None
            self.reverted.emit()

    def _begin(self, at: QPointF, *, is_eraser: bool) -> None:
        self._last = self._point(at)
        self.began.emit(is_eraser)
        self.marked.emit(self._last, self._last)

    def _point(self, at: QPointF) -> tuple[float, float]:
        rect = self.picture.picture_rect()
        width = max(1.0, rect.width())
        return (at.x() - rect.left()) / width, (at.y() - rect.top()) / width

    def paint_picture(self, p: QPainter, rect: QRectF) -> None:
        """Paint the region over the picture."""
        if self.is_shown and self._image is not None:
            p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            p.drawImage(rect, self._image)
        if self._heat is not None:
            p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            p.drawImage(rect, self._heat)


def _tinted(mask: NDArray[np.bool_]) -> QImage:
    """Return the region in the accent colour over nothing."""
    return _veil(np.where(mask, _OPACITY, 0).astype(np.uint8), color("accent"))


def _shade(heat: NDArray[np.uint8]) -> QImage:
    """Return a shade that leaves free what is hot; its square root, so that weak changes show too."""
    return _veil((210.0 * (1.0 - np.sqrt(heat / 255.0))).astype(np.uint8), QColor("black"))


def _veil(opacity: NDArray[np.uint8], tint: QColor) -> QImage:
    """Return a colour with an opacity for each pixel."""
    height, width = opacity.shape
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., :3] = tint.red(), tint.green(), tint.blue()
    pixels[..., 3] = opacity
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
