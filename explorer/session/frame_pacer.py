"""Pacing: motion goes on when its last picture was painted, and no faster than sixty times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Slot

from explorer.session.clock import Clock

if TYPE_CHECKING:
    from explorer.session.view_record import ViewRecord
    from explorer.state import ExplorerState

__all__ = ["FramePacer", "ready_views"]

STEP_MS = 1000 / 60


def ready_views(state: ExplorerState, moving: Mapping[int, ViewRecord]) -> tuple[int, ...]:
    """Return the views that may take their next step, having shown their last picture.

    Args:
        state: Says which views must show the same moment: a slit-scan, a wipe and a flicker compare them in time,
            so all of their views are ready or none.
        moving: Records of the views that move, by number.
    """
    # A slit-scan takes finished pictures only, not drafts.
    is_busy = {v: r.in_flight or (state.lab.scan and r.is_refining) for v, r in moving.items()}
    in_sync = state.lab.scan or state.layout in ("wipe", "flicker")
    return () if in_sync and any(is_busy.values()) else tuple(v for v, busy in is_busy.items() if not busy)


class FramePacer(QObject):
    """Takes steps of motion while the clock plays and views wait for them.

    Args:
        parent: Owner.
        clock: Whose time the steps show.
        ready: The views that move and have shown their last picture.
        step: Moves them to a time in seconds, which for all of them is the same.
    """

    def __init__(
        self,
        parent: QObject,
        clock: Clock,
        ready: Callable[[], tuple[int, ...]],
        step: Callable[[float, tuple[int, ...]], None],
    ) -> None:
        super().__init__(parent)
        self._clock, self._ready, self._step = clock, ready, step
        self._moment: float | None = None
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.step)

    @property
    def is_stepping(self) -> bool:
        """True while the state moves by itself, not by a hand."""
        return self._moment is not None

    @property
    def now(self) -> float:
        """The time to show: the clock's, read once for a whole step."""
        return self._clock.now() if self._moment is None else self._moment

    @contextmanager
    def moment(self) -> Iterator[float]:
        """One moment for everything inside, which no hand has asked for."""
        self._moment = self._clock.now()
        try:
            yield self._moment
        finally:
            self._moment = None

    def schedule(self) -> None:
        """Take the next step as soon as it is due, if any view is ready for it."""
        if self._clock.is_playing and not self._timer.isActive() and self._ready():
            wait_ms = STEP_MS - 1e3 * (perf_counter() - self._last)
            self._timer.start(max(0, round(wait_ms)))

    @Slot()
    def step(self) -> None:
        """Move every view that is ready."""
        views = self._ready() if self._clock.is_playing else ()
        if not views:
            return
        self._last = perf_counter()
        with self.moment() as now:
            self._step(now, views)
        # A drift's first step is zero seconds long: it asks for nothing new, so no paint would bring the next one.
        self.schedule()

    def stop(self) -> None:
        """No step comes by itself any more, until one is scheduled."""
        self._timer.stop()
