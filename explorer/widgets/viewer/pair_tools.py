"""Two pictures in one frame: with a draggable divider (wipe), or alternating (flicker)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.view_chip import paint_chip
from explorer.widgets.viewer.tools import PassiveTool, PictureView

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

__all__ = ["FlickerTool", "Pair", "WipeTool"]

GRAB_PX = 8.0


class Pair:
    """A view's second picture, shared by its tools.

    Attributes:
        other: The second picture; None if there is none.
        views: Numbers of the two views, whose marks are painted: the view's own, then the other.
    """

    def __init__(self, picture: PictureView, view: int) -> None:
        self._picture = picture
        self.other: QImage | None = None
        self.views = (view, view)

    def set_views(self, first: int, second: int) -> None:
        """Mark the pictures as those of two views."""
        self.views = (first, second)
        self._picture.update()

    def set_other(self, image: QImage | None) -> None:
        """Show another picture as the second one, or none."""
        self.other = image
        self._picture.update()


class WipeTool(PassiveTool):
    """The second picture right of a divider. Signal: `split_moved(fraction)` while the divider is dragged."""

    split_moved = Signal(float)

    def __init__(self, picture: PictureView, pair: Pair) -> None:
        super().__init__(picture)
        self._pair = pair
        self.is_on = False
        self.split = 0.5  # of the visible part of the picture, 0..1 from the left

    def set_on(self, on: bool) -> None:
        """Show the divider, or not."""
        self.is_on = on
        self.picture.update()

    def set_split(self, fraction: float) -> None:
        """Move the divider, 0..1."""
        if fraction != self.split:
            self.split = fraction
            self.picture.update()

    def hit(self, at: QPointF) -> bool:
        """Return whether the divider is near a point."""
        return self.is_on and self._pair.other is not None and abs(at.x() - self._x()) < GRAB_PX

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return the cursor of dividers."""
        return Qt.CursorShape.SplitHCursor

    def move(self, at: QPointF) -> None:
        """Move the divider to the pointer."""
        rect = self._visible_rect()
        self.split = min(1.0, max(0.0, (at.x() - rect.left()) / max(1.0, rect.width())))
        self.split_moved.emit(self.split)
        self.picture.update()

    def _visible_rect(self) -> QRectF:
        return self.picture.picture_rect().intersected(self.picture.area())

    def _x(self) -> float:
        rect = self._visible_rect()
        return rect.left() + self.split * rect.width()

    def paint_picture(self, p: QPainter, rect: QRectF) -> None:
        """Paint the second picture right of the divider, and the divider with a mark on each side."""
        other = self._pair.other
        if not self.is_on or other is None:
            return
        visible = rect.intersected(self.picture.area())
        x = self._x()
        p.save()
        p.setClipRect(QRectF(x, visible.top(), visible.right() - x, visible.height()))
        self.picture.paint_image(p, other, self.picture.rect_of(other))
        p.restore()
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(color("text"), 1))
        p.drawLine(QPointF(x, visible.top()), QPointF(x, visible.bottom()))
        p.setBrush(color("panel"))
        p.setPen(QPen(color("text"), 1))
        handle = QRectF(x - 5, visible.center().y() - 14, 10, 28)
        p.drawRoundedRect(handle, 5, 5)
        for view, side in zip(self._pair.views, (-1, 1), strict=True):
            paint_chip(p, QRectF(x + side * 20 - 9, visible.center().y() - 9, 18, 18), view)


class FlickerTool(PassiveTool):
    """The two pictures alternating; a mark in the corner shows which one is visible."""

    def __init__(self, picture: PictureView, pair: Pair) -> None:
        super().__init__(picture)
        self._pair = pair
        self.is_on = False
        self.shows_other = False

    def set_on(self, on: bool, shows_other: bool = False) -> None:
        """Alternate the pictures, showing the second one now if `shows_other`."""
        self.is_on, self.shows_other = on, on and shows_other
        self.picture.update()

    def substitute(self) -> QImage | None:
        """Return the second picture while it is shown."""
        return self._pair.other if self.shows_other else None

    def paint(self, p: QPainter) -> None:
        """Paint the mark of the visible picture."""
        if self.is_on and self._pair.other is not None:
            box = QRectF(self.picture.area().width() - 4 * GRID, GRID, 3 * GRID, 3 * GRID)
            paint_chip(p, box, self._pair.views[1 if self.shows_other else 0])
