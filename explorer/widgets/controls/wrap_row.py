"""A row of widgets that wraps onto further lines where it is too narrow."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from explorer.widgets.controls.theme import GRID

__all__ = ["wrap_row"]


class _WrapLayout(QLayout):
    """A layout from left to right, line by line; each widget keeps its preferred size.

    Args:
        spacing: Pixels between widgets and between lines.
        stretch_at: Index of the widget before which a line's free space goes; -1 leaves it at the right end.
    """

    def __init__(self, spacing: int, stretch_at: int) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._gap, self._stretch_at = spacing, stretch_at
        self._laid_out = 0  # width of the last layout, in pixels
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks beyond the end, too
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        heights = [max(self._items[i].sizeHint().height() for i in line) for line in self._lines(width)]
        return sum(heights) + self._gap * max(0, len(heights) - 1)

    def minimumSize(self) -> QSize:
        widths = [item.sizeHint().width() for item in self._items if not item.isEmpty()]
        # Layouts in docks do not query heightForWidth, so the height is included once the width is known.
        return QSize(max(widths, default=0), self.heightForWidth(self._laid_out or sum(widths)))

    def sizeHint(self) -> QSize:
        widths = [item.sizeHint().width() for item in self._items if not item.isEmpty()]
        width = sum(widths) + self._gap * max(0, len(widths) - 1)
        return QSize(width, self.heightForWidth(width))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        if rect.width() != self._laid_out:
            self._laid_out = rect.width()
            self.invalidate()  # its minimum height may have changed
        y = rect.y()
        for line in self._lines(rect.width()):
            height = max(self._items[i].sizeHint().height() for i in line)
            x, free = rect.x(), rect.width() - self._width(line)
            for i in line:
                if i == self._stretch_at and i != line[0]:
                    x += free
                hint = self._items[i].sizeHint()
                self._items[i].setGeometry(QRect(x, y + (height - hint.height()) // 2, hint.width(), hint.height()))
                x += hint.width() + self._gap
            y += height + self._gap

    def _lines(self, width: int) -> list[list[int]]:
        lines: list[list[int]] = []
        for i, item in enumerate(self._items):
            if item.isEmpty():  # hidden
                continue
            if lines and self._width([*lines[-1], i]) <= width:
                lines[-1].append(i)
            else:
                lines.append([i])
        return lines

    def _width(self, line: list[int]) -> int:
        return sum(self._items[i].sizeHint().width() for i in line) + self._gap * (len(line) - 1)


def wrap_row(*items: QWidget | None, spacing: int = GRID // 2) -> QWidget:
    """Return a row of widgets that wraps onto further lines; None marks where free space goes."""
    box = QWidget()
    widgets = [item for item in items if item is not None]
    stretch_at = next((i for i, item in enumerate(items) if item is None), -1)
    layout = _WrapLayout(spacing, stretch_at)
    box.setLayout(layout)
    for widget in widgets:
        layout.addWidget(widget)
    return box
