"""EvenSpeed: measures a timeline's pictures beside the window, then paces it so that they change evenly."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.errors import CancelledError, LatentwalkError
from explorer.state import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.latents.table import LatentTable
    from explorer.render.request import RenderSettings
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState

__all__ = ["EvenSpeed", "Measured"]

log = logging.getLogger("explorer.session")


@dataclass(frozen=True, slots=True)
class Measured:
    """How much of a timeline has been looked at, 0..1, and how many seconds the rest will take."""

    share: float
    seconds_left: float


class EvenSpeed(QObject):
    """One measurement at a time, in a thread of low priority. GUI thread only.

    Signals (delivered in the GUI thread): `progress(Measured | None)`, None once it has ended, however it did;
    `made(Timeline)` unless the timeline was changed meanwhile.
    """

    progress = Signal(object)
    made = Signal(object)
    _said = Signal(object)

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._of: Timeline | None = None
        self._said.connect(self._on_said, Qt.ConnectionType.QueuedConnection)
        session.changed.connect(self._on_changed)

    @property
    def is_running(self) -> bool:
        """True while pictures are measured."""
        return self._thread is not None

    def start(self) -> None:
        """Measures the present timeline, unless it has fewer than two keys or one is being measured."""
        state, devices = self._session.state, self._session.devices
        if self.is_running or len(state.timeline.keys) < 2:
            return
        self._of = state.timeline
        self._cancelled.clear()
        work = _Work(state, devices.settings, self._session.table, self._cancelled, self._said.emit)
        self._thread = threading.Thread(target=work.run, name="even speed", daemon=True)
        self._thread.start()
        self.progress.emit(Measured(0.0, 0.0))

    def cancel(self) -> None:
        """Ends before the next picture; the timeline stays as it is."""
        self._cancelled.set()

    def close(self, timeout: float = 10.0) -> bool:
        """Cancels and waits; True if the thread has ended."""
        self.cancel()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout)
            return not thread.is_alive()
        return True

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self.is_running and new.timeline is not self._of:
            self.cancel()  # what is measured is of no use any more

    @Slot(object)
    def _on_said(self, said: Measured | Timeline | LatentwalkError) -> None:
        if self._session.is_closed or self._thread is None:
            return
        if isinstance(said, Measured):
            self.progress.emit(said)
            return
        self._thread.join()
        self._thread = None
        self.progress.emit(None)
        if self._session.state.timeline is not self._of:
            self._session.status.emit("The timeline was changed meanwhile; even speed was not applied")
        elif isinstance(said, LatentwalkError):
            self._session.status.emit(str(said))
        else:
            self._session.about_to_edit.emit()
            self.made.emit(said)
            self._session.status.emit("The picture changes evenly now")


@dataclass(frozen=True, slots=True)
class _Work:
    """What the thread does. It knows no widget and nobody who has one."""

    state: ExplorerState
    settings: RenderSettings
    table: LatentTable
    cancelled: threading.Event
    say: Callable[[object], None]

    def run(self) -> None:
        try:
            self.say(self._evened())
        except LatentwalkError as error:
            self.say(error.with_traceback(None))
        except Exception as error:  # whatever it is, somebody waits for the end
            log.exception("even speed failed")
            words = f"Even speed failed: {type(error).__name__}: {error}"
            self.say(LatentwalkError(words, "The timeline is as it was."))

    def _evened(self) -> Timeline:
        from explorer.animation.film import whole_film
        from explorer.animation.pace import evened
        from explorer.animation.recorder import lower_priority

        lower_priority(10)  # the preview goes first
        began = time.monotonic()

        def tell(done: int, total: int) -> None:
            if self.cancelled.is_set():
                raise CancelledError("Even speed was cancelled.", "The timeline is as it was.")
            left = (time.monotonic() - began) / done * (total - done)
            self.say(Measured(done / total, left))

        film = whole_film(self.state, layout="b" if self.state.active == 1 else "a")
        return evened(self.state, film, self.settings, self.table, tell).timeline
