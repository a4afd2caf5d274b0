"""FilmService: renders films in the background, one at a time. GUI thread only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from explorer.errors import LatentwalkError
from explorer.session.job_runner import JobRunner

if TYPE_CHECKING:
    from explorer.animation.job import FilmJob
    from explorer.animation.recorder import FilmPreview

__all__ = ["FilmService"]


class FilmService(QObject):
    """Renders films in the background.

    Signals (delivered in the GUI thread): `progress(Progress)` at most ten times a second, `finished(path)`,
    `failed(error)`; a cancelled film fails with `CancelledError`.
    """

    progress = Signal(object)
    finished = Signal(str)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        runner = self._runner = JobRunner(self)
        runner.reported.connect(self.progress)
        runner.failed.connect(self.failed)
        runner.finished.connect(self._on_finished)
        self.pause, self.resume, self.cancel, self.close = runner.pause, runner.resume, runner.cancel, runner.close

    @property
    def is_running(self) -> bool:
        """True while a film is being rendered."""
        return self._runner.is_running

    @property
    def is_paused(self) -> bool:
        """True while the film is paused."""
        return self._runner.is_paused

    def start(self, job: FilmJob, *, overwrite: bool = False) -> None:
        """Start a film, or resume an unfinished one of the same job. Raises FilmError or UsageError."""
        from explorer.animation.film_jobs import film_spec
        from explorer.animation.recorder import Recorder

        if self.is_running:
            raise LatentwalkError("A film is already being rendered.", "Wait for it, or cancel it.")
        Recorder(job, overwrite=overwrite)  # refuse an invalid film now, not in the thread
        self._runner.start(film_spec(job, overwrite=overwrite))

    @Slot(object)
    def _on_finished(self, last: FilmPreview) -> None:
        self.finished.emit(str(last.path))
