"""Fast drawing of a vector as bars: hundreds in one call, snapped to pixels so that widths look even."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt

from explorer.widgets.controls.theme import color

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QColor, QPainter
    from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

    from explorer.widgets.panels.edits.w_values import Bars

__all__ = ["BarsItem"]

_GAP_FROM_PX = 4.0  # narrower bars are drawn without gaps


class BarsItem(pg.GraphicsObject):  # type: ignore[misc]
    """Draws a `Bars` value, a cursor and a selected range. Bar i is between i - 0.5 and i + 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: Bars | None = None
        self._cursor: int | None = None
        self._selection: tuple[int, int] | None = None
        self._rects = pg.Qt.internals.PrimitiveArray(QRectF, 4)

    def show_bars(self, bars: Bars | None, cursor: int | None, selection: tuple[int, int] | None) -> None:
        """Set what to draw."""
        if bars is None or self._bars is None or len(bars.values) != len(self._bars.values):
            self.prepareGeometryChange()
        self._bars, self._cursor, self._selection = bars, cursor, selection
        self.update()

    def boundingRect(self) -> QRectF:
        # Constant height, so that drags do not rebuild the scene's index.
        count = len(self._bars.values) if self._bars is not None else 0
        return QRectF(-0.5, -1e6, max(1, count), 2e6)

    def paint(self, p: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        bars, view = self._bars, self.getViewBox()
        if bars is None or view is None:
            return
        (x0, x1), (y0, y1) = view.viewRange()
        px, py = view.viewPixelSize()
        first, last = max(0, round(x0)), min(len(bars.values) - 1, round(x1))
        if last < first or px <= 0 or py <= 0:
            return
        p.setPen(Qt.PenStyle.NoPen)
        if self._selection is not None:
            a, b = self._selection
            p.fillRect(QRectF(a - 0.5, y0, b - a + 1, y1 - y0), color("accent", 36))
        if self._cursor is not None:
            p.fillRect(QRectF(self._cursor - 0.5, y0, 1.0, y1 - y0), color("text", 28))
        shown = slice(first, last + 1)
        left, width = _columns(first, last, x0, px)
        edited = bars.edited[shown]
        # Where rows of the scope differ: their range behind the mean.
        spread = bars.high[shown] - bars.low[shown]
        self._fill(p, left, width, bars.low[shown], spread, spread > py, color("faint", 90))
        height = bars.values[shown]
        zero = np.zeros_like(height)
        self._fill(p, left, width, zero, height, ~edited, color("muted"))
        self._fill(p, left, width, zero, height, edited, color("accent"))
        # Value of an edited bar without the edit; not drawn for narrow bars.
        if 1.0 / px >= _GAP_FROM_PX:
            tick = np.full_like(height, 1.5 * py)
            self._fill(p, left, width, bars.plain[shown], tick, edited, color("text"))
        p.fillRect(QRectF(x0, -0.5 * py, x1 - x0, py), color("faint"))

    def _fill(
        self,
        p: QPainter,
        left: NDArray[np.float64],
        width: NDArray[np.float64],
        bottom: NDArray[np.float32],
        height: NDArray[np.float32],
        mask: NDArray[np.bool_],
        brush: QColor,
    ) -> None:
        count = int(mask.sum())
        if not count:
            return
        self._rects.resize(count)
        rects = self._rects.ndarray()
        low, tall = bottom[mask], height[mask]
        rects[:, 0], rects[:, 2] = left[mask], width[mask]
        rects[:, 1], rects[:, 3] = np.minimum(low, low + tall), np.abs(tall)
        p.setBrush(brush)
        p.drawRects(*self._rects.drawargs())


def _columns(first: int, last: int, x0: float, px: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the left edge and width of each bar in bar units, with edges on whole pixels."""
    edges = np.arange(first, last + 2) - 0.5
    edges = x0 + np.round((edges - x0) / px) * px
    gap = px if 1.0 / px >= _GAP_FROM_PX else 0.0
    # A bar narrower than a pixel is drawn one pixel wide, over its neighbour.
    return edges[:-1], np.maximum(np.diff(edges) - gap, px)
