"""Plots in the theme's colours, without mouse interaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont, QPen, QWheelEvent

from explorer.widgets.controls.theme import color

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["QuietPlot", "nice_ceiling"]

_AXIS_FONT_PX = 10
_TICK_PX = 4


def nice_ceiling(value: float) -> float:
    """Return the smallest of 1, 1.5, 2, 3, 5 times a power of ten that is not below `value`; 1 for 0."""
    if not 0.0 < value < 1e30:
        return 1.0
    power = 1.0
    while power < value:
        power *= 10.0
    while power / 10.0 >= value:
        power /= 10.0
    return power * next(m for m in (0.1, 0.15, 0.2, 0.3, 0.5, 1.0) if power * m >= value * 0.999999)


class QuietPlot(pg.PlotWidget):  # type: ignore[misc]
    """A plot without menu, buttons or mouse zoom, in the theme's colours. The wheel scrolls the panel.

    Args:
        left_px: Fixed width of the left axis, so that the plot never shifts.
        bottom_label: Quantity on the horizontal axis, with unit.
        left_label: Quantity on the vertical axis, with unit.
    """

    def __init__(
        self, left_px: int = 34, bottom_label: str = "", left_label: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._axis_texts = {"bottom": bottom_label, "left": left_label}
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(False, False)
        self.plotItem.vb.setDefaultPadding(0.0)
        self.plotItem.setContentsMargins(0, 4, 10, 0)  # space for half of the last tick's label
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        font = QFont(self.font())
        font.setPixelSize(_AXIS_FONT_PX)
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setStyle(tickFont=font, tickLength=-_TICK_PX, tickTextOffset=4, hideOverlappingLabels=False)
            axis.enableAutoSIPrefix(False)
        self.getAxis("left").setWidth(left_px + (14 if left_label else 0))
        self.getAxis("bottom").setHeight(18 + (12 if bottom_label else 0))
        self.tint()

    def tint(self) -> None:
        """Apply the theme's colours; subclasses also apply them to their own items."""
        self.setBackground(color("sunken"))
        for name, text in self._axis_texts.items():
            axis = self.getAxis(name)
            axis.setPen(QPen(color("border")))
            axis.setTextPen(QPen(color("muted")))
            if text:
                axis.setLabel(text, color=color("caption").name(), **{"font-size": f"{_AXIS_FONT_PX}px"})

    def set_ticks(self, name: str, ticks: Sequence[tuple[float, str]]) -> None:
        """Set the ticks of an axis."""
        self.getAxis(name).setTicks([list(ticks)])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_axis_texts"):
            self.tint()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
