"""Progress and cancellation of long work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Monitor"]


class Monitor:
    """Reports the progress of one job and stops it on request.

    Both callables run on the thread that does the work.

    Args:
        progress: Called with a fraction 0..1 of the whole job and a label of the current step.
        cancelled: Polled often; once it returns True the next `step` raises.
    """

    def __init__(
        self,
        progress: Callable[[float, str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._start, self._stop, self._label = 0.0, 1.0, ""

    def enter(self, start: float, stop: float, label: str) -> None:
        """Start a step that covers `start..stop` of the whole job."""
        self._start, self._stop, self._label = start, stop, label
        self.step(0.0)

    def step(self, fraction: float) -> None:
        """Report `fraction` 0..1 of the current step.

        Raises:
            CancelledError: The user cancelled.
        """
        if self._cancelled is not None and self._cancelled():
            raise CancelledError
        if self._progress is not None:
            done = self._start + (self._stop - self._start) * min(max(fraction, 0.0), 1.0)
            self._progress(done, self._label)
