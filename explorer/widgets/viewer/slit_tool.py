"""The slit on the picture: a draggable line with a handle in the middle and one at each end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from explorer.analysis.slitscan import ends_of
from explorer.widgets.controls.theme import color
from explorer.widgets.viewer.tools import PassiveTool, PictureView

if TYPE_CHECKING:
    from explorer.state import Slit

__all__ = ["Part", "SlitTool", "drag_slit", "part_at"]

Part = Literal["middle", "far", "near"]
Matrix = Sequence[float]

GRAB_PX = 9.0
RADIUS_PX = 4.5


def _handle_positions(slit: Slit, matrix: Matrix | None, rect: QRectF) -> dict[Part, QPointF]:
    far, near = ends_of(slit, matrix)

    def on_screen(point: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> QPointF:
        return rect.center() + QPointF(point[0], point[1]) * rect.width()

    return {"far": on_screen(far), "near": on_screen(near), "middle": on_screen(0.5 * (far + near))}


def part_at(at: QPointF, slit: Slit, matrix: Matrix | None, rect: QRectF) -> Part | None:
    """Return the part of the slit under the pointer: an end or the line; None for neither."""
    positions = _handle_positions(slit, matrix, rect)
    for part in ("far", "near"):
        if (at - positions[part]).manhattanLength() <= GRAB_PX * 1.4:
            return part
    along, to = positions["far"] - positions["near"], at - positions["near"]
    length = math.hypot(along.x(), along.y())
    if length < 1.0:
        return None
    fraction = (to.x() * along.x() + to.y() * along.y()) / length**2
    away = abs(to.x() * along.y() - to.y() * along.x()) / length
    return "middle" if 0.0 <= fraction <= 1.0 and away <= 0.6 * GRAB_PX else None


def drag_slit(slit: Slit, part: Part, start: QPointF, at: QPointF, matrix: Matrix | None, rect: QRectF) -> Slit:
    """Return the slit after a drag: the middle moves the line, an end rotates and scales it about its centre.

    Args:
        slit: The slit at the start of the drag.
        part: The part being dragged.
        start: Start of the drag in widget coordinates.
        at: Current position of the pointer.
        matrix: Forward motion of the picture, applied to a slit that follows it.
        rect: Rectangle of the picture.
    """
    dx, dy = (at.x() - start.x()) / rect.width(), (at.y() - start.y()) / rect.width()
    if matrix is not None and slit.follows:
        inverse = np.linalg.inv(np.asarray(matrix, np.float64).reshape(3, 3))[:2, :2]
        dx, dy = (float(v) for v in inverse @ (dx, dy))
    if part == "middle":
        return replace(slit, x=slit.x + dx, y=slit.y + dy)
    angle = math.radians(slit.angle)
    sign = 1.0 if part == "far" else -1.0
    x = sign * 0.5 * slit.length * math.cos(angle) + dx
    y = -sign * 0.5 * slit.length * math.sin(angle) + dy
    turned = math.degrees(math.atan2(-sign * y, sign * x))
    return replace(slit, angle=turned, length=2.0 * math.hypot(x, y))


def _paint_slit(p: QPainter, slit: Slit, matrix: Matrix | None, rect: QRectF, held: bool) -> None:
    """Paint the line and its handles over the picture."""
    positions = _handle_positions(slit, matrix, rect)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    for width, role, alpha in ((3.5, "canvas", 150), (1.5, "accent", 255)):
        p.setPen(QPen(color(role, alpha), width))
        p.drawLine(positions["far"], positions["near"])
    p.setPen(QPen(color("canvas", 200), 1.0))
    p.setBrush(color("accent" if held else "text"))
    for part in ("far", "near"):
        p.drawEllipse(positions[part], RADIUS_PX, RADIUS_PX)
    p.drawRoundedRect(QRectF(positions["middle"].x() - 3.5, positions["middle"].y() - 3.5, 7, 7), 1.5, 1.5)
    p.setBrush(Qt.BrushStyle.NoBrush)


class SlitTool(PassiveTool):
    """The line of the slit-scan over a picture. Signal: `moved(Slit)` while it is dragged."""

    undo_name = "Slit"
    moved = Signal(object)

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture)
        self.slit: Slit | None = None
        self._drag: tuple[Part, Slit, QPointF] | None = None  # part, slit and pointer position at its start

    def set_slit(self, slit: Slit | None) -> None:
        """Show a slit; None hides it."""
        if slit != self.slit:
            self.slit = slit
            self.picture.update()

    def _part(self, at: QPointF) -> Part | None:
        if self.slit is None or self.picture.image is None:
            return None
        return part_at(at, self.slit, self.picture.matrix, self.picture.picture_rect())

    def hit(self, at: QPointF) -> bool:
        """Return whether the line or one of its ends is near a point."""
        return self._part(at) is not None

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return the cursor for moving in all directions."""
        return Qt.CursorShape.SizeAllCursor

    def press(self, at: QPointF) -> None:
        """Start to drag the part under the pointer."""
        part = self._part(at)
        if part is not None and self.slit is not None:
            self._drag = (part, self.slit, at)

    def move(self, at: QPointF) -> None:
        """Drag the pressed part."""
        if self._drag is not None:
            part, slit, start = self._drag
            self.moved.emit(drag_slit(slit, part, start, at, self.picture.matrix, self.picture.picture_rect()))

    def release(self) -> None:
        """End the drag."""
        self._drag = None

    def paint(self, p: QPainter) -> None:
        """Paint the line while there is a picture."""
        if self.slit is not None and self.picture.image is not None:
            rect = self.picture.picture_rect()
            _paint_slit(p, self.slit, self.picture.matrix, rect, self._drag is not None)
