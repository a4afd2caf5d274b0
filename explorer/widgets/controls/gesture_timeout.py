"""Timeout after a wheel tick, key or click, within which further ones belong to the same gesture."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QWindow
from shiboken6 import isValid

__all__ = ["GestureTimeout"]

_ACTIONS = frozenset(
    (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.Wheel, QEvent.Type.Shortcut, QEvent.Type.Drop)
)


class GestureTimeout(QObject):
    """Waits for a gesture to continue. Input elsewhere ends it at once, so that it becomes one undo step.

    Args:
        owner: The object that handles the gesture.
        continues: Whether an input event on an object belongs to the gesture.
    """

    ended = Signal()

    _running: ClassVar[GestureTimeout | None] = None

    def __init__(self, owner: QObject, continues: Callable[[QObject, QEvent], bool]) -> None:
        super().__init__(owner)
        self._continues = continues
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.end)

    @property
    def is_running(self) -> bool:
        """True while further input would belong to the gesture."""
        return GestureTimeout._running is self

    def start(self, ms: int) -> None:
        """Start or restart the timeout, in milliseconds."""
        if GestureTimeout._running is not self:
            GestureTimeout.finish_pending()
            GestureTimeout._running = self
            app = QCoreApplication.instance()
            assert app is not None
            app.installEventFilter(self)
        self._timer.start(ms)

    def stop(self) -> None:
        """Stop waiting, without emitting anything."""
        self._timer.stop()
        if GestureTimeout._running is self:
            GestureTimeout._running = None
            app = QCoreApplication.instance()
            if app is not None:
                app.removeEventFilter(self)

    def end(self) -> None:
        """End the gesture now if the timeout is running."""
        if self.is_running:
            self.stop()
            self.ended.emit()

    @classmethod
    def finish_pending(cls) -> None:
        """End the pending gesture of any owner."""
        if cls._running is not None and isValid(cls._running):  # its owner may be deleted
            cls._running.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A window receives every event before the target widget does.
        if event.type() in _ACTIONS and not isinstance(watched, QWindow) and not self._continues(watched, event):
            self.end()
        return False
