"""Pause, resume and cancel: the one way in which a job is held or ended, from any thread."""

from __future__ import annotations

import threading

from explorer.errors import CancelledError

__all__ = ["Control"]


class Control:
    """Pause, resume and cancel, from any thread.

    Args:
        message: Of the error that ends a cancelled job.
        hint: What is left, or how to go on.
    """

    def __init__(self, message: str = "Cancelled.", hint: str = "") -> None:
        self._message, self._hint = message, hint
        self._go = threading.Event()
        self._go.set()
        self._cancelled = False

    def pause(self) -> None:
        """Hold before the next step."""
        self._go.clear()

    def resume(self) -> None:
        """Go on."""
        self._go.set()

    def cancel(self) -> None:
        """End before the next step."""
        self._cancelled = True
        self._go.set()

    @property
    def is_paused(self) -> bool:
        """True while it holds."""
        return not self._go.is_set()

    @property
    def is_cancelled(self) -> bool:
        """True once it was cancelled."""
        return self._cancelled

    @property
    def error(self) -> CancelledError:
        """The error that ends a cancelled job."""
        return CancelledError(self._message, self._hint)

    def check(self) -> None:
        """Wait while paused. Raises CancelledError."""
        self._go.wait()
        if self._cancelled:
            raise self.error
