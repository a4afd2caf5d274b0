"""JobRunner: the Qt interface of background jobs. One job at a time, in a thread of low priority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.errors import LatentwalkError
from explorer.jobs.executors import ThreadHandle
from explorer.util.revocable import RevocableCallback

if TYPE_CHECKING:
    from explorer.jobs.job import JobSpec, Report

__all__ = ["JobRunner"]


class JobRunner(QObject):
    """Runs jobs that open their models themselves. GUI thread only.

    Signals (delivered in the GUI thread): `reported(Report)` at most ten times a second; then one of
    `finished(value)`, with the last report's value, or `failed(error)`, also for a cancelled job
    (`CancelledError`). Nothing is emitted after `close`.
    """

    reported = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    _event = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._handle: ThreadHandle | None = None
        self._callback: RevocableCallback | None = None
        self._event.connect(self._on_event, Qt.ConnectionType.QueuedConnection)

    @property
    def is_running(self) -> bool:
        """True while a job is running or paused."""
        return self._handle is not None

    @property
    def is_paused(self) -> bool:
        """True while the job is paused."""
        return self._handle is not None and self._handle.is_paused

    def start(self, spec: JobSpec) -> None:
        """Start a job. Raises LatentwalkError if one is running."""
        if self._handle is not None:
            raise LatentwalkError("Another job is running.", "Wait for it, or cancel it.")
        emit = self._callback = RevocableCallback(self._event.emit)

        def on_report(report: Report[Any]) -> None:
            emit(report, None, None)

        def on_end(value: object, error: LatentwalkError | None) -> None:
            emit(None, value, error)

        self._handle = ThreadHandle(spec, on_report, on_end)

    def pause(self) -> None:
        """Pause before the next step."""
        if self._handle is not None:
            self._handle.pause()

    def resume(self) -> None:
        """Resume the job."""
        if self._handle is not None:
            self._handle.resume()

    def cancel(self) -> None:
        """Cancel before the next step."""
        if self._handle is not None:
            self._handle.cancel()

    def close(self, timeout: float = 10.0) -> bool:
        """Cancel and wait; return True if the thread has ended."""
        self.cancel()
        handle, self._handle = self._handle, None
        ended = handle is None or handle.join(timeout)
        if self._callback is not None:  # a thread that is still running must not emit after this object was deleted
            self._callback.revoke()
        return ended

    @Slot(object, object, object)
    def _on_event(self, report: Report[Any] | None, value: object, error: LatentwalkError | None) -> None:
        if self._handle is None:  # closed: ignore queued events
            return
        if report is not None:
            self.reported.emit(report)
            return
        self._handle.join()
        self._handle = None
        if error is not None:
            self.failed.emit(error)
        else:
            self.finished.emit(value)
