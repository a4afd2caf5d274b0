"""The bars of w: a pyqtgraph plot on which bars are drawn with the mouse."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from explorer.widgets.theme import color

__all__ = ["WPlot"]


class WPlot(pg.PlotWidget):  # type: ignore[misc]
    """Drag to draw bars, Shift+drag to select some, double-click to select none.

    Signals: `pressed`; `drawn(bars)` with {index: value} of everything drawn in this stroke; `released`;
    `cancelled`.
    """

    pressed = Signal()
    drawn = Signal(object)
    released = Signal()
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__(background=None)
        self.setFixedHeight(120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("The live w. Drag to draw bars, Shift+drag to select some, double-click to select none")
        self.setAccessibleName("Values of w")
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(False, False)
        item.hideAxis("bottom")
        item.setContentsMargins(0, 4, 0, 4)
        self._axis = item.getAxis("left")
        self._axis.setWidth(28)
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.9)
        self._region = pg.LinearRegionItem(movable=False)
        self._region.hide()
        self.addItem(self._region)
        self.addItem(self._bars)
        self._values = np.zeros(0, np.float32)
        self._half = 1.0  # half the height of the shown range; grows at once, shrinks only for another model
        self._drawing: dict[int, float] | None = None
        self._selecting: int | None = None
        self._selected: tuple[int, int] | None = None
        self._last: tuple[float, float] = (0.0, 0.0)
        self._tint()

    @property
    def is_held(self) -> bool:
        """Whether a hand is drawing."""
        return self._drawing is not None

    @property
    def values(self) -> NDArray[np.float32]:
        """The bars shown."""
        return self._values

    def selection(self, count: int) -> slice:
        """The selected bars, all if none is selected."""
        return slice(0, count) if self._selected is None else slice(self._selected[0], self._selected[1] + 1)

    def set_bars(self, values: NDArray[np.float32]) -> None:
        """Show these bars."""
        if len(values) != len(self._values):
            self._half = 1.0
            self.select(None)
            self.setXRange(-0.5, max(0.5, len(values) - 0.5), padding=0)
        self._values = values
        reach = float(np.abs(values).max()) * 1.1 if len(values) else 1.0
        if reach > self._half:
            self._half = reach
        self.setYRange(-self._half, self._half, padding=0)
        self._bars.setOpts(x=np.arange(len(values)), height=values)

    def select(self, span: tuple[int, int] | None) -> None:
        """Select bars first..last, or none."""
        self._selected = span
        self._region.setVisible(span is not None)
        if span is not None:
            self._region.setRegion((span[0] - 0.5, span[1] + 0.5))

    def _at(self, event: QMouseEvent) -> tuple[float, float]:
        point: QPointF = self.getPlotItem().vb.mapSceneToView(self.mapToScene(event.position().toPoint()))
        return point.x(), min(self._half, max(-self._half, point.y()))

    def _index(self, x: float) -> int:
        return int(min(len(self._values) - 1, max(0, round(x))))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not len(self._values):
            return
        x, y = self._at(event)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._selecting = self._index(x)
            self.select((self._selecting, self._selecting))
            return
        self.pressed.emit()
        self._drawing, self._last = {self._index(x): y}, (x, y)
        self.drawn.emit(self._drawing)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._selecting is not None:
            here = self._index(self._at(event)[0])
            self.select((min(here, self._selecting), max(here, self._selecting)))
        elif self._drawing is not None:
            x, y = self._at(event)
            # A fast hand skips bars between two events; they are drawn on the line between them.
            x0, y0 = self._last
            first, last = sorted((self._index(x0), self._index(x)))
            for index in range(first, last + 1):
                share = (index - x0) / (x - x0) if abs(x - x0) > 1e-9 else 1.0
                self._drawing[index] = y0 + min(1.0, max(0.0, share)) * (y - y0)
            self._drawing[self._index(x)] = y
            self._last = (x, y)
            self.drawn.emit(self._drawing)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._selecting = None
        if self._drawing is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drawing = None
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.select(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the panel scrolls

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._drawing is not None:
            self._drawing = None
            self.cancelled.emit()
        else:
            event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        super().changeEvent(event)

    def _tint(self) -> None:
        if not hasattr(self, "_bars"):
            return  # Qt polishes the base class before there are bars
        self._bars.setOpts(brush=color("accent"), pen=None)
        self._axis.setPen(color("border"))
        self._axis.setTextPen(color("faint"))
        self._region.setBrush(color("accent", 40))
