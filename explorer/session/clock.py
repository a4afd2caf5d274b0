"""The clock that animations read: time that can be paused, sought and driven by tests."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

__all__ = ["Clock"]


class Clock:
    """Seconds since it began, while it plays. Motion is a function of `now()`, never a sum of steps.

    Args:
        timebase: Gives seconds that only grow.
    """

    def __init__(self, timebase: Callable[[], float] = perf_counter) -> None:
        self._timebase = timebase
        self._offset = 0.0
        self._started: float | None = timebase()

    def now(self) -> float:
        """Return the time in seconds."""
        return self._offset + (self._timebase() - self._started if self._started is not None else 0.0)

    @property
    def is_playing(self) -> bool:
        """True while time passes."""
        return self._started is not None

    def play(self) -> None:
        """Let time pass on from where it stood."""
        if self._started is None:
            self._started = self._timebase()

    def pause(self) -> None:
        """Hold the time."""
        self._offset, self._started = self.now(), None

    def seek(self, seconds: float) -> None:
        """Set the time; playing or not stays as it is."""
        self._offset = seconds
        if self._started is not None:
            self._started = self._timebase()
