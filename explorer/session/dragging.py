"""Dragging: points of a view's picture are dragged while every step is shown, kept, and can be gone back to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot

from explorer.animation.player import snapshot_of
from explorer.dragging.job import as_direction, drag_spec
from explorer.dragging.path import along
from explorer.dragging.problem import Drag, DragStep
from explorer.edits import Direction, Edit
from explorer.errors import LatentwalkError, RequestError, UsageError
from explorer.jobs.registry import failure_of
from explorer.session.drag_setup import DragSetupIntents
from explorer.state import look_of, with_look
from explorer.util.asset_ids import assets_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.dragging.path import Spacing
    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState, Look, Snapshot
    from explorer.state.request import RenderRequest
    from explorer.state.store import Change

__all__ = ["Dragging"]

UNDO_NAME = "Drag points"

KEYS_A_SECOND = 4
"""Keys of a path on the timeline."""

KEY = "drag"
"""Of the job; there is one at a time."""


class Dragging(DragSetupIntents):
    """The drag of one view. GUI thread only.

    While it lasts, its latest or chosen step is shown over the document; `keep` makes an edit and one undo step of
    it, `discard` leaves the picture as it was. A run from an earlier step begins another path: those before are
    kept until the drag ends.
    """

    failed = Signal(object)  # LatentwalkError: the drag ended with it; its steps are kept

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        session.service.job_event.connect(self._on_job_event)
        session.model_changed.connect(self._on_model)
        session.changed.connect(self._on_changed)
        self._resets = session.store.resets
        self.paths: tuple[tuple[DragStep, ...], ...] = ()
        self.path = self.shown = 0
        self._runs_on = 0  # the path that the job goes on with
        self._base: NDArray[np.float32] | None = None
        self._asked: Drag | None = None  # what the job was given
        self._is_single = self._is_paused = False
        self._on_timeline: frozenset[str] = frozenset()  # the directions of this drag that keys name
        self._follows = True  # whether the latest step is shown

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """True while steps are made."""
        return self._session.service.has_job(KEY) and not self._is_paused

    @property
    def steps(self) -> tuple[DragStep, ...]:
        """The steps of the path that is shown."""
        return self.paths[self.path] if self.paths else ()

    @property
    def step(self) -> DragStep | None:
        """The step that is shown; None before the first."""
        return self.steps[self.shown] if self.steps else None

    # -- running -------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Go on, or start from the step that is shown; from an earlier one this begins another path.

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
        self._follows = True
        is_last = self.path == self._runs_on and self.shown >= len(self.steps) - 1
        if self._session.service.has_job(KEY) and is_last and self._is_as_asked():
            self._pause(False)
        else:
            self._start()
        self.changed.emit()

    def _is_as_asked(self) -> bool:
        """Return whether mask and settings are those that the job was given."""
        return self._asked is not None and self._asked.mask is self.mask and self._asked.settings == self.settings

    def _start(self) -> None:
        begun = self.step
        handles = self.handles if begun is None else tuple(h.position for h in begun.handles)
        request = self._request(begun)
        what = Drag(handles, self.targets, self.mask, self.settings)
        info = self._session.info(self.view)
        assert info is not None  # `_request` has asked for it
        what.check(info.img_size)
        self._is_paused, self._asked = False, what
        self._base = None if begun is None else begun.offset
        if self.shown < len(self.steps) - 1:
            self.paths = (*self.paths, self.steps[: self.shown + 1])
            self.path = len(self.paths) - 1
        self._runs_on = self.path
        self._session.service.run_job(KEY, self.view, drag_spec(request, what))

    def _request(self, begun: DragStep | None) -> RenderRequest:
        session = self._session
        model = session.model_info(self.view) if self.view < len(session.state.views) else None
        if model is None:
            raise RequestError("No model is loaded.", "Open a model first.")
        look = self._dragged(look_of(session.store.base, self.view), begun)
        return session.resolve_look(look, self.view)

    # -- steps ---------------------------------------------------------------------------------------------

    def show(self, number: int) -> None:
        """Show a step; it pauses."""
        if self.steps:
            self._pause(True)
            self._follows = False
            self.shown = min(max(number, 0), len(self.steps) - 1)
            self._show()

    def show_path(self, number: int) -> None:
        """Show the last step of a path; it pauses."""
        if self.paths:
            self.path = min(max(number, 0), len(self.paths) - 1)
            self.show(len(self.steps) - 1)

    def poses(self, seconds: float, spacing: Spacing) -> list[Snapshot]:
        """Return states along the path from its first step to the one shown, for keys that are evenly spaced.

        Args:
            seconds: How long they will take, which decides how many there are.
            spacing: Whether they are equally far from each other in `ws`, or have equally many steps between.

        Raises:
            UsageError: The first step is shown: there is no path to it.
        """
        steps, view, base = self.steps[: self.shown + 1], self.view, self._session.store.base
        if len(steps) < 2:
            raise UsageError("There is no path to put on the timeline.", "Run the drag, and choose a later step.")
        count = min(max(round(KEYS_A_SECOND * seconds) + 1, 2), len(steps))
        look = look_of(base, view)
        looks = [self._dragged(look, replace(steps[-1], offset=offset)) for offset in along(steps, count, spacing)]
        made = {key for found in looks for key in assets_of(found.edits)}
        self._on_timeline |= made - assets_of(self._dragged(look, None).edits)
        return [snapshot_of(with_look(base, view, edits=found.edits)) for found in looks]

    def keep(self) -> None:
        """Make an edit of the step that is shown, as one undo step, and begin anew from there."""
        step, change, view = self.step, self._change(), self.view
        if step is not None and change is not None:
            handles = self._widths([handle.position for handle in step.handles], view)

            def kept(state: ExplorerState) -> ExplorerState:
                made = change(state)
                return replace(made, drag=replace(made.drag, handles=handles))

            self._session.about_to_edit.emit()
            self._session.store.commit_live(self, kept, UNDO_NAME)
        self.discard()

    def discard(self) -> None:
        """End the drag and show the picture without it."""
        self._session.service.end_job(KEY)
        self._session.store.end_live(self)
        self.paths, self.path, self.shown, self._base = (), 0, 0, None
        self._on_timeline = frozenset()
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
        """Return a look with a step's change as its last edit, instead of what keys on its path have made of it."""
        edits = tuple(edit for edit in look.edits if not self._on_timeline.intersection(assets_of(edit)))
        model = self._session.model_info(self.view)
        direction = None if step is None else as_direction(step, model.sha256 if model is not None else "")
        if direction is None:
            return replace(look, edits=edits)
        edit = Edit(Direction(self._session.table.add(direction), name="drag"), 1.0)
        return replace(look, edits=(*edits, edit))

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
        own = self.paths[self._runs_on] if self.paths else ()
        if self._base is not None:
            if step.step == 0:
                return  # the step that it started from
            step = replace(step, offset=self._base + step.offset, step=len(own))
        own = (*own, step)
        self.paths = (*self.paths[: self._runs_on], own, *self.paths[self._runs_on + 1 :])
        if self._is_single and step.step > 0:
            self._pause(True)
        if self.path == self._runs_on and self._follows:
            self.shown = len(own) - 1
        self._show()

    @Slot(object, object)
    def _on_changed(self, before: ExplorerState, after: ExplorerState) -> None:
        is_other = self._session.store.resets != self._resets  # another project
        if is_other:
            self._resets = self._session.store.resets
            self.editing, self.opened = "", ()
        old, new = before.drag, after.drag
        if is_other or (old.view, old.handles, old.targets) != (new.view, new.handles, new.targets):
            self.discard()
        elif old != new:
            self.changed.emit()

    @Slot(int)
    def _on_model(self, view: int) -> None:
        if view == self.view:
            self.discard()
