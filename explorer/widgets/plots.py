"""Small plots painted by hand: a curve for spectra, bars for stage times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.widgets.theme import color, value_font, view_color

__all__ = ["CurvePlot", "StageBars"]


class CurvePlot(QWidget):
    """Curves of the views over frequency, each in its view's colour; y is dB, fitted to what is shown."""

    def __init__(self, x_name: str, y_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x_name, self._y_name = x_name, y_name
        self._curves: dict[int, NDArray[np.float32]] = {}
        self.setFixedHeight(104)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_curve(self, view: int, values: NDArray[np.float32] | None) -> None:
        """Show a view's curve, or take it away."""
        if values is None or len(values) < 2:
            self._curves.pop(view, None)
        else:
            self._curves[view] = values
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        p.setPen(QPen(color("border"), 1))
        p.setBrush(color("sunken"))
        p.drawRoundedRect(box, 4, 4)
        p.setFont(value_font(self.font()))
        plot = box.adjusted(6, 16, -6, -16)
        if not self._curves:
            p.setPen(color("faint"))
            p.drawText(box, Qt.AlignmentFlag.AlignCenter, "no spectrum of this picture")
            return
        low = min(float(v.min()) for v in self._curves.values())
        high = max(float(v.max()) for v in self._curves.values())
        for view, values in sorted(self._curves.items()):
            xs = np.linspace(plot.left(), plot.right(), len(values))
            ys = plot.bottom() - (values - low) / max(1e-6, high - low) * plot.height()
            p.setPen(QPen(view_color(view), 1.5))
            p.drawPolyline(QPolygonF([QPointF(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]))
        p.setPen(color("muted"))
        p.drawText(box.adjusted(6, 2, -6, -2), int(Qt.AlignmentFlag.AlignTop), f"{high:.0f} {self._y_name}")
        p.drawText(box.adjusted(6, 2, -6, -2), int(Qt.AlignmentFlag.AlignBottom), f"{low:.0f}")
        right_bottom = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
        p.drawText(box.adjusted(6, 2, -6, -2), int(right_bottom), self._x_name)
        p.end()


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
