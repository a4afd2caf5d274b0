"""The difference of the two compared views, computed while the layout shows it."""

from __future__ import annotations

import statistics
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from explorer.render.comparison import Difference, difference_of, is_same_look
from explorer.render.results import Tier
from explorer.state.view_layout import compared, is_differenced
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.render.results import Frame
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState

__all__ = ["DifferenceOfViews"]

_RECENT = 9  # pictures: the first one after loading takes much longer than those that follow


class DifferenceOfViews(QObject):
    """Computes the difference anew whenever both views show the same look. GUI thread only.

    While the look changes, the frames of two views come at different times; a difference of two looks would say
    nothing, so the last one stays until both have caught up.

    Attributes:
        value: The difference, second view minus first; None if there is none.
        note: Why there is none; empty otherwise.
    """

    changed = Signal()

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self.value: Difference | None = None
        self.note = ""
        self._times: dict[int, deque[float]] = {}
        session.frame.connect(self._on_frame)
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        state = self._session.state
        if is_differenced(state) and frame.view in compared(state):
            if frame.tier is Tier.FULL:
                self._times.setdefault(frame.view, deque(maxlen=_RECENT)).append(frame.total_ms)
            self._update()

    def time_of(self, view: int) -> float | None:
        """Return the median time of a compared view's last pictures in ms; None before the first one."""
        times = self._times.get(view)
        return statistics.median(times) if times else None

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        was, now = ((is_differenced(s), compared(s), s.lab.difference) for s in (old, new))
        if was == now:
            return
        if was[:2] != now[:2]:
            frames = {view: self._session.last_frame(view) for view in compared(new)}
            self._times = {view: deque([f.total_ms], _RECENT) for view, f in frames.items() if f is not None}
        if is_differenced(new):
            self._update(at_once=True)
        else:
            self._show(None)

    @Slot(int)
    def _on_model(self, view: int) -> None:
        state = self._session.state
        self._times.pop(view, None)
        if is_differenced(state) and view in compared(state):
            self._show(None)

    def _update(self, *, at_once: bool = False) -> None:
        session = self._session
        first, second = compared(session.state)
        a, b = session.last_frame(first), session.last_frame(second)
        if a is None or b is None:
            self._show(None)
            return
        is_settled = not (session.is_refining(first) or session.is_refining(second))
        is_done = a.tier is Tier.FULL and b.tier is Tier.FULL
        if not (at_once or is_settled or (is_done and is_same_look(a, b))):
            return
        if a.pixels.shape != b.pixels.shape:
            if is_done:
                sizes = " and ".join(
                    f"{letter(view)} has {frame.width}\u00d7{frame.height} px"
                    for view, frame in ((first, a), (second, b))
                )
                self._show(None, f"{sizes}: pictures of different sizes cannot be subtracted")
            return
        self._show(difference_of(a, b, session.state.lab.difference))

    def _show(self, value: Difference | None, note: str = "") -> None:
        self.value, self.note = value, note
        self.changed.emit()
