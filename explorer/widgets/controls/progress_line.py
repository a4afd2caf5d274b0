"""A thin progress bar."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.theme import color

__all__ = ["ProgressLine"]


class ProgressLine(QWidget):
    """Shows a fraction 0..1; a negative value means unknown progress."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fraction = 0.0
        self.setFixedHeight(3)
        self.setAccessibleName("Progress of loading")

    def set_fraction(self, fraction: float) -> None:
        """Set the progress, 0..1; negative if unknown."""
        self.fraction = fraction
        self.setAccessibleDescription(f"{100 * fraction:.0f} %" if fraction >= 0 else "working")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("border"))
        full = self.fraction < 0.0
        fraction = 1.0 if full else min(1.0, self.fraction)
        p.fillRect(QRectF(0, 0, self.width() * fraction, self.height()), color("accent", 110 if full else 255))
        p.end()
