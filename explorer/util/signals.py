"""Ends commands cleanly on a signal: the first one unwinds the work, the second one ends at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Stopped", "ending_signals", "stopping"]


class Stopped(BaseException):
    """A signal requested the program to end. Not an `Exception`: only clean-up may catch it.

    Args:
        number: Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """The exit code that shells use for a program ended by this signal."""
        return 128 + self.number

    @property
    def name(self) -> str:
        """Display name of the signal."""
        return signal.Signals(self.number).name


def ending_signals() -> list[signal.Signals]:
    """Return the signals that end a program, except those ignored by its parent (`nohup`, `&`)."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Raise `Stopped` in the main thread on the block's first signal, and end the process on the second.

    The second may interrupt the clean-up of the first. That is safe, as kills are handled too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
