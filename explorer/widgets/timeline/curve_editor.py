"""A popup in which the user draws the easing curve between two keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from explorer.animation.easing import ease
from explorer.state import Segment
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID, color

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.widgets.timeline.view import TimelineView

__all__ = ["CurveEditor"]

Points = tuple[tuple[float, float], ...]

PRESETS: tuple[tuple[str, str, Points], ...] = (
    ("arrow-up-right", "Even", ()),
    ("waves", "Slow, fast, slow", ((0.3, 0.08), (0.7, 0.92))),
    ("trend-up", "Late and quick", ((0.7, 0.12), (0.9, 0.5))),
    ("line-segments", "In two steps", ((0.3, 0.48), (0.7, 0.52))),
)


class _Field(QWidget):
    """The curve: time to the right, progress upwards. Click to add a point, drag to move, right-click to remove."""

    pressed = Signal()
    moved = Signal(object)  # points
    released = Signal()

    PAD = 10.0

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(220, 180)
        self.setAccessibleName("Ease curve")
        set_tip(self, "Click to add a point, drag to move it, right-click to remove it; both ends are fixed")
        self.segment = Segment(ease="curve")
        self._held: int | None = None

    def show_segment(self, segment: Segment) -> None:
        self.segment = segment
        self.update()

    def _to_pixel(self, point: tuple[float, float]) -> QPointF:
        w, h = self.width() - 2 * self.PAD, self.height() - 2 * self.PAD
        return QPointF(self.PAD + point[0] * w, self.height() - self.PAD - point[1] * h)

    def _point(self, at: QPointF) -> tuple[float, float]:
        w, h = self.width() - 2 * self.PAD, self.height() - 2 * self.PAD
        x, y = (at.x() - self.PAD) / w, (self.height() - self.PAD - at.y()) / h
        return min(max(x, 0.01), 0.99), min(max(y, 0.0), 1.0)

    def _near(self, at: QPointF) -> int | None:
        for i, point in enumerate(self.segment.curve):
            if (self._to_pixel(point) - at).manhattanLength() < 10:
                return i
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at, points = event.position(), self.segment.curve
        near = self._near(at)
        if event.button() == Qt.MouseButton.RightButton:
            if near is not None:
                self.pressed.emit()
                self.moved.emit(points[:near] + points[near + 1 :])
                self.released.emit()
            return
        self.pressed.emit()
        if near is None:
            made = self._point(at)
            points = tuple(sorted((*points, made)))
            near = points.index(made)
        self._held = near
        self.moved.emit(points)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            return
        points = list(self.segment.curve)
        x, y = self._point(event.position())
        low = points[self._held - 1][0] + 0.01 if self._held > 0 else 0.01
        high = points[self._held + 1][0] - 0.01 if self._held + 1 < len(points) else 0.99
        points[self._held] = (min(max(x, low), max(high, low)), y)
        self.moved.emit(tuple(points))

    def release(self) -> None:
        """End the drag of a point."""
        self._held = None

    def hideEvent(self, event: QHideEvent) -> None:
        # A hidden widget receives no release event: the stroke would never end.
        if self._held is not None:
            self.release()
            self.released.emit()
        super().hideEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self.release()
            self.released.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(color("border"), 1))
        p.setBrush(color("sunken"))
        p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        for k in range(1, 4):
            p.drawLine(self._to_pixel((k / 4, 0.0)), self._to_pixel((k / 4, 1.0)))
            p.drawLine(self._to_pixel((0.0, k / 4)), self._to_pixel((1.0, k / 4)))
        line = QPolygonF([self._to_pixel((k / 100, ease(self.segment, k / 100))) for k in range(101)])
        p.setPen(QPen(color("accent"), 2))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawPolyline(line)
        p.setBrush(color("text"))
        p.setPen(QPen(color("sunken"), 1))
        for point in self.segment.curve if self.segment.ease == "curve" else ():
            p.drawEllipse(self._to_pixel(point), 4.5, 4.5)
        p.end()


class CurveEditor(QFrame):
    """Edits the easing of the selected keys of a timeline view. Each drag is one undo step."""

    def __init__(self, session: Session, view: TimelineView) -> None:
        super().__init__(view, Qt.WindowType.Popup)
        self.setObjectName("card")
        self._session, self._view = session, view
        self.field = _Field()
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.addWidget(label("Progress over time", "muted"))
        column.addWidget(self.field)
        presets = [IconButton(name, tip, partial(self._set, points)) for name, tip, points in PRESETS]
        column.addWidget(row(*presets, None))
        self.field.pressed.connect(lambda: session.begin("Ease curve"))
        self.field.moved.connect(self._set)
        self.field.released.connect(session.commit)
        view.selected.connect(self._show)

    def open_at(self, at: QPoint) -> None:
        """Show the popup above a point on the screen."""
        self._show()
        self.adjustSize()
        self.move(at.x(), at.y() - self.height())
        self.show()

    def _set(self, points: Points) -> None:
        self._session.transport.keys.set_segments(self._view.chosen, ease="curve", curve=points)
        self._show()

    def _show(self) -> None:
        segment = self._view.first_segment()
        if segment is not None:
            self.field.show_segment(segment)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._session.store.in_stroke:
            self.field.release()
            self._session.cancel()
            self._show()
        else:
            super().keyPressEvent(event)
