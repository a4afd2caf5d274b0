"""Two controls for the transform: a square pad for translation and a dial for rotation."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

from explorer.widgets.controls.gesture_timeout import GestureTimeout
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import color

__all__ = ["Dial", "MovePad"]


class _DragControl(QWidget):
    """A square control with strokes like a slider's: `pressed`, changes, then `released` or `cancelled`."""

    pressed = Signal()
    released = Signal()
    cancelled = Signal()
    reset_requested = Signal()

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._held = False
        self._pressed_at: QPointF | None = None  # position of the press until the pointer moves
        self._pause = GestureTimeout(self, lambda watched, event: watched is self)
        self._pause.ended.connect(self.released)
        self.setFixedSize(QSize(96, 96))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        set_tip(self, tip)
        self.setAccessibleName(tip.split(".")[0])

    def apply(self, at: QPointF) -> None:
        """Change the value to that at the pointer's position."""
        raise NotImplementedError

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._held:
            self._pause.end()
            self._held, self._pressed_at = True, event.position()
            self.pressed.emit()
            self.apply(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            if self._pressed_at is not None and (event.position() - self._pressed_at).manhattanLength() >= 3:
                self._pressed_at = None
            self.apply(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held and event.button() == Qt.MouseButton.LeftButton:
            self._held = False
            if self._pressed_at is None:
                self.released.emit()
            else:  # deferred: a second click resets instead
                self._pause.start(QApplication.doubleClickInterval())
            self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        self._pause.end()
        if self._held:  # a hidden widget receives no release event
            self._held = False
            self.released.emit()
        super().hideEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset_requested.emit()
        self._pause.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._held:
            self._held = False
            self.cancelled.emit()
            self.update()
        else:
            super().keyPressEvent(event)


class MovePad(_DragControl):
    """The picture's frame with a dot at its translated centre; `extent` image widths to each side."""

    moving = Signal(float, float)

    def __init__(self, extent: float = 0.5) -> None:
        super().__init__("Translation. Drag the dot; double-click: back to the centre")
        self.extent = extent
        self._at = (0.0, 0.0)

    def set_position(self, at: tuple[float, float]) -> None:
        """Show a translation in image widths."""
        if at != self._at:
            self._at = at
            self.update()

    def apply(self, at: QPointF) -> None:
        half = self.width() / 2 - 8
        limited = [min(1.0, max(-1.0, (v - self.width() / 2) / half)) * self.extent for v in (at.x(), at.y())]
        self._at = (limited[0], limited[1])
        self.update()
        self.moving.emit(*self._at)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        on = self.isEnabled()
        p.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        p.setBrush(color("sunken"))
        p.drawRoundedRect(box, 4, 4)
        mid, half = box.center(), self.width() / 2 - 8
        p.setPen(QPen(color("border"), 1))
        p.drawLine(QPointF(mid.x(), 8), QPointF(mid.x(), box.bottom() - 7))
        p.drawLine(QPointF(8, mid.y()), QPointF(box.right() - 7, mid.y()))
        x, y = (min(1.0, max(-1.0, v / self.extent)) * half for v in self._at)
        p.setBrush(color("accent" if on and self._at != (0.0, 0.0) else "muted" if on else "faint"))
        p.setPen(QPen(color("panel"), 1.5))
        p.drawEllipse(mid + QPointF(x, y), 6, 6)
        p.end()


class Dial(_DragControl):
    """A ring with a pointer at the angle of rotation, counter-clockwise as on screen."""

    moving = Signal(float)

    def __init__(self) -> None:
        super().__init__("Rotation. Drag around the ring (Shift: steps of 15\u00b0); double-click: upright")
        self._degrees = 0.0
        self._steps = False

    def set_degrees(self, degrees: float) -> None:
        """Show an angle in degrees."""
        if degrees != self._degrees:
            self._degrees = degrees
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._steps = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._steps = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        super().mouseMoveEvent(event)

    def apply(self, at: QPointF) -> None:
        offset = at - QRectF(self.rect()).center()
        if offset.manhattanLength() < 4:
            return  # the angle is undefined near the centre
        # The pointer is up at 0 degrees and turns left for positive angles, as the picture does.
        degrees = math.degrees(math.atan2(-offset.x(), -offset.y()))
        self._degrees = round(degrees / 15) * 15.0 if self._steps else degrees
        self.update()
        self.moving.emit(self._degrees)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isEnabled()
        ring = QRectF(self.rect()).adjusted(8, 8, -8, -8)
        p.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        p.setBrush(color("sunken"))
        p.drawEllipse(ring)
        mid, radius = ring.center(), ring.width() / 2
        p.setPen(QPen(color("border"), 1))
        for quarter in range(8):
            angle = math.radians(quarter * 45)
            out = QPointF(math.sin(angle), math.cos(angle))
            p.drawLine(mid + out * (radius - 4), mid + out * radius)
        turned = abs(self._degrees) > 1e-9
        if turned and on:
            p.setPen(QPen(color("accent"), 2))
            p.drawArc(ring, 90 * 16, int(self._degrees * 16))
        angle = math.radians(self._degrees)
        tip = mid + QPointF(-math.sin(angle), -math.cos(angle)) * radius
        p.setPen(QPen(color("muted" if on else "faint"), 1.5))
        p.drawLine(mid, tip)
        p.setBrush(color("accent" if on and turned else "muted" if on else "faint"))
        p.setPen(QPen(color("panel"), 1.5))
        p.drawEllipse(tip, 6, 6)
        p.end()
