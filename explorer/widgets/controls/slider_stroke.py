"""The gesture that changes a slider: from a press, wheel tick or key until it ends or is cancelled."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from explorer.widgets.controls.gesture_timeout import GestureTimeout

__all__ = ["Stroke"]

_WHEEL_PAUSE_MS = 400  # wheel ticks closer than this belong to one stroke


class Stroke(QObject):
    """One stroke of a slider at a time, with the value before it.

    Signals: `began`, then `ended`, or `cancelled(value before)`.
    """

    began = Signal()
    ended = Signal()
    cancelled = Signal(float)

    def __init__(self, slider: QWidget) -> None:
        super().__init__(slider)
        self.is_running = False
        self.before = 0.0
        self._timeout = GestureTimeout(self, lambda watched, event: watched is slider)
        self._timeout.ended.connect(self.end)

    def begin(self, value: float) -> None:
        """Begin a stroke at a value, unless one is running."""
        if not self.is_running:
            self.is_running, self.before = True, value
            self.began.emit()

    def end(self) -> None:
        """End the stroke, if one is running."""
        if self.is_running:
            self._stop()
            self.ended.emit()

    def cancel(self) -> None:
        """End the stroke, and have the value before it restored."""
        self._stop()
        self.cancelled.emit(self.before)

    def await_tick(self) -> None:
        """End the stroke unless another wheel tick or key follows soon."""
        self._timeout.start(_WHEEL_PAUSE_MS)

    def await_double_click(self) -> None:
        """End the stroke unless a second click follows, which resets instead."""
        self._timeout.start(QApplication.doubleClickInterval())

    def end_waiting(self) -> None:
        """End the stroke if it is only waiting for further input."""
        self._timeout.end()

    def _stop(self) -> None:
        self._timeout.stop()
        self.is_running = False
