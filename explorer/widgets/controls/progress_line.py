"""A thin line that fills."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.theme import color

__all__ = ["ProgressLine"]


class ProgressLine(QWidget):
    """Shows a share 0..1; below 0 it is not known how far it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.share = 0.0
        self.setFixedHeight(3)
        self.setAccessibleName("Progress of loading")

    def set_share(self, share: float) -> None:
        """How far it is."""
        self.share = share
        self.setAccessibleDescription(f"{100 * share:.0f} %" if share >= 0 else "working")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("border"))
        full = self.share < 0.0
        share = 1.0 if full else min(1.0, self.share)
        p.fillRect(QRectF(0, 0, self.width() * share, self.height()), color("accent", 110 if full else 255))
        p.end()
