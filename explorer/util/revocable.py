"""A callback for other threads that can be revoked before the object it calls is destroyed."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["RevocableCallback"]


class RevocableCallback:
    """Calls a function from any thread, until it is revoked.

    A thread that emits a signal of an object while the GUI thread destroys it crashes the process; a thread that
    outlives its timeout could do so at any time.

    Args:
        callback: Usually the `emit` of a signal.
    """

    def __init__(self, callback: Callable[..., object]) -> None:
        self._lock = threading.Lock()
        self._callback: Callable[..., object] | None = callback

    def __call__(self, *arguments: object) -> None:
        """Call the function, or do nothing if it was revoked."""
        with self._lock:  # so that `revoke` cannot return between the check and the call
            if self._callback is not None:
                self._callback(*arguments)

    def revoke(self) -> None:
        """Stop calling the function; wait for a call in progress."""
        with self._lock:
            self._callback = None
