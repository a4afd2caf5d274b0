"""Real mouse and key events for tests: what a hand does, not what a method does."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

__all__ = ["double_click", "drag", "press", "pull", "release"]

_NO_KEYS = Qt.KeyboardModifier.NoModifier


def _send(widget: QWidget, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, held: Qt.MouseButton,
          keys: Qt.KeyboardModifier) -> None:  # fmt: skip
    where = QPointF(widget.mapToGlobal(QPoint(round(at.x()), round(at.y()))))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, where, button, held, keys))


def press(widget: QWidget, at: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton,
          keys: Qt.KeyboardModifier = _NO_KEYS) -> None:  # fmt: skip
    """The button goes down."""
    _send(widget, QEvent.Type.MouseButtonPress, at, button, button, keys)


def pull(widget: QWidget, at: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton,
         keys: Qt.KeyboardModifier = _NO_KEYS) -> None:  # fmt: skip
    """The pointer moves with the button down."""
    _send(widget, QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, button, keys)


def release(widget: QWidget, at: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton,
            keys: Qt.KeyboardModifier = _NO_KEYS) -> None:  # fmt: skip
    """The button goes up."""
    _send(widget, QEvent.Type.MouseButtonRelease, at, button, Qt.MouseButton.NoButton, keys)


def drag(widget: QWidget, *points: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton,
         keys: Qt.KeyboardModifier = _NO_KEYS) -> None:  # fmt: skip
    """Down at the first point, along the others, up at the last."""
    press(widget, points[0], button, keys)
    for point in points[1:]:
        pull(widget, point, button, keys)
    release(widget, points[-1], button, keys)


def double_click(widget: QWidget, at: QPointF) -> None:
    """Two quick clicks: press, release, double press, release."""
    left = Qt.MouseButton.LeftButton
    press(widget, at)
    release(widget, at)
    _send(widget, QEvent.Type.MouseButtonDblClick, at, left, left, _NO_KEYS)
    release(widget, at)
