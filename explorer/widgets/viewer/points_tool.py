"""Points to drag over the picture: a press sets one, and draws a line to where it should be; both can be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from explorer.widgets.controls.theme import color
from explorer.widgets.viewer.tools import PassiveTool, PictureView

if TYPE_CHECKING:
    from explorer.dragging.problem import HandleState, Point

__all__ = ["PointsTool"]

GRAB_PX = 9.0
RADIUS_PX = 4.5
MAX_POINTS = 16

Pairs = tuple[tuple["Point", ...], tuple["Point", ...]]


class PointsTool(PassiveTool):
    """Handles and targets over a picture.

    Signal: `chosen(handles, targets)` at the end of a drag, in pixels of the network's picture, (y, x).
    """

    chosen = Signal(object, object)

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture)
        self.is_active = False
        self._size = (0, 0)
        self._points: list[tuple[Point, Point]] = []
        self._states: tuple[HandleState, ...] = ()
        self._held: tuple[int, bool] | None = None  # number of the pair, and whether the target is held

    def show(
        self, size: tuple[int, int], pairs: Pairs, states: tuple[HandleState, ...], *, is_active: bool
    ) -> None:
        """Show points.

        Args:
            size: (height, width) of the network's picture.
            pairs: Handles and targets.
            states: Where the handles are by now; empty before the first step.
            is_active: Whether presses set points.
        """
        if self._held is None:
            self._points = list(zip(*pairs, strict=True))
        self._size, self._states, self.is_active = size, states, is_active
        self.picture.update()

    # -- places --------------------------------------------------------------------------------------------

    def _on_screen(self, point: Point) -> QPointF:
        rect, (height, width) = self.picture.picture_rect(), self._size
        x, y = (point[1] + 0.5) / width, (point[0] + 0.5) / height
        return rect.topLeft() + QPointF(x * rect.width(), y * rect.height())

    def _in_picture(self, at: QPointF) -> Point:
        rect, (height, width) = self.picture.picture_rect(), self._size
        y = (at.y() - rect.top()) / rect.height() * height - 0.5
        x = (at.x() - rect.left()) / rect.width() * width - 0.5
        return min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)

    def _near(self, at: QPointF) -> tuple[int, bool] | None:
        """Return the pair at a point of the widget, and whether it is its target; targets lie on top."""
        for is_target in (True, False):
            for number, pair in reversed(list(enumerate(self._points))):
                if (at - self._on_screen(pair[is_target])).manhattanLength() <= 1.4 * GRAB_PX:
                    return number, is_target
        return None

    # -- the pointer ---------------------------------------------------------------------------------------

    def hit(self, at: QPointF) -> bool:
        """Return whether the picture is under the pointer while points are set."""
        is_shown = self.is_active and self.picture.image is not None and min(self._size) > 0
        return is_shown and self.picture.picture_rect().contains(at)

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return a cross where a point would be set, and an arrow in all directions over one."""
        return Qt.CursorShape.CrossCursor if self._near(at) is None else Qt.CursorShape.SizeAllCursor

    def press(self, at: QPointF) -> None:
        """Hold the point under the pointer, or set one there and hold its target."""
        self._held = self._near(at)
        if self._held is None and len(self._points) < MAX_POINTS:
            point = self._in_picture(at)
            self._points.append((point, point))
            self._held = len(self._points) - 1, True
        self._states = ()
        self.picture.update()

    def move(self, at: QPointF) -> None:
        """Move what is held."""
        if self._held is not None:
            (number, is_target), place = self._held, self._in_picture(at)
            handle, target = self._points[number]
            self._points[number] = (handle, place) if is_target else (place, target)
            self.picture.update()

    def release(self) -> None:
        """Tell the points."""
        if self._held is not None:
            self._held = None
            self.chosen.emit(tuple(pair[0] for pair in self._points), tuple(pair[1] for pair in self._points))

    # -- painting ------------------------------------------------------------------------------------------

    def paint(self, p: QPainter) -> None:
        """Paint a line from each handle to its target; a lost handle is crossed out."""
        if self.picture.image is None or min(self._size) <= 0:
            return
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, (handle, target) in enumerate(self._points):
            state = self._states[number] if number < len(self._states) else None
            here, there = self._on_screen(handle if state is None else state.position), self._on_screen(target)
            for width, role, alpha in ((3.5, "canvas", 150), (1.5, "accent", 255)):
                p.setPen(QPen(color(role, alpha), width))
                p.drawLine(here, there)
            p.setPen(QPen(color("canvas", 200), 1.0))
            p.setBrush(color("accent"))
            p.drawEllipse(there, RADIUS_PX, RADIUS_PX)
            p.setBrush(color("text"))
            p.drawEllipse(here, RADIUS_PX, RADIUS_PX)
            p.setBrush(Qt.BrushStyle.NoBrush)
            if state is not None and state.state == "lost":
                reach = QPointF(RADIUS_PX + 2, RADIUS_PX + 2)
                p.setPen(QPen(color("accent"), 1.5))
                p.drawLine(here - reach, here + reach)
                p.drawLine(here - QPointF(reach.x(), -reach.y()), here + QPointF(reach.x(), -reach.y()))
