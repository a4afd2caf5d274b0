"""Marks of a view: a chip with its letter on its colour, and a line in its colour."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.util.view_marks import letter
from explorer.widgets.controls.theme import color, view_color

__all__ = ["ColorLine", "ViewChip", "paint_chip"]


def paint_chip(p: QPainter, box: QRectF, view: int) -> None:
    """Paint the letter of a view on its colour, filling `box`."""
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(view_color(view))
    p.drawRoundedRect(box, 4, 4)
    font = p.font()
    font.setBold(True)
    font.setPixelSize(round(0.6 * box.height()))
    p.setFont(font)
    p.setPen(color("window"))
    p.drawText(box, Qt.AlignmentFlag.AlignCenter, letter(view))


class ViewChip(QWidget):
    """The letter of a view on its colour.

    Args:
        view: Number of the view.
        size: Width and height in pixels.
    """

    def __init__(self, view: int, size: int = 18) -> None:
        super().__init__()
        self.view = view
        self.setFixedSize(size, size)

    def set_view(self, view: int) -> None:
        """Show the letter of another view."""
        if view != self.view:
            self.view = view
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        paint_chip(p, QRectF(self.rect()), self.view)
        p.end()


class ColorLine(QWidget):
    """A line two pixels high in a view's colour, or an empty space of the same height."""

    def __init__(self) -> None:
        super().__init__()
        self._view: int | None = None
        self.setFixedHeight(2)

    @property
    def is_shown(self) -> bool:
        """Whether the line has a colour."""
        return self._view is not None

    def set_view(self, view: int | None) -> None:
        """Show the line in the colour of a view; None shows nothing."""
        if view != self._view:
            self._view = view
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._view is not None:  # looked up at each paint, since the theme may change
            QPainter(self).fillRect(self.rect(), view_color(self._view))
