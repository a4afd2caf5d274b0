"""EvenSpeed: measures a timeline's pictures in the background, then retimes it so that they change evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.errors import LatentwalkError
from explorer.jobs.job import Report
from explorer.session.job_runner import JobRunner

if TYPE_CHECKING:
    from explorer.session.core import SessionCore
    from explorer.state import Timeline

__all__ = ["EvenSpeed"]


class EvenSpeed(QObject):
    """One measurement at a time. GUI thread only.

    Signals (delivered in the GUI thread): `progress(Report | None)`, with None at the end in any case;
    `made(Timeline)` after it was written, which it is not if the timeline was changed meanwhile.
    """

    progress = Signal(object)
    made = Signal(object)

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self._of: Timeline | None = None
        runner = self._runner = JobRunner(self, session)
        runner.reported.connect(self._on_report)
        runner.finished.connect(self._on_finished)
        runner.failed.connect(self._on_failed)
        self.cancel, self.close = runner.cancel, runner.close
        session.changed.connect(self._on_changed)

    @property
    def is_running(self) -> bool:
        """True while pictures are measured."""
        return self._runner.is_running

    def start(self) -> None:
        """Measure the current timeline, unless it has fewer than two keys or a measurement is running."""
        from explorer.animation.film_jobs import even_speed_spec

        state = self._session.state
        if self.is_running or len(state.timeline.keys) < 2:
            return
        try:
            spec = even_speed_spec(state, self._session.devices.settings, self._session.table)
        except LatentwalkError as error:
            self._session.status.emit(str(error))
            return
        self._of = self._session.store.base.timeline
        self._runner.start(spec)
        self.progress.emit(Report(self._of, 0, 1))

    @Slot()
    def _on_changed(self) -> None:
        if self.is_running and self._session.store.base.timeline is not self._of:
            self.cancel()  # the measurement is outdated

    @Slot(object)
    def _on_report(self, report: Report[Any]) -> None:
        if not self._session.is_closed:
            self.progress.emit(report)

    @Slot(object)
    def _on_failed(self, error: LatentwalkError) -> None:
        if self._session.is_closed:
            return
        self.progress.emit(None)
        is_same = self._session.store.base.timeline is self._of
        changed = "The timeline was changed meanwhile; even speed was not applied"
        self._session.status.emit(str(error) if is_same else changed)

    @Slot(object)
    def _on_finished(self, made: Timeline) -> None:
        if not self._session.is_closed:
            self.progress.emit(None)
            self.made.emit(made)
            self._session.status.emit("Keys retimed: the picture now changes at constant speed")
