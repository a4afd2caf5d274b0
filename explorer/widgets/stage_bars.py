"""Stage times as bars."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.widgets.theme import color, value_font, view_color

__all__ = ["StageBars"]


class StageBars(QWidget):
    """A row for each stage: name, bar, milliseconds; what came from the cache is faint."""

    _ROW = 16

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stages: list[tuple[str, float, bool]] = []
        self._view = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self._ROW)

    def set_stages(self, view: int, stages: Sequence[tuple[str, float, bool]]) -> None:
        """Show stages as (name, ms, came from the cache)."""
        self._stages, self._view = list(stages), view
        height = max(1, len(self._stages)) * self._ROW
        if height != self.height():
            self.setFixedHeight(height)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setFont(value_font(self.font()))
        longest = max((ms for _, ms, _ in self._stages), default=0.0)
        bar = QRectF(92, 0, max(10.0, self.width() - 92 - 58), self._ROW - 6)
        for i, (name, ms, hit) in enumerate(self._stages):
            y = i * self._ROW
            p.setPen(color("faint" if hit else "muted"))
            text = p.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 86)
            p.drawText(QRectF(0, y, 88, self._ROW), int(Qt.AlignmentFlag.AlignVCenter), text)
            if not hit and longest:
                width = max(1.0, bar.width() * ms / longest)
                p.fillRect(QRectF(bar.left(), y + 3, width, bar.height()), view_color(self._view))
            align = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            p.drawText(QRectF(self.width() - 56, y, 56, self._ROW), align, "kept" if hit else f"{ms:.2f} ms")
        if not self._stages:
            p.setPen(color("faint"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "nothing rendered yet")
        p.end()
