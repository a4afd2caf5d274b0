"""Examples that teach a direction: pictures that have a property, and pictures that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.widgets.controls.drops import take_copy
from explorer.widgets.controls.event_filters import positional_tooltip
from explorer.widgets.controls.look_drag import look_in
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.state import Look
    from explorer.widgets.controls.thumbnails import Thumbnails

__all__ = ["Example", "ExampleStrip"]

_PX, _GAP = 28, 3


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One example: a look, and its latent w `[w_dim]` before mixing and truncation."""

    look: Look
    w: NDArray[np.float32]


class ExampleStrip(QWidget):
    """The examples of one group, newest first. `removed(index)` is emitted when one is clicked.

    `dropped(Look)` is emitted when a picture of the history, favourites or children is dropped here.

    Args:
        thumbnails: Renders and caches the pictures.
        empty: What is written where there are none.
    """

    removed = Signal(int)
    dropped = Signal(object)

    def __init__(self, thumbnails: Thumbnails, empty: str) -> None:
        super().__init__()
        self._thumbnails, self._empty = thumbnails, empty
        self.examples: list[Example] = []
        self._is_target = False
        self.setAcceptDrops(True)
        self.setFixedHeight(_PX + 2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(empty)
        positional_tooltip(self, self._tip)

    def add(self, example: Example) -> None:
        """Add an example."""
        self.examples.insert(0, example)
        self.update()

    def clear(self) -> None:
        """Remove all examples."""
        self.examples.clear()
        self.update()

    def _index_at(self, at: QPointF) -> int:
        index = int(at.x() // (_PX + _GAP))
        return index if index < len(self.examples) else -1

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if look_in(event) is None or not take_copy(event):
            event.ignore()
            return
        self._mark(is_target=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(is_target=False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(is_target=False)
        look = look_in(event)
        if look is not None and take_copy(event):
            self.dropped.emit(look)

    def _mark(self, *, is_target: bool) -> None:
        self._is_target = is_target
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            del self.examples[index]
            self.update()
            self.removed.emit(index)

    def _tip(self, at: QPointF) -> str:
        return "Click to remove this example" if self._index_at(at) >= 0 else self._empty

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        for i, example in enumerate(self.examples):
            box = QRectF(1 + i * (_PX + _GAP), 1, _PX, _PX)
            if box.left() > self.width():
                break
            paint_thumbnail(p, self._thumbnails.get(f"{hash(example.look)}", example.look), box)
        if not self.examples:
            p.setPen(color("caption"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._empty)
        if self._is_target:
            p.setPen(color("accent"))
            p.drawRect(self.rect().adjusted(0, 0, -1, -1))
        p.end()
