"""FilmService: the Qt face of the recorder. One film at a time, in a thread of low priority. GUI thread only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.errors import LatentwalkError
from explorer.session.background import Background
from explorer.util.revocable import RevocableCallback

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from explorer.animation.job import Job
    from explorer.animation.recorder import Progress, Recorder

__all__ = ["FilmService"]

TELL_EVERY_S = 0.1


class FilmService(QObject):
    """Renders films beside the window.

    Signals (delivered in the GUI thread): `progress(Progress)` at most ten times a second, `finished(path)`,
    `failed(error)`; a cancelled film fails with `CancelledError`.
    """

    progress = Signal(object)
    finished = Signal(str)
    failed = Signal(object)
    _said = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recorder: Recorder | None = None
        self._work: Background | None = None
        self._callback: RevocableCallback | None = None
        self._said.connect(self._on_said, Qt.ConnectionType.QueuedConnection)

    @property
    def is_running(self) -> bool:
        """True while a film is made."""
        return self._recorder is not None

    @property
    def is_paused(self) -> bool:
        """True while it holds."""
        return self._recorder is not None and self._recorder.control.is_paused

    def start(self, job: Job, *, overwrite: bool = False) -> None:
        """Begins a film, or goes on with an unfinished one of the same job. Raises FilmError or UsageError."""
        from explorer.animation.recorder import Recorder

        if self._recorder is not None:
            raise LatentwalkError("A film is being made already.", "Wait for it, or cancel it.")
        recorder = Recorder(job, overwrite=overwrite)
        self._recorder = recorder
        say = self._callback = RevocableCallback(self._said.emit)
        self._work = Background("the film", lambda: _render(recorder, say), say, "What is finished is kept.")

    def pause(self) -> None:
        """Holds before the next frame."""
        if self._recorder is not None:
            self._recorder.control.pause()

    def resume(self) -> None:
        """Goes on."""
        if self._recorder is not None:
            self._recorder.control.resume()

    def cancel(self) -> None:
        """Ends; what is finished is kept."""
        if self._recorder is not None:
            self._recorder.control.cancel()

    def close(self, timeout: float = 10.0) -> bool:
        """Cancels and waits; True if the thread has ended."""
        self.cancel()
        work, self._work = self._work, None
        ended = work is None or work.join(timeout)
        if self._callback is not None:  # a thread that has not ended must not emit when this object is gone
            self._callback.revoke()
        return ended

    @Slot(str, object)
    def _on_said(self, what: str, payload: object) -> None:
        if what == "progress":
            self.progress.emit(payload)
            return
        self._recorder = None
        if self._work is not None:
            self._work.join()
            self._work = None
        if what == "finished":
            self.finished.emit(str(payload))
        else:
            self.failed.emit(payload)


def _render(recorder: Recorder, say: Callable[[str, object], object]) -> Path:
    """Runs in the film's thread."""
    last = 0.0

    def tell(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.stage != "rendering" or now - last >= TELL_EVERY_S or progress.done == progress.total:
            last = now
            say("progress", progress)

    return recorder.run(tell)
