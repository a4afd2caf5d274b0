"""SessionCore turns user actions into render requests and delivers the frames. GUI thread only."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.assets.table import AssetTable
from explorer.errors import LatentwalkError
from explorer.render.resolve import live_request, resolve, resolve_look
from explorer.render.results import Frame, ModelInfo, RenderFailed
from explorer.session.clock import Clock
from explorer.session.device_choice import Devices
from explorer.session.model_loads import ModelLoads, with_view
from explorer.session.motion import Motion
from explorer.session.render_service import RenderService
from explorer.session.start_look import Opened, with_start
from explorer.session.view_record import PerformanceStats, ViewRecord, ViewRecords
from explorer.state import ExplorerState, Look, Source, Tap, look_of, with_look
from explorer.state.request import KeyedArray
from explorer.state.store import StateStore
from explorer.state.view_layout import visible_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.assets.picture import StoredPicture
    from explorer.generators.base import GeneratorInfo
    from explorer.state.request import RenderRequest, RenderSettings

__all__ = ["SessionCore"]

log = logging.getLogger("explorer.session")

THUMBNAIL_PX = 96


class SessionCore(QObject):
    """Own the state, drive the render service and deliver its frames: what the parts of a session build on.

    Parts: `store` (the state and its undo steps), `models` (loads the views' models), `devices` (device and
    precision), `motion` (drifts and animations, their clock), `table` (stored latents).

    Args:
        parent: Owner.
        state: Initial state.
        service: Render service; created by default, given by tests.
        clock: Clock; given by tests.
        settings: Initial device and precision.
        opened: Models that the user opened before there was a session, on the command line; `state` names them.
    """

    changed = Signal(object, object)  # ExplorerState before and after
    frame = Signal(object)  # Frame: newer or finer than the one shown
    failure = Signal(object)  # RenderFailed: to show over the picture of its view
    failure_cleared = Signal(int)  # view
    model_changed = Signal(int)  # view: it has another model, or none
    loading = Signal(int, object)  # view, Report of its model's loading
    loading_ended = Signal(int)  # view
    status = Signal(str)  # short message
    saved_changed = Signal(bool)  # whether the state is what the project's file holds
    about_to_edit = Signal()  # before a change that did not come from user input is recorded as an undo step
    thumbnail = Signal(object)  # Thumbnail

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        state: ExplorerState | None = None,
        service: RenderService | None = None,
        clock: Clock | None = None,
        settings: RenderSettings | None = None,
        opened: Sequence[str] = (),
    ) -> None:
        super().__init__(parent)
        self.store = StateStore(state)
        self.table = AssetTable()
        self.source_pictures: dict[int, StoredPicture] = {}  # of cameras, by view, instead of the state's source
        self.service = service or RenderService(self)
        self.devices = Devices(self, self.service, settings)
        self._views = ViewRecords()
        self.models = ModelLoads(self, self.store, self.service, self._views)
        self.motion = Motion(self, self.store, self._views, self.post, clock or Clock())
        self._opened = set(opened)  # until they are loaded
        self._closed = False
        self._was_saved = True
        self._connect()
        self._unsubscribe = self.store.subscribe(self._on_changed)

    def _connect(self) -> None:
        self.service.frame_ready.connect(self._on_frame)
        self.service.failed.connect(self._on_failed)
        self.service.thumbnail_ready.connect(self.thumbnail)
        self.models.progress.connect(self.loading)
        self.models.ended.connect(self.loading_ended)
        self.models.changed.connect(self.model_changed)
        self.models.loaded.connect(self._on_loaded)
        self.models.failed.connect(self._on_model_failed)
        self.models.closing.connect(self._clear_failure)
        self.devices.changed.connect(self.refresh)
        self.devices.lost.connect(self.status)

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def state(self) -> ExplorerState:
        """The current state."""
        return self.store.state

    @property
    def active(self) -> int:
        """Number of the active view."""
        return self.store.state.active

    def look_of(self, view: int | None = None) -> Look:
        """Return the look of a view, by default the active one."""
        return look_of(self.store.state, self.active if view is None else view)

    def model_info(self, view: int) -> ModelInfo | None:
        """Return metadata of the view's model; None while none is loaded."""
        return self.record(view).model_info

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of the loaded models by their names in the state."""
        return {v.model: v.model_info.sha256 for v in self._views.values() if v.model and v.model_info is not None}

    def info(self, view: int) -> GeneratorInfo | None:
        """Return the properties of the view's network; None while none is loaded."""
        model_info = self.record(view).model_info
        return model_info.info if model_info else None

    def last_frame(self, view: int) -> Frame | None:
        """Return the frame that the view shows."""
        return self.record(view).frame

    def last_failure(self, view: int) -> RenderFailed | None:
        """Return the failure shown over the view's picture, if any."""
        v = self.record(view)
        return v.failure or v.load_failure

    def is_refining(self, view: int) -> bool:
        """Return True while a newer or finer frame than the one shown is expected."""
        return self.record(view).is_refining

    def visible_views(self) -> tuple[int, ...]:
        """Return the views that the layout shows."""
        return visible_views(self.store.state)

    def performance(self, view: int) -> PerformanceStats:
        """Return a view's performance figures of the last second."""
        return self.record(view).performance(self.devices.settings, perf_counter())

    # -- changing ------------------------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Begin a gesture: all changes until `commit` are one undo step."""
        self.store.begin(name)

    def commit(self) -> None:
        """End the gesture."""
        self.store.commit()
        self.notify_saved()

    def cancel(self) -> None:
        """End the gesture and restore the previous state."""
        self.store.cancel()
        self.notify_saved()

    def undo(self) -> None:
        """Undo one step."""
        self.store.undo()

    def redo(self) -> None:
        """Redo one step."""
        self.store.redo()

    def edit(self, name: str, **aspects: Any) -> None:
        """Change aspects of the active view's look as one undo step called `name`."""
        self.store.update(with_look(self.store.state, self.active, **aspects), name)

    def edit_view(self, view: int, name: str, **fields: Any) -> None:
        """Change fields of a view as one undo step called `name`."""
        self.store.update(with_view(self.store.state, view, **fields), name)

    # -- models --------------------------------------------------------------------------------------------

    @Slot(int, str, bool)
    def _on_loaded(self, view: int, name: str, is_by_user: bool) -> None:
        self._clear_failure(view)
        info = self.info(view)
        family = info.family if info else ""
        if is_by_user and self.store.state.views[view].model != name:
            self.about_to_edit.emit()
            state = with_view(self.state, view, model=name)
            self.store.update(with_start(state, view, family), "Open model")
        elif name in self._opened and not self.store.resets:  # a project has its own truncation
            self._opened.remove(name)
            self.store.rewrite_history(Opened(view, name, family))  # the user asked for no more than the model
        self.post(view)
        for other in self.visible_views():
            if other != view and self.look_of(other).source.view == view:  # it may have waited for this model
                self.post(other)

    @Slot(int, object)
    def _on_model_failed(self, view: int, error: LatentwalkError) -> None:
        v = self.record(view)
        v.load_failure = RenderFailed(view, v.posted, error)
        self.failure.emit(v.load_failure)

    # -- requests and frames -------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Request every visible picture again."""
        for view in self.visible_views():
            self.post(view)

    def post(self, view: int) -> None:
        """Resolve the state for a view and post the request, if it differs from the last one."""
        v = self.record(view)
        if v.model_info is None or self._closed or self.store.state.views[view].model != v.model:
            return
        try:
            request = self.resolve_view(view)
        except LatentwalkError as error:
            v.request = None
            # Without its traceback, whose frames would keep this session and the whole state.
            self._set_failure(view, RenderFailed(view, v.posted, error.with_traceback(None)))
            return
        if request != v.request:
            v.note_post(request, self.service.request(view, request), perf_counter())

    def resolve_view(self, view: int) -> RenderRequest:
        """Return the request of a view as the state is now. Raises LatentwalkError."""
        model_info = self.record(view).model_info
        if model_info is None:
            raise LatentwalkError("No model is loaded in this view.", "Open a model first.")
        request = resolve(
            self.store.state,
            view,
            model_info.info,
            self.motion.pace.now,
            model=model_info.key,
            settings=self.devices.settings,
            table=self.table,
            others=self.model_info,
        )
        picture = self.source_pictures.get(view)
        if picture is None or not model_info.info.source_channels:
            return request
        return replace(request, source=KeyedArray(picture.digest, picture.array), live=None)

    def resolve_look(self, look: Look, view: int) -> RenderRequest:
        """Return the request of any look by a view's network: the picture, still. Raises LatentwalkError."""
        model_info = self.record(view).model_info
        if model_info is None:
            raise LatentwalkError("No model is loaded.", "Open a model first.")
        settings, info = self.devices.settings, model_info.info
        state = with_look(self.store.state, view, source=look.source)
        live = live_request(state, view, info, settings=settings, table=self.table, others=self.model_info)
        return resolve_look(look, Tap(), info, model=model_info.key, settings=settings, table=self.table, live=live)

    def request_thumbnail(self, key: str, look: Look, view: int, max_px: int = THUMBNAIL_PX) -> None:
        """Request a picture of a look, `max_px` at most (0: full size); the signal `thumbnail` delivers it.

        A look without a source has that of the view.
        """
        model_info = self.record(view).model_info
        if model_info is None or self._closed:
            return
        try:
            source = self.look_of(view).source if look.source == Source() else look.source
            request = self.resolve_look(replace(look, source=source), view)
        except LatentwalkError as error:
            log.info("no thumbnail %s: %s", key, error)
            return
        self.service.thumbnail(key, view, replace(request, max_px=max_px))

    def painted(self, view: int, generation: int) -> None:
        """Measure latency and keep motion going; called by the image widget after it painted a frame."""
        if not self._is_gone(view):
            self.record(view).note_paint(generation, perf_counter())
        self.motion.pace.schedule()

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        if self._closed or self._is_gone(frame.view) or not self.record(frame.view).accept(frame):
            return
        v = self.record(frame.view)
        if frame.generation == v.posted and v.request is not None:  # None: the request has failed since
            self._clear_failure(frame.view, of_load=self._is_past(frame, v.load_failure))
        self.frame.emit(frame)

    @Slot(object)
    def _on_failed(self, failed: RenderFailed) -> None:
        if self._closed or self._is_gone(failed.view):
            return
        v = self.record(failed.view)
        if failed.generation >= v.posted:
            v.settled = max(v.settled, failed.generation)
            self._set_failure(failed.view, failed)
            self.motion.pace.schedule()

    def _set_failure(self, view: int, failed: RenderFailed) -> None:
        self.record(view).failure = failed
        self.failure.emit(failed)

    def _is_past(self, frame: Frame, failure: RenderFailed | None) -> bool:
        """Return whether the user has made changes since loading a model failed; motion does not count."""
        return (
            failure is not None and frame.generation > failure.generation and not self.motion.is_moving(frame.view)
        )

    @Slot(int)
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

    @property
    def is_at_rest(self) -> bool:
        """True if no picture is moving, rendering or loading: a good time for work that would cause stutter."""
        views = range(len(self.store.state.views))
        if any(self.service.is_loading(view) for view in views):
            return False
        if any(r.failure is None and (r.in_flight or r.is_refining) for r in self._views.values()):
            return False
        return not (
            self.motion.clock.is_playing and any(self.motion.is_moving(view) for view in self.visible_views())
        )

    # -- the store -----------------------------------------------------------------------------------------

    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.views != new.views:
            self.models.sync(old, new)
        self.changed.emit(old, new)
        for view in self.visible_views():
            if not (self.motion.pace.is_stepping and self.record(view).in_flight):
                self.post(view)
        if not self.motion.pace.is_stepping:
            self.motion.pace.schedule()
            self.notify_saved()

    def notify_saved(self) -> None:
        """Emit `saved_changed` if the state has become, or is no longer, what the project's file holds."""
        is_saved = self.store.is_saved()
        if is_saved != self._was_saved:
            self._was_saved = is_saved
            self.saved_changed.emit(is_saved)

    def _is_gone(self, view: int) -> bool:
        """Return True for a view that was removed from the state; results for it may still arrive."""
        return view >= len(self.store.state.views)

    def record(self, view: int) -> ViewRecord:
        """Return the record of a view, created on first use."""
        return self._views[view]

    def start(self) -> None:
        """Load the models that the initial state names. Called once, when the window is connected."""
        self.models.sync(None, self.store.state)

    @property
    def is_closed(self) -> bool:
        """True once it is closed; later results are ignored."""
        return self._closed

    def close(self) -> bool:
        """Close everything; return True if every thread has ended."""
        if self._closed:
            return True
        self._closed = True
        self.motion.close()
        self._unsubscribe()
        return self.service.close()
