"""Motion of the pictures by themselves: drifts of the latent and animations of the transform, and their clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.session.drift import Drifts, without_drift
from explorer.session.frame_pacer import FramePacer, ready_views
from explorer.state import look_of
from explorer.state.transforms import is_moving
from explorer.state.view_layout import visible_views

if TYPE_CHECKING:
    from explorer.session.clock import Clock
    from explorer.session.view_record import ViewRecords
    from explorer.state.store import StateStore

__all__ = ["Motion"]


class Motion(QObject):
    """Moves the views' pictures while its clock plays. GUI thread only.

    Args:
        session: Owner.
        store: The state; drifts change its latents without undo steps.
        views: Records of the views.
        post: Requests the picture of a view as the state is now.
        clock: Time of drifts and animations.
    """

    changed = Signal(bool)  # whether the clock plays

    def __init__(
        self, session: QObject, store: StateStore, views: ViewRecords, post: Callable[[int], None], clock: Clock
    ) -> None:
        super().__init__(session)
        self.clock = clock
        self.pace = FramePacer(self, clock, self._ready_views, self._move)
        self._store, self._views, self._post = store, views, post
        self._drifts = Drifts()
        self._is_closed = False

    def is_moving(self, view: int) -> bool:
        """Return True if a view's picture changes by itself while the clock plays."""
        state = self._store.state
        seen: set[int] = set()
        while 0 <= view < len(state.views) and view not in seen:  # then its source, if that is another view
            look = look_of(state, view)
            if look.drift != 0.0 or is_moving(look.transform):
                return True
            seen.add(view)
            info = self._views[view].model_info
            view = look.source.view if info is not None and info.info.source_channels else -1
        return False

    def play(self) -> None:
        """Start the clock of drifts and animations."""
        self.clock.play()
        self.changed.emit(True)
        self.pace.schedule()

    def pause(self) -> None:
        """Stop the clock; motion continues from here when it plays again."""
        self.clock.pause()
        self.changed.emit(False)

    def stop_drift(self, speed: float) -> None:
        """Stop a drift of that speed that the user did not start: undo does not bring it back."""
        if self._store.state.shared.drift == speed:
            self._store.rewrite_history(partial(without_drift, speed=speed))

    def _ready_views(self) -> tuple[int, ...]:
        """Return the moving views that are ready for their next step."""
        if self._is_closed:
            return ()
        state = self._store.state
        shown = [v for v in visible_views(state) if self.is_moving(v) and self._views[v].model_info is not None]
        return ready_views(state, {v: self._views[v] for v in shown})

    def _move(self, now: float, views: tuple[int, ...]) -> None:
        self._store.update_transient(self._drifts.advance(self._store.state, now))
        for view in views:
            self._post(view)

    def close(self) -> None:
        """End all motion; nothing starts it again."""
        self._is_closed = True
        self.pace.stop()
