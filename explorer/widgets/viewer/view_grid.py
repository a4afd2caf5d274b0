"""The grid of pictures, with equal cells and the number of columns that makes them largest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

__all__ = ["ViewGrid", "columns_for"]

CHROME_PX = 56
"""Height of the heading and the footer of a picture."""

LEAST_PX = 160
"""Minimum edge of a picture, and of one among many."""

LEAST_OF_MANY_PX = 88


def columns_for(count: int, width: int, height: int) -> int:
    """Return the number of columns for which `count` square pictures are largest in an area.

    Two pictures are always side by side, which makes them easy to compare.
    """
    if count <= 2:
        return max(1, count)

    def edge(columns: int) -> float:
        rows = -(-count // columns)
        return min((width + GRID) / columns - GRID, (height + GRID) / rows - GRID - CHROME_PX)

    return max(range(1, count + 1), key=lambda columns: (edge(columns), -columns))


class ViewGrid(QWidget):
    """Lays out the shown pictures. `arranged(columns)` is emitted when their number of columns has changed."""

    arranged = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.columns = 1
        self._shown: list[QWidget] = []

    def set_shown(self, widgets: Sequence[QWidget]) -> None:
        """Show these widgets, row by row, and hide all others."""
        self._shown = list(widgets)
        for child in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            child.setVisible(child in self._shown)
        self.updateGeometry()
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        count = max(1, len(self._shown))
        edge = LEAST_PX if count <= 2 else LEAST_OF_MANY_PX
        columns = min(count, 3)
        rows = -(-count // columns)
        return QSize(columns * (edge + GRID) - GRID, rows * (edge + CHROME_PX + GRID) - GRID)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint().expandedTo(QSize(640, 480))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        count = len(self._shown)
        if not count:
            return
        columns = columns_for(count, self.width(), self.height())
        rows = -(-count // columns)
        for i, widget in enumerate(self._shown):
            (left, right), (top, bottom) = (
                _span(i % columns, columns, self.width()),
                _span(i // columns, rows, self.height()),
            )
            widget.setGeometry(left, top, right - left, bottom - top)
        if columns != self.columns:
            self.columns = columns
            self.arranged.emit(columns)


def _span(number: int, count: int, length: int) -> tuple[int, int]:
    """Return start and end of cell `number` of `count`, with a gap between cells."""
    room = length - (count - 1) * GRID
    return room * number // count + number * GRID, room * (number + 1) // count + number * GRID
