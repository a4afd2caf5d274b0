"""A signal's `emit` for other threads, which can be shut before its object goes."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Voice"]


class Voice:
    """Calls a function until it is closed; any thread.

    A thread that emits a signal of an object while the GUI thread destroys that object crashes the process, and one
    that outlives its time limit would do so at any moment.
    """

    def __init__(self, say: Callable[..., object]) -> None:
        self._lock = threading.Lock()
        self._say: Callable[..., object] | None = say

    def __call__(self, *words: object) -> None:
        """Say something, or nothing if it was closed."""
        with self._lock:  # so that `close` cannot return between the check and the call
            if self._say is not None:
                self._say(*words)

    def close(self) -> None:
        """Say nothing any more; waits for what is being said."""
        with self._lock:
            self._say = None
