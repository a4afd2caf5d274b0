"""The animation clock: time that can be paused, set, and controlled by tests."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

__all__ = ["Clock"]


class Clock:
    """Counts seconds while it plays. Motion is a function of `now()`, never a sum of steps.

    Args:
        timebase: Returns monotonic seconds.
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
        """True while the clock runs."""
        return self._started is not None

    def play(self) -> None:
        """Start or resume the clock."""
        if self._started is None:
            self._started = self._timebase()

    def pause(self) -> None:
        """Stop the clock at the current time."""
        self._offset, self._started = self.now(), None

    def seek(self, seconds: float) -> None:
        """Set the time, without starting or stopping the clock."""
        self._offset = seconds
        if self._started is not None:
            self._started = self._timebase()
