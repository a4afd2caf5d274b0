"""Pause: the moment after a tick of the wheel, a key or a click, in which more of the same is the same gesture."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QWindow
from shiboken6 import isValid

__all__ = ["Pause"]

_ACTIONS = frozenset(
    (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress, QEvent.Type.Wheel, QEvent.Type.Shortcut, QEvent.Type.Drop)
)


class Pause(QObject):
    """Waits for more of a gesture. An action elsewhere ends it at once, so that it is an undo step of its own.

    Args:
        owner: Whose gesture it is.
        goes_on: Whether an event of the hand, on an object, belongs to the gesture.
    """

    ended = Signal()

    _running: ClassVar[Pause | None] = None

    def __init__(self, owner: QObject, goes_on: Callable[[QObject, QEvent], bool]) -> None:
        super().__init__(owner)
        self._goes_on = goes_on
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.end)

    @property
    def is_running(self) -> bool:
        """True while more of the same would be the same gesture."""
        return Pause._running is self

    def start(self, ms: int) -> None:
        """Waits for so many milliseconds from now on."""
        if Pause._running is not self:
            Pause.settle()
            Pause._running = self
            app = QCoreApplication.instance()
            assert app is not None
            app.installEventFilter(self)
        self._timer.start(ms)

    def stop(self) -> None:
        """Waits no longer, and says nothing."""
        self._timer.stop()
        if Pause._running is self:
            Pause._running = None
            app = QCoreApplication.instance()
            if app is not None:
                app.removeEventFilter(self)

    def end(self) -> None:
        """Ends the gesture now, if it is waiting."""
        if self.is_running:
            self.stop()
            self.ended.emit()

    @classmethod
    def settle(cls) -> None:
        """Ends the gesture that waits, whosever it is."""
        if cls._running is not None and isValid(cls._running):  # its owner may be gone
            cls._running.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A window hears of everything before the widget does that it is for.
        if event.type() in _ACTIONS and not isinstance(watched, QWindow) and not self._goes_on(watched, event):
            self.end()
        return False
