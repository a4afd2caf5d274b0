"""CameraMark: a red dot over a picture whose source is a camera that is on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from explorer.widgets.controls.theme import GRID, color, value_font
from explorer.widgets.viewer.tools import PassiveTool, PictureView

__all__ = ["CameraMark"]

_RED = QColor(230, 50, 50)
_TEXT = "camera on"


class CameraMark(PassiveTool):
    """Says that a camera is on. It takes no drags."""

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture)
        self.is_on = False

    def set_on(self, is_on: bool) -> None:
        """Show the mark or hide it."""
        if is_on != self.is_on:
            self.is_on = is_on
            self.picture.update()

    def paint(self, p: QPainter) -> None:
        """Paint the mark in the upper left corner."""
        if not self.is_on:
            return
        area = self.picture.area()
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setFont(value_font(p.font()))
        width = p.fontMetrics().horizontalAdvance(_TEXT) + 5 * GRID
        box = QRectF(area.left() + GRID, area.top() + GRID, width, 3 * GRID)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("window", 215))
        p.drawRoundedRect(box, 12, 12)
        p.setBrush(_RED)
        p.drawEllipse(QPointF(box.left() + 1.6 * GRID, box.center().y()), 5.0, 5.0)
        p.setPen(color("text"))
        p.drawText(box.adjusted(3 * GRID, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, _TEXT)
