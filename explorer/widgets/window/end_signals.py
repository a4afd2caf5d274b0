"""Signals that ask a program with a window to end, brought into Qt's event loop. GUI thread only."""

from __future__ import annotations

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from explorer.util.signals import ending_signals

__all__ = ["EndSignals"]


class EndSignals(QObject):
    """Emits `asked` for the first signal; the second one ends the process at once, wherever it hangs.

    A handler in Python runs only when the interpreter is at work, which it is not while Qt waits. The number of a
    signal therefore goes through a socket that Qt watches.
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
        """Take the signals over. Main thread only."""
        self._before = {number: signal.signal(number, _note) for number in ending_signals()}
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def uninstall(self) -> None:
        """Give them back; safe to call twice."""
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
    """Let the next one end the process. The socket has the number already."""
    for each in ending_signals():
        signal.signal(each, signal.SIG_DFL)
