"""Pacing of motion: the next step follows once the last frame was painted, at most sixty times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Slot

from explorer.state.view_layout import is_paired

if TYPE_CHECKING:
    from explorer.session.clock import Clock
    from explorer.session.view_record import ViewRecord
    from explorer.state import ExplorerState

__all__ = ["FramePacer", "ready_views"]

STEP_MS = 1000 / 60


def ready_views(state: ExplorerState, moving: Mapping[int, ViewRecord]) -> tuple[int, ...]:
    """Return the views that have shown their last frame and may take the next step.

    Args:
        state: Determines which views must stay in sync: a slit-scan, a wipe, a flicker and a difference compare
            views in time, so either all of them are ready or none.
        moving: Records of the moving views, by number.
    """
    # A slit-scan uses only finished frames, not drafts.
    is_busy = {v: r.in_flight or (state.lab.scan and r.is_refining) for v, r in moving.items()}
    in_sync = state.lab.scan or is_paired(state)
    return () if in_sync and any(is_busy.values()) else tuple(v for v, busy in is_busy.items() if not busy)


class FramePacer(QObject):
    """Steps moving views while the clock plays, as soon as they are ready.

    Args:
        parent: Owner.
        clock: Provides the time of each step.
        ready: Returns the moving views that have shown their last frame.
        step: Moves these views to a common time in seconds.
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
        """True while the state is changed by motion and not by the user."""
        return self._moment is not None

    @property
    def now(self) -> float:
        """The time to show: the clock's, read once per step."""
        return self._clock.now() if self._moment is None else self._moment

    @contextmanager
    def tick(self) -> Iterator[float]:
        """Use one time for everything inside, and mark changes as motion, not user input."""
        self._moment = self._clock.now()
        try:
            yield self._moment
        finally:
            self._moment = None

    def schedule(self) -> None:
        """Schedule the next step if any view is ready for it."""
        if self._clock.is_playing and not self._timer.isActive() and self._ready():
            wait_ms = STEP_MS - 1e3 * (perf_counter() - self._last)
            self._timer.start(max(0, round(wait_ms)))

    @Slot()
    def step(self) -> None:
        """Step every view that is ready."""
        views = self._ready() if self._clock.is_playing else ()
        if not views:
            return
        self._last = perf_counter()
        with self.tick() as now:
            self._step(now, views)
        # The first step of a drift has zero length: nothing is rendered, so no paint would trigger the next step.
        self.schedule()

    def stop(self) -> None:
        """Cancel the scheduled step."""
        self._timer.stop()
