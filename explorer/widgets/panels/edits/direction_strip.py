"""DirectionStrip: live previews of a direction or a channel; a click steps to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.widgets.controls.event_filters import positional_tooltip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.state import Look
    from explorer.widgets.controls.thumbnails import Thumbnails

__all__ = ["SIGMAS", "DirectionStrip"]

SIGMAS = (-3.0, -1.5, 0.0, 1.5, 3.0)
"""The strengths that are shown, in standard deviations."""

_GAP, _LARGEST = 4, 64


class DirectionStrip(QWidget):
    """The pictures of one direction. `chosen(sigmas)` is emitted when one is clicked.

    Args:
        thumbnails: Renders and caches the pictures; only those that are visible are asked for.
        look_at: Returns the look at a strength.
        sigmas: The strengths that are shown, in standard deviations.
    """

    chosen = Signal(float)

    def __init__(self, thumbnails: Thumbnails, look_at: Callable[[float], Look | None],
                 sigmas: tuple[float, ...] = SIGMAS) -> None:  # fmt: skip
        super().__init__()
        self._sigmas = sigmas
        self._thumbnails, self._look_at = thumbnails, look_at
        self._strength = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Previews of the direction")
        self.setFixedHeight(44)
        positional_tooltip(self, self._tip)

    def set_strength(self, strength: float) -> None:
        """Mark the preview of the present strength."""
        if strength != self._strength:
            self._strength = strength
            self.update()

    def _side(self) -> float:
        """Return the side of one preview in pixels."""
        return min(_LARGEST, (self.width() - _GAP * (len(self._sigmas) - 1)) / len(self._sigmas))

    def _box(self, index: int) -> QRectF:
        side = self._side()
        return QRectF(index * (side + _GAP), 0, side, side).adjusted(1, 1, -1, -1)

    def _index_at(self, at: QPointF) -> int:
        return next((i for i in range(len(self._sigmas)) if self._box(i).contains(at)), -1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setFixedHeight(max(20, round(self._side())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.chosen.emit(self._sigmas[index])

    def _tip(self, at: QPointF) -> str:
        index = self._index_at(at)
        if index < 0:
            return ""
        return f"The picture at {self._sigmas[index]:+g} \u03c3 along this direction; click to go there"

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        for i, sigma in enumerate(self._sigmas):
            look = self._look_at(sigma)
            image = None if look is None else self._thumbnails.get(f"{hash(look)}", look)
            is_here = abs(self._strength - sigma) < 1e-6 and sigma != 0.0
            paint_thumbnail(p, image, self._box(i), mark=color("accent") if is_here else None)
        p.end()
