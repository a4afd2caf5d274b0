"""EvenSpeed: measures a timeline's pictures beside the window, then paces it so that they change evenly."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.errors import CancelledError
from explorer.session.background import Background
from explorer.util.revocable import RevocableCallback

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.latents.table import LatentTable
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState, Timeline
    from explorer.state.request import RenderSettings

__all__ = ["EvenSpeed", "Measured"]


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
    _said = Signal(str, object)

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self._cancelled = threading.Event()
        self._work: Background | None = None
        self._callback: RevocableCallback | None = None
        self._of: Timeline | None = None
        self._said.connect(self._on_said, Qt.ConnectionType.QueuedConnection)
        session.changed.connect(self._on_changed)

    @property
    def is_running(self) -> bool:
        """True while pictures are measured."""
        return self._work is not None

    def start(self) -> None:
        """Measures the present timeline, unless it has fewer than two keys or one is being measured."""
        state, devices = self._session.state, self._session.devices
        if self.is_running or len(state.timeline.keys) < 2:
            return
        self._of = state.timeline
        self._cancelled.clear()
        callback = self._callback = RevocableCallback(self._said.emit)
        work = _Work(state, devices.settings, self._session.table, self._cancelled, callback)
        self._work = Background("even speed", work.evened, callback, "The timeline is as it was.")
        self.progress.emit(Measured(0.0, 0.0))

    def cancel(self) -> None:
        """Ends before the next picture; the timeline stays as it is."""
        self._cancelled.set()

    def close(self, timeout: float = 10.0) -> bool:
        """Cancels and waits; True if the thread has ended."""
        self.cancel()
        work, self._work = self._work, None
        ended = work is None or work.join(timeout)
        if self._callback is not None:  # a thread that has not ended must not emit when this object is gone
            self._callback.revoke()
        return ended

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self.is_running and new.timeline is not self._of:
            self.cancel()  # what is measured is of no use any more

    @Slot(str, object)
    def _on_said(self, what: str, payload: object) -> None:
        if self._session.is_closed or self._work is None:
            return
        if what == "progress":
            self.progress.emit(payload)
            return
        self._work.join()
        self._work = None
        self.progress.emit(None)
        if self._session.state.timeline is not self._of:
            self._session.status.emit("The timeline was changed meanwhile; even speed was not applied")
        elif what == "failed":
            self._session.status.emit(str(payload))
        else:
            self._session.about_to_edit.emit()
            self.made.emit(payload)
            self._session.status.emit("Keys retimed: the picture now changes at constant speed")


@dataclass(frozen=True, slots=True)
class _Work:
    """What the thread does. It knows no widget and nobody who has one."""

    state: ExplorerState
    settings: RenderSettings
    table: LatentTable
    cancelled: threading.Event
    say: Callable[[str, object], object]

    def evened(self) -> Timeline:
        """The timeline with an even pace. Raises LatentwalkError."""
        from explorer.animation.compose import SINGLE
        from explorer.animation.film import whole_film
        from explorer.animation.pace import evened

        began = time.monotonic()

        def tell(done: int, total: int) -> None:
            if self.cancelled.is_set():
                raise CancelledError("Even speed was cancelled.", "The timeline is as it was.")
            left = (time.monotonic() - began) / done * (total - done)
            self.say("progress", Measured(done / total, left))

        film = whole_film(self.state, layout=SINGLE[self.state.active])
        return evened(self.state, film, self.settings, self.table, tell).timeline
