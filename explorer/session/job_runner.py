"""JobRunner: the Qt interface of background jobs. One job at a time, beside the window or between its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.errors import LatentwalkError
from explorer.jobs.executors import ThreadHandle
from explorer.jobs.registry import control_of, failure_of
from explorer.session.job_edit import edit_of
from explorer.util.revocable import RevocableCallback

if TYPE_CHECKING:
    from explorer.jobs.executors import OnEnd
    from explorer.jobs.job import JobSpec, Report
    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.session.job_edit import JobEdit
    from explorer.session.render_service import RenderService

__all__ = ["JobRunner"]


class JobRunner(QObject):
    """Runs jobs: one with a request between the frames of the render thread, any other in a thread of its own.

    GUI thread only.

    A kind of job that commits writes the session's state: its values are shown live, and the last one becomes an
    undo step before `finished` is emitted. One that is cancelled or fails leaves what the user had and has changed
    meanwhile.

    Signals (delivered in the GUI thread): `reported(Report)` at most ten times a second; then one of
    `finished(value)`, with the last report's value, or `failed(error)`, also for a cancelled job
    (`CancelledError`). Nothing is emitted after `close`.

    Args:
        parent: Owner.
        session: Renders, and has the state that jobs may write; jobs with a request and kinds that commit need it.
    """

    reported = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    _event = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None, session: SessionCore | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._edit: JobEdit | None = None
        self._kind, self._is_cancelled = "", False
        self._handle: ThreadHandle | _RenderHandle | None = None
        self._callback: RevocableCallback | None = None
        self._event.connect(self._on_event, Qt.ConnectionType.QueuedConnection)
        if session is not None:
            session.service.job_event.connect(self._on_job_event)

    @property
    def is_running(self) -> bool:
        """True while a job is running or paused."""
        return self._handle is not None

    @property
    def is_paused(self) -> bool:
        """True while the job is paused."""
        return self._handle is not None and self._handle.is_paused

    def start(self, spec: JobSpec, view: int = 0) -> None:
        """Start a job, of a view if it has a request. Raises LatentwalkError if one is running."""
        if self._handle is not None:
            raise LatentwalkError("Another job is running.", "Wait for it, or cancel it.")
        self._kind, self._is_cancelled = spec.kind, False
        self._edit = edit_of(self._session, spec.kind)
        emit = self._callback = RevocableCallback(self._event.emit)

        def on_report(report: Report[Any]) -> None:
            emit(report, None, None)

        def on_end(value: object, error: LatentwalkError | None) -> None:
            emit(None, value, error)

        if spec.request is None:
            self._handle = ThreadHandle(spec, on_report, on_end)
        elif self._session is None:
            raise ValueError(f"the job {spec.kind!r} has a request and needs a session")
        else:
            self._handle = _RenderHandle(self._session.service, spec, view, on_end)

    def pause(self) -> None:
        """Pause before the next step."""
        if self._handle is not None:
            self._handle.pause()

    def resume(self) -> None:
        """Resume the job."""
        if self._handle is not None:
            self._handle.resume()

    def cancel(self) -> None:
        """Cancel before the next step. What the job has shown live is gone at once."""
        if self._handle is not None:
            self._is_cancelled = True
            if self._edit is not None:
                self._edit.discard()
            self._handle.cancel()

    def close(self, timeout: float = 10.0) -> bool:
        """Cancel and wait; return True if the thread has ended."""
        self.cancel()
        handle, self._handle = self._handle, None
        ended = handle is None or handle.join(timeout)
        if self._callback is not None:  # a thread that is still running must not emit after this object was deleted
            self._callback.revoke()
        return ended

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        if isinstance(self._handle, _RenderHandle) and event.key == self._handle.key:
            if event.report is not None:
                self._handle.last = event.report.value
                self._on_report(event.report)
            if event.is_done:
                self._on_event(None, self._handle.last, _explained(event.error, self._kind))

    @Slot(object, object, object)
    def _on_event(self, report: Report[Any] | None, value: object, error: LatentwalkError | None) -> None:
        if self._handle is None:  # closed: ignore queued events
            return
        if report is not None:
            self._on_report(report)
            return
        self._handle.join()
        self._handle = None
        edit, self._edit = self._edit, None
        if edit is not None:
            error = self._end_edit(edit, value, error)
        if error is not None:
            self.failed.emit(error)
        else:
            self.finished.emit(value)

    def _on_report(self, report: Report[Any]) -> None:
        if self._edit is not None and self._edit.is_outdated:
            self.cancel()
        if self._edit is not None and not self._is_cancelled:
            self._edit.show(report.value)
        self.reported.emit(report)

    def _end_edit(self, edit: JobEdit, value: object, error: LatentwalkError | None) -> LatentwalkError | None:
        """Commit or discard a job's edit; return the error that it ends with."""
        if error is None and (self._is_cancelled or edit.is_outdated):
            error = control_of(self._kind).error  # the job was done before it noticed
        if error is None:
            edit.commit(value)
        else:
            edit.discard()
        return error


class _RenderHandle:
    """A job between the frames of the render thread. GUI thread only."""

    def __init__(self, service: RenderService, spec: JobSpec, view: int, on_end: OnEnd) -> None:
        self._service, self._on_end, self._kind = service, on_end, spec.kind
        self.key = f"{spec.kind} {id(self)}"
        self.is_paused = False
        self.last: object = None
        service.run_job(self.key, view, spec)

    def pause(self) -> None:
        self.is_paused = True
        self._service.pause_job(self.key, True)

    def resume(self) -> None:
        self.is_paused = False
        self._service.pause_job(self.key, False)

    def cancel(self) -> None:
        if self._service.end_job(self.key):  # which says nothing more
            self._on_end(None, control_of(self._kind).error)

    def join(self, timeout: float | None = None) -> bool:
        return True  # the render thread goes on


def _explained(error: Exception | None, kind: str) -> LatentwalkError | None:
    """Return an error that the user can be shown."""
    if error is None or isinstance(error, LatentwalkError):
        return error
    return failure_of(kind, error)
