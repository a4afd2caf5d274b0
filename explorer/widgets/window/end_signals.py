"""Termination signals of the operating system, delivered in Qt's event loop. GUI thread only."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from explorer.util.signals import ending_signals

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["EndSignals"]


class EndSignals(QObject):
    """Emits `asked` for the first signal; a second one ends the process immediately, even if it hangs.

    A Python signal handler runs only while the interpreter executes bytecode, which it does not while Qt waits for
    events. The signal's number is therefore written to a socket that Qt watches.
    """

    asked = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self._before: dict[signal.Signals, object] = {}
        self._wakeup = -1

    def install(self) -> None:
        """Install the handlers. Main thread only."""
        self._before = {number: signal.signal(number, _note) for number in ending_signals()}
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def uninstall(self) -> None:
        """Restore the previous handlers; safe to call twice."""
        if not self._before:
            return
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what `signal.signal` gave
        self._before = {}
        self._notifier.setEnabled(False)
        self._reader.close()
        self._writer.close()

    def _read(self) -> None:
        try:
            numbers = self._reader.recv(64)
        except OSError:
            return
        for number in numbers:
            if number in self._before:
                self.asked.emit(number)


def _note(number: int, frame: FrameType | None) -> None:
    """Let the next signal end the process. The wake-up socket has received the number already."""
    for each in ending_signals():
        signal.signal(each, signal.SIG_DFL)
