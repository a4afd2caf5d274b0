"""End commands in order when a signal asks for it: the first one unwinds the work, the second one ends at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["Stopped", "ending_signals", "stopping"]


class Stopped(BaseException):
    """A signal asked the program to end. Not an `Exception`: nothing but clean-up may catch it.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell says of a program that this signal ended."""
        return 128 + self.number

    @property
    def name(self) -> str:
        """Of the signal, for people."""
        return signal.Signals(self.number).name


def ending_signals() -> list[signal.Signals]:
    """Return signals that ask a program to end, without those that whoever started it had ignored (`nohup`, `&`)."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Within this block the first signal raises `Stopped` in the main thread, and the second one ends the process.

    What the clean-up of the first is at may be lost then. That is safe: a kill is survived too.
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
