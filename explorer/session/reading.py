"""Reading of files in a thread, so that a drive that hangs does not block the window."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from explorer.errors import CancelledError, LatentwalkError
from explorer.util.control import Control

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reading"]

log = logging.getLogger("explorer.session")

SLOW_MS = 1000


class Reading(QObject):
    """Reads one thing at a time; a new reading replaces the current one. GUI thread only.

    Signals: `slow(text)` when a reading has taken a second, `ended()` when no reading is in progress any more.
    """

    slow = Signal(str)
    ended = Signal()
    _result = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._job: _Job | None = None
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.timeout.connect(self._on_slow)
        self._result.connect(self._on_result, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """True while a reading is in progress."""
        return self._job is not None

    def start(
        self,
        text: str,
        work: Callable[[Control], Any],
        then: Callable[[Any], object],
        failed: Callable[[LatentwalkError], object],
    ) -> None:
        """Start a reading.

        Args:
            text: Description of the reading, for the user.
            work: Reads in a thread, as long as its argument is not cancelled. It must not use widgets.
            then: Called with the result, in the GUI thread.
            failed: Called with the error instead.
        """
        self.cancel()
        self._text = text
        self._job = _Job(work, then, failed, self._result.emit)
        self._slow.start(SLOW_MS)

    @Slot()
    def cancel(self) -> None:
        """Cancel the reading; results that still arrive are ignored."""
        if self._job is not None:
            self._job.control.cancel()
            self._end()

    def close(self, timeout: float = 1.0) -> None:
        """End; a thread blocked by a drive is abandoned."""
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
        self.slow.emit(self._text)

    @Slot(object, object, object)
    def _on_result(self, job: _Job, result: object, error: LatentwalkError | None) -> None:
        job.thread.join()
        if job is not self._job:
            return
        self._end()
        if error is None:
            job.then(result)
        else:
            job.failed(error)


class _Job:
    """One reading and its thread, which starts immediately."""

    def __init__(
        self,
        work: Callable[[Control], Any],
        then: Callable[[Any], object],
        failed: Callable[[LatentwalkError], object],
        report: Callable[[object, object, object], None],
    ) -> None:
        self.then, self.failed = then, failed
        self.control = Control()
        self.thread = threading.Thread(target=self._run, args=(work, report), name="reading", daemon=True)
        self.thread.start()

    def _run(self, work: Callable[[Control], Any], report: Callable[[object, object, object], None]) -> None:
        result, error = None, None
        try:
            result = work(self.control)
        except CancelledError:
            return
        except LatentwalkError as caught:
            error = caught.with_traceback(None)
        except Exception as caught:  # whatever a file makes its reader raise, the caller must be told
            log.exception("reading failed")
            error = LatentwalkError(f"The file could not be read: {type(caught).__name__}: {caught}")
        if not self.control.is_cancelled:
            report(self, result, error)
