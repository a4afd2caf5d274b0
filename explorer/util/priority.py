"""Work in the background that makes way for what the user waits for."""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["lower_priority"]


def lower_priority(by: int) -> None:
    """Make this thread and those that it starts nicer to others; only Linux has niceness for single threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(nice + by, 19))
