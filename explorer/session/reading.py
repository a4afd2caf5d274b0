"""Reading: files are read in a thread beside the window, so that a drive that hangs holds up nothing else."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from explorer.errors import CancelledError, LatentwalkError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reading"]

log = logging.getLogger("explorer.session")

SLOW_MS = 1000


class Reading(QObject):
    """One thing is read at a time; what is begun later takes its place. GUI thread only.

    Signals: `slow(words)` when something has taken a second, `ended()` when nothing is read any more.
    """

    slow = Signal(str)
    ended = Signal()
    _said = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words = ""
        self._job: _Job | None = None
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.timeout.connect(self._on_slow)
        self._said.connect(self._on_said, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """True while something is read."""
        return self._job is not None

    def start(
        self,
        words: str,
        work: Callable[[Callable[[], bool]], Any],
        then: Callable[[Any], object],
        failed: Callable[[LatentwalkError], object],
    ) -> None:
        """Begin to read.

        Args:
            words: What is read, for people who wait.
            work: Reads, in a thread; it polls the function that it is given, which turns True when nobody waits any
                more. It must know no widget.
            then: Called with the result, in the GUI thread.
            failed: Called with the error instead.
        """
        self.cancel()
        self._words = words
        self._job = _Job(work, then, failed, self._said.emit)
        self._slow.start(SLOW_MS)

    @Slot()
    def cancel(self) -> None:
        """Wait no longer; what the thread still reads is for nobody."""
        if self._job is not None:
            self._job.is_cancelled.set()
            self._end()

    def close(self, timeout: float = 1.0) -> None:
        """End; a thread that a drive holds is left behind."""
        job = self._job
        self.cancel()
        if job is not None:
            job.thread.join(timeout)

    def _end(self) -> None:
        self._job = None
        self._slow.stop()
        self.ended.emit()

    @Slot()
    def _on_slow(self) -> None:
        self.slow.emit(self._words)

    @Slot(object, object, object)
    def _on_said(self, job: _Job, result: object, error: LatentwalkError | None) -> None:
        job.thread.join()
        if job is not self._job:
            return
        self._end()
        if error is None:
            job.then(result)
        else:
            job.failed(error)


class _Job:
    """One reading and its thread, which begins at once."""

    def __init__(
        self,
        work: Callable[[Callable[[], bool]], Any],
        then: Callable[[Any], object],
        failed: Callable[[LatentwalkError], object],
        say: Callable[[object, object, object], None],
    ) -> None:
        self.then, self.failed = then, failed
        self.is_cancelled = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(work, say), name="reading", daemon=True)
        self.thread.start()

    def _run(
        self, work: Callable[[Callable[[], bool]], Any], say: Callable[[object, object, object], None]
    ) -> None:
        result, error = None, None
        try:
            result = work(self.is_cancelled.is_set)
        except CancelledError:
            return
        except LatentwalkError as caught:
            error = caught.with_traceback(None)
        except Exception as caught:  # whatever a file makes its reader do, somebody waits for the end
            log.exception("reading failed")
            error = LatentwalkError(f"The file could not be read: {type(caught).__name__}: {caught}")
        if not self.is_cancelled.is_set():
            say(self, result, error)
