"""Dragging: points of a view's picture are dragged while every step is shown, kept, and can be gone back to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.dragging.job import as_direction, drag_spec
from explorer.dragging.problem import Drag, DragSettings, DragStep
from explorer.edits import Direction, Edit
from explorer.errors import LatentwalkError, RequestError
from explorer.jobs.registry import failure_of
from explorer.render.resolve import resolve_look
from explorer.state import Tap, look_of, with_look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.dragging.problem import Point
    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState, Look
    from explorer.state.request import RenderRequest
    from explorer.state.store import Change

__all__ = ["Dragging"]

UNDO_NAME = "Drag points"

KEY = "drag"
"""Of the job; there is one at a time."""


class Dragging(QObject):
    """The drag of one view. GUI thread only.

    While it lasts, its latest or chosen step is shown over the document; `keep` makes an edit and one undo step of
    it, `discard` leaves the picture as it was.
    """

    changed = Signal()  # the points, the steps, which one is shown, or whether it runs
    failed = Signal(object)  # LatentwalkError: the drag ended with it; its steps are kept

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        session.service.job_event.connect(self._on_job_event)
        session.model_changed.connect(self._on_model)
        session.changed.connect(self._on_changed)
        self._resets = session.store.resets
        self.view = 0
        self.is_editing = False  # whether presses on the picture set points
        self.handles: tuple[Point, ...] = ()
        self.targets: tuple[Point, ...] = ()
        self.mask: NDArray[np.bool_] | None = None
        self.settings = DragSettings()
        self.steps: tuple[DragStep, ...] = ()
        self.shown = 0
        self._base: NDArray[np.float32] | None = None
        self._is_single = self._is_paused = False

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """True while steps are made."""
        return self._session.service.has_job(KEY) and not self._is_paused

    @property
    def step(self) -> DragStep | None:
        """The step that is shown; None before the first."""
        return self.steps[self.shown] if self.steps else None

    # -- what is to be dragged -----------------------------------------------------------------------------

    def set_points(self, view: int, handles: tuple[Point, ...], targets: tuple[Point, ...]) -> None:
        """Set the points of a view, one target for each handle; a drag that has begun is discarded."""
        self.discard()
        self.view, self.handles, self.targets = view, handles, targets
        self.changed.emit()

    def set_editing(self, is_editing: bool, view: int) -> None:
        """Let presses on a view's picture set points, or not; those of another view are discarded."""
        if is_editing and view != self.view:
            self.set_points(view, (), ())
        self.is_editing = is_editing
        self.changed.emit()

    def set_mask(self, mask: NDArray[np.bool_] | None) -> None:
        """Set what may move, bool `[H, W]`; None: everything. It holds from the next start on."""
        self.mask = mask
        self.changed.emit()

    def set_settings(self, **fields: Any) -> None:
        """Change fields of the settings. They hold from the next start on."""
        self.settings = replace(self.settings, **fields)
        self.changed.emit()

    # -- running -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Go on, or start from the step that is shown; those behind it are dropped.

        Raises:
            LatentwalkError: No model is loaded, there is no point, or one lies outside the picture.
        """
        self._is_single = False
        self._go_on()

    def run_one(self) -> None:
        """Make one step. Raises as `run`."""
        self._is_single = True
        self._go_on()

    def pause(self) -> None:
        """Pause before the next step."""
        self._pause(True)
        self.changed.emit()

    def _pause(self, paused: bool) -> None:
        self._is_paused = paused
        self._session.service.pause_job(KEY, paused)

    def _go_on(self) -> None:
        is_last = self.shown >= len(self.steps) - 1
        if self._session.service.has_job(KEY) and is_last:
            self._pause(False)
        else:
            self._start()
        self.changed.emit()

    def _start(self) -> None:
        begun = self.step
        handles = self.handles if begun is None else tuple(h.position for h in begun.handles)
        what = Drag(handles, self.targets, self.mask, self.settings)
        request = self._request(begun)
        info = self._session.info(self.view)
        assert info is not None  # `_request` has asked for it
        what.check(info.img_size)
        self._is_paused = False
        self._base = None if begun is None else begun.offset
        self.steps = self.steps[: self.shown + 1]
        self._session.service.run_job(KEY, self.view, drag_spec(request, what))

    def _request(self, begun: DragStep | None) -> RenderRequest:
        model, session = self._session.model_info(self.view), self._session
        if model is None:
            raise RequestError("No model is loaded.", "Open a model first.")
        look = self._dragged(look_of(session.store.base, self.view), begun)
        settings = session.devices.settings
        return resolve_look(look, Tap(), model.info, model=model.key, settings=settings, table=session.table)

    # -- steps ---------------------------------------------------------------------------------------------

    def show(self, number: int) -> None:
        """Show a step; it pauses."""
        if self.steps:
            self._pause(True)
            self.shown = min(max(number, 0), len(self.steps) - 1)
            self._show()

    def keep(self) -> None:
        """Make an edit of the step that is shown, as one undo step, and begin anew from there."""
        step, change = self.step, self._change()
        if step is not None and change is not None:
            self._session.about_to_edit.emit()
            self._session.store.commit_live(self, change, UNDO_NAME)
            self.handles = tuple(handle.position for handle in step.handles)
        self._forget()

    def discard(self) -> None:
        """End the drag and show the picture without it."""
        self._forget()

    def _forget(self) -> None:
        self._session.service.end_job(KEY)
        self._session.store.end_live(self)
        self.steps, self.shown, self._base = (), 0, None
        self.changed.emit()

    def _show(self) -> None:
        change = self._change()
        if change is None:
            self._session.store.end_live(self)
        else:
            self._session.store.show_live(self, change)
        self.changed.emit()

    def _change(self) -> Change | None:
        """Return what writes the shown step into a state; None where it changes nothing."""
        step, view = self.step, self.view
        if step is None or not step.offset.any():
            return None

        def change(state: ExplorerState) -> ExplorerState:
            return with_look(state, view, edits=self._dragged(look_of(state, view), step).edits)

        return change

    def _dragged(self, look: Look, step: DragStep | None) -> Look:
        """Return a look with a step's change as its last edit."""
        model = self._session.model_info(self.view)
        direction = None if step is None else as_direction(step, model.sha256 if model is not None else "")
        if direction is None:
            return look
        edit = Edit(Direction(self._session.table.add(direction), name="drag"), 1.0)
        return replace(look, edits=(*look.edits, edit))

    # -- the job -------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        if event.key != KEY:
            return
        if event.report is not None:
            self._add(event.report.value)
        if event.error is not None:
            error = event.error
            self.failed.emit(error if isinstance(error, LatentwalkError) else failure_of("drag", error))
        if event.is_done:
            self.changed.emit()

    def _add(self, step: DragStep) -> None:
        if self._base is not None:
            if step.step == 0:
                return  # the step that it started from
            step = replace(step, offset=self._base + step.offset, step=len(self.steps))
        self.steps = (*self.steps, step)
        self.shown = len(self.steps) - 1
        if self._is_single and step.step > 0:
            self._pause(True)
        self._show()

    @Slot(object, object)
    def _on_changed(self, before: ExplorerState, after: ExplorerState) -> None:
        if self._session.store.resets != self._resets:  # another project
            self._resets = self._session.store.resets
            self.set_points(self.view, (), ())

    @Slot(int)
    def _on_model(self, view: int) -> None:
        if view == self.view:
            self.handles, self.targets, self.mask = (), (), None
            self.discard()
