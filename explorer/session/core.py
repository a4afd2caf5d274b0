"""SessionCore: intents in, requests out, frames accepted; models, motion and pacing. GUI thread only."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.checkpoints import bundled
from explorer.errors import CostlyModelError, LatentwalkError
from explorer.generators.family import StartLook
from explorer.generators.registry import described
from explorer.latents.table import LatentTable
from explorer.render.resolve import resolve, resolve_look
from explorer.render.results import Frame, ModelInfo, RenderFailed
from explorer.session.clock import Clock
from explorer.session.device_choice import Devices
from explorer.session.drift import Drifts
from explorer.session.frame_pacer import FramePacer
from explorer.session.render_service import RenderService
from explorer.session.view_record import PerformanceFacts, ViewRecord
from explorer.state import ExplorerState, Look, Tap, Truncation, look_of, with_look
from explorer.state.request import RenderSettings
from explorer.state.store import StateStore
from explorer.state.transforms import is_moving

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import Thumbnail
    from explorer.state.request import RenderRequest

__all__ = ["SessionCore"]

log = logging.getLogger("explorer.session")

THUMBNAIL_PX = 96


class SessionCore(QObject):
    """The widgets' only interlocutor: holds the store, the clock and the latent table, drives the render service.

    Args:
        parent: Owner.
        state: To begin with.
        service: For tests; made here otherwise.
        clock: For tests.
    """

    changed = Signal(object, object)  # old, new ExplorerState
    frame = Signal(object)  # Frame, accepted
    failure = Signal(object)  # RenderFailed: over the picture of its view
    failure_cleared = Signal(int)  # view
    model_changed = Signal(int)  # view
    loading = Signal(object)  # (view, fraction 0..1, label); fraction None when it ended
    status = Signal(str)
    saved_changed = Signal(bool)
    about_to_edit = Signal()  # what came by itself, not a hand, will be an undo step
    motion_changed = Signal(bool)  # True: the clock of drifts and animations was let run
    thumbnail = Signal(object)  # Thumbnail

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        state: ExplorerState | None = None,
        service: RenderService | None = None,
        clock: Clock | None = None,
        settings: RenderSettings | None = None,
    ) -> None:
        super().__init__(parent)
        self.store = StateStore(state)
        self.clock = clock or Clock()
        self.table = LatentTable()
        self.service = service or RenderService(self)
        self.devices = Devices(self, self.service, settings)
        self._views: dict[int, ViewRecord] = {}
        self._drifts = Drifts()
        self.pace = FramePacer(self, self.clock, self._ready_views, self._move)
        self._closed = False
        self._was_saved = True
        self._connect()
        self._unsubscribe = self.store.subscribe(self._on_changed)

    def _connect(self) -> None:
        self.service.frame_ready.connect(self._on_frame)
        self.service.failed.connect(self._on_failed)
        self.service.thumbnail_ready.connect(self._on_thumbnail)
        self.service.model_loading.connect(self._on_loading)
        self.service.model_loaded.connect(self._on_loaded)
        self.service.model_failed.connect(self._on_model_failed)
        self.devices.changed.connect(self.refresh)
        self.devices.lost.connect(self.status)

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def state(self) -> ExplorerState:
        """The current state."""
        return self.store.state

    @property
    def active(self) -> int:
        """Number of the view that intents are for."""
        return self.store.state.active

    def look(self, view: int | None = None) -> Look:
        """The look of a view, the active one by default."""
        return look_of(self.store.state, self.active if view is None else view)

    def facts(self, view: int) -> ModelInfo | None:
        """What is known of the view's model; None while nothing is loaded."""
        return self.record(view).facts

    def digests(self) -> dict[str, str]:
        """SHA-256 of the loaded models by the names that the state gives them."""
        return {v.model: v.facts.sha256 for v in self._views.values() if v.model and v.facts is not None}

    def info(self, view: int) -> GeneratorInfo | None:
        """The limits of the view's network; None while nothing is loaded."""
        facts = self.record(view).facts
        return facts.info if facts else None

    def last_frame(self, view: int) -> Frame | None:
        """The frame that the view shows."""
        return self.record(view).frame

    def last_failure(self, view: int) -> RenderFailed | None:
        """The failure that lies over the view's picture, if any."""
        v = self.record(view)
        return v.failure or v.load_failure

    def is_refining(self, view: int) -> bool:
        """True while a newer or a finer picture than the shown one is on its way."""
        return self.record(view).is_refining

    def ws(self, view: int) -> NDArray[np.float32] | None:
        """The final `ws` `[num_ws, w_dim]` of the shown frame."""
        frame = self.record(view).frame
        return frame.facts.ws if frame else None

    def visible_views(self) -> tuple[int, ...]:
        """The views that the layout shows."""
        state = self.store.state
        one = {"a": 0, "b": 1}.get(state.layout)
        return tuple(range(len(state.views))) if one is None else (min(one, len(state.views) - 1),)

    def performance(self, view: int) -> PerformanceFacts:
        """Figures of the last second."""
        return self.record(view).performance(self.devices.settings, perf_counter())

    # -- changing ------------------------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Begins a gesture: what changes until `commit` is one undo step."""
        self.store.begin(name)

    def commit(self) -> None:
        """Ends the gesture."""
        self.store.commit()
        self.tell_saved()

    def cancel(self) -> None:
        """Ends the gesture and restores what was before it."""
        self.store.cancel()
        self.tell_saved()

    def undo(self) -> None:
        """One step back."""
        self.store.undo()

    def redo(self) -> None:
        """One step forward."""
        self.store.redo()

    def edit(self, name: str, **aspects: Any) -> None:
        """Changes aspects of the active view's look as one undo step called `name`."""
        self.store.update(with_look(self.store.state, self.active, **aspects), name)

    def edit_view(self, view: int, name: str, **fields: Any) -> None:
        """Changes fields of a view as one undo step called `name`."""
        self.store.update(self._with_view(view, **fields), name)

    def _with_view(self, view: int, **fields: Any) -> ExplorerState:
        state = self.store.state
        views = list(state.views)
        views[view] = replace(views[view], **fields)
        return replace(state, views=tuple(views))

    # -- models --------------------------------------------------------------------------------------------

    def set_model(self, view: int, name_or_path: str) -> None:
        """Loads a model into a view. The picture and the state stay as they are until it is there."""
        if name_or_path:
            self._load(view, name_or_path, is_by_user=True)
        else:
            self._drop_load(view)
            self.edit_view(view, "Close model", model="")

    def cancel_load(self, view: int) -> None:
        """Ends a view's loading; the model shown before stays."""
        v = self.record(view)
        if self._drop_load(view) and self.store.state.views[view].model != v.model:
            self.store.update_transient(self._with_view(view, model=v.model))

    def _drop_load(self, view: int) -> bool:
        """Ends a view's loading, whatever the state names; True if there was one."""
        was_loading = self.service.cancel_load(view)
        if was_loading:
            self._end_loading(view)
        return was_loading

    def load_costly(self, view: int) -> None:
        """Loads the model that was refused because one picture of it is more than this machine can do."""
        name, is_by_user = self.record(view).costly
        if name:
            self._load(view, name, is_by_user=is_by_user, allow_costly=True)

    def _load(self, view: int, name: str, *, is_by_user: bool = False, allow_costly: bool = False) -> None:
        v = self.record(view)
        v.loading, v.is_by_user, v.costly = name, is_by_user, ("", False)
        self.loading.emit((view, 0.0, name))
        # Only what was asked for is passed on, so that a stand-in need not know of it.
        allowed = {"allow_costly": True} if allow_costly else {}
        self.service.load_model(view, bundled.resolve(name), **allowed)

    def _end_loading(self, view: int) -> None:
        v = self.record(view)
        v.loading, v.is_by_user = "", False
        self.loading.emit((view, None, ""))

    @Slot(int, float, str)
    def _on_loading(self, view: int, fraction: float, label: str) -> None:
        if self._is_gone(view):
            return
        self.loading.emit((view, fraction, label))

    @Slot(int, object)
    def _on_loaded(self, view: int, facts: ModelInfo) -> None:
        if self._is_gone(view):
            return
        v = self.record(view)
        name, is_by_user = v.loading, v.is_by_user
        v.facts, v.model, v.request = facts, name, None
        self._end_loading(view)
        self.model_changed.emit(view)
        self._clear_failure(view)
        if is_by_user and self.store.state.views[view].model != name:
            self.about_to_edit.emit()
            self.store.update(self._with_model(view, name, facts.info.family), "Open model")
        self.post(view)

    def _with_model(self, view: int, name: str, family: str) -> ExplorerState:
        """The state with a model in a view; truncation that nobody chose becomes what the family starts with."""
        state, start = self._with_view(view, model=name), described(family).start
        if start == StartLook() or look_of(state, view).truncation != Truncation():
            return state
        return with_look(state, view, truncation=Truncation(start.psi, start.cutoff))

    @Slot(int, object)
    def _on_model_failed(self, view: int, error: LatentwalkError) -> None:
        if self._is_gone(view):
            return
        v = self.record(view)
        if isinstance(error, CostlyModelError):
            v.costly = v.loading, v.is_by_user
        self._end_loading(view)
        log.warning("view %d: %s", view, error)
        v.load_failure = RenderFailed(view, v.posted, error)
        self.failure.emit(v.load_failure)

    # -- requests and frames -------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Asks anew for every visible picture."""
        for view in self.visible_views():
            self.post(view)

    def post(self, view: int) -> None:
        """Resolves the state for a view and posts the request, if it differs from the last one."""
        v = self.record(view)
        if v.facts is None or self._closed or self.store.state.views[view].model != v.model:
            return
        try:
            request = self.resolve_view(view)
        except LatentwalkError as error:
            v.request = None
            # Without its traceback, whose frames would keep this session and the whole state.
            self._set_failure(view, RenderFailed(view, v.posted, error.with_traceback(None)))
            return
        if request == v.request:
            return
        v.note_post(request, self.service.request(view, request), perf_counter())

    def resolve_view(self, view: int) -> RenderRequest:
        """The request of a view as the state is now. Raises LatentwalkError."""
        facts = self.record(view).facts
        if facts is None:
            raise LatentwalkError("Nothing is loaded in this view.", "Open a model first.")
        return resolve(
            self.store.state,
            view,
            facts.info,
            self.pace.now,
            model=facts.key,
            settings=self.devices.settings,
            table=self.table,
        )

    def request_thumbnail(self, key: str, look: Look, view: int, max_px: int = THUMBNAIL_PX) -> None:
        """Asks for a picture of a look, `max_px` at most (0: as it is); it comes by the signal `thumbnail`."""
        facts = self.record(view).facts
        if facts is None or self._closed:
            return
        try:
            request = resolve_look(
                look, Tap(), facts.info, model=facts.key, settings=self.devices.settings, table=self.table
            )
        except LatentwalkError as error:
            log.info("no thumbnail %s: %s", key, error)
            return
        self.service.thumbnail(key, view, replace(request, max_px=max_px))

    def painted(self, view: int, generation: int) -> None:
        """Told by the picture widget after it painted a frame: measures latency, and keeps motion going."""
        if not self._is_gone(view):
            self.record(view).note_paint(generation, perf_counter())
        self.pace.schedule()

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        if self._closed or self._is_gone(frame.view):
            return
        v = self.record(frame.view)
        if not v.accept(frame):
            return
        if frame.generation == v.posted and v.request is not None:  # None: the request since then failed
            self._clear_failure(frame.view, of_load=self._is_past(frame, v.load_failure))
        self.frame.emit(frame)

    @Slot(object)
    def _on_failed(self, failed: RenderFailed) -> None:
        if self._closed or self._is_gone(failed.view):
            return
        v = self.record(failed.view)
        if failed.generation < v.posted:
            return
        v.settled = max(v.settled, failed.generation)
        self._set_failure(failed.view, failed)
        self.pace.schedule()

    @Slot(object)
    def _on_thumbnail(self, thumbnail: Thumbnail) -> None:
        self.thumbnail.emit(thumbnail)

    def _set_failure(self, view: int, failed: RenderFailed) -> None:
        self.record(view).failure = failed
        self.failure.emit(failed)

    def _is_past(self, frame: Frame, failure: RenderFailed | None) -> bool:
        """Whether the user went on since a model could not be loaded; pictures that move do not say."""
        return failure is not None and frame.generation > failure.generation and not self.is_moving(frame.view)

    def _clear_failure(self, view: int, *, of_load: bool = True) -> None:
        v = self.record(view)
        if of_load and v.load_failure is not None:
            v.failure = v.failure or v.load_failure
            v.load_failure = None
        if v.failure is not None:
            v.failure = None
            self.failure_cleared.emit(view)
            if v.load_failure is not None:
                self.failure.emit(v.load_failure)

    # -- motion --------------------------------------------------------------------------------------------

    def is_moving(self, view: int) -> bool:
        """True if a view's picture changes by itself while the clock plays."""
        look = self.look(view)
        return look.drift != 0.0 or is_moving(look.transform)

    @property
    def is_at_rest(self) -> bool:
        """True if no picture moves, is being made or waits for its model: time for what would make it stutter."""
        views = range(len(self.store.state.views))
        if any(self.service.is_loading(view) for view in views):
            return False
        if any(r.failure is None and (r.in_flight or r.is_refining) for r in self._views.values()):
            return False
        return not (self.clock.is_playing and any(self.is_moving(view) for view in self.visible_views()))

    def play(self) -> None:
        """Lets the clock of drifts and animations run."""
        self.clock.play()
        self.motion_changed.emit(True)
        self.pace.schedule()

    def pause(self) -> None:
        """Stops the clock; motion goes on from here when it plays again."""
        self.clock.pause()
        self.motion_changed.emit(False)

    def stop_drift(self, speed: float) -> None:
        """Stops a drift of that speed, which nobody asked for: undo does not bring it back."""

        def still(state: ExplorerState) -> ExplorerState:
            return replace(state, shared=replace(state.shared, drift=0.0)) if state.shared.drift == speed else state

        if self.store.state.shared.drift == speed:
            self.store.amend(still)

    def _ready_views(self) -> tuple[int, ...]:
        """The moving views that showed their last picture; where views keep step, all of them or none."""
        if self._closed:
            return ()
        moving = [v for v in self.visible_views() if self.is_moving(v) and self.record(v).facts is not None]
        # A draft is no picture to scan: there, the finished one is waited for.
        whole = self.store.state.lab.scan
        records = {v: self.record(v) for v in moving}
        ready = tuple(v for v, r in records.items() if not (r.in_flight or (whole and r.is_refining)))
        return () if self._keeps_step() and len(ready) < len(moving) else ready

    def _keeps_step(self) -> bool:
        """True if all moving views show the same moment: a slit-scan and a flicker compare them in time."""
        state = self.store.state
        return state.lab.scan or state.layout in ("wipe", "flicker")

    def _move(self, now: float, views: tuple[int, ...]) -> None:
        self.store.update_transient(self._drifts.advance(self.store.state, now))
        for view in views:
            self.post(view)

    # -- the store -----------------------------------------------------------------------------------------

    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.views != new.views:
            self._sync_models(old, new)
        self.changed.emit(old, new)
        for view in self.visible_views():
            if not (self.pace.is_stepping and self.record(view).in_flight):
                self.post(view)
        if not self.pace.is_stepping:
            self.pace.schedule()
            self.tell_saved()

    def _sync_models(self, old: ExplorerState | None, state: ExplorerState) -> None:
        """Loads what the state newly names and the views do not have: after undo, paste and opened projects.

        A view whose name is the old one is left alone: a model that was asked for may be on its way to it.
        """
        for gone in [i for i in self._views if i >= len(state.views)]:
            self.service.cancel_load(gone)
            self.service.forget_view(gone)
            del self._views[gone]
        for i, view in enumerate(state.views):
            v = self.record(i)
            if old is not None and i < len(old.views) and old.views[i].model == view.model:
                continue
            if view.model == v.model:
                if v.loading and not v.is_by_user:
                    self._drop_load(i)  # back before it came
            elif not view.model:
                self._drop_load(i)
                self.service.forget_view(i)
                v.clear()
                self._clear_failure(i)
                self.model_changed.emit(i)
            elif view.model != v.loading:
                self._load(i, view.model)

    def tell_saved(self) -> None:
        """Emits `saved_changed` if the state has become, or is no longer, what the project's file holds."""
        is_saved = self.store.is_saved()
        if is_saved != self._was_saved:
            self._was_saved = is_saved
            self.saved_changed.emit(is_saved)

    def _is_gone(self, view: int) -> bool:
        """True for a view that the state no longer has; what was under way for it may still arrive."""
        return view >= len(self.store.state.views)

    def record(self, view: int) -> ViewRecord:
        """What is remembered of a view; made when first asked for."""
        record = self._views.get(view)
        if record is None:
            record = self._views[view] = ViewRecord()
        return record

    def start(self) -> None:
        """Loads the models that the initial state names. Called once, when the window listens."""
        self._sync_models(None, self.store.state)

    @property
    def is_closed(self) -> bool:
        """True once it has ended; what still arrives is for nobody."""
        return self._closed

    def close(self) -> bool:
        """Ends everything; True if every thread has ended."""
        if self._closed:
            return True
        self._closed = True
        self.pace.stop()
        self._unsubscribe()
        return self.service.close()
