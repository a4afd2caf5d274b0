"""Loading of the views' models, requested by the user or named by a new state."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.checkpoints import bundled
from explorer.errors import CostlyModelError, LatentwalkError
from explorer.session.load_state import Action, reconcile
from explorer.util.report import Report

if TYPE_CHECKING:
    from explorer.render.results import ModelInfo
    from explorer.session.render_service import RenderService
    from explorer.session.view_record import ViewRecords
    from explorer.state import ExplorerState
    from explorer.state.store import StateStore

__all__ = ["ModelLoads", "with_view"]

log = logging.getLogger("explorer.session")


def with_view(state: ExplorerState, view: int, **fields: Any) -> ExplorerState:
    """Return the state with some fields of one view replaced."""
    views = list(state.views)
    views[view] = replace(views[view], **fields)
    return replace(state, views=tuple(views))


class ModelLoads(QObject):
    """Loads models so that views have those named by the state; used by the session. GUI thread only.

    Args:
        parent: Owner.
        store: The state store.
        service: Loads models in threads and renders with them.
        records: Records of the views.
    """

    progress = Signal(int, object)  # view, Report whose stage is the current step
    ended = Signal(int)  # view whose loading was completed, failed or was cancelled
    changed = Signal(int)  # view whose model was replaced or closed
    loaded = Signal(int, str, bool)  # view, name, whether the user requested it; after `changed`
    closing = Signal(int)  # view whose model is closed; before `changed`
    failed = Signal(int, object)  # view, LatentwalkError

    def __init__(self, parent: QObject, store: StateStore, service: RenderService, records: ViewRecords) -> None:
        super().__init__(parent)
        self._store, self._service, self._records = store, service, records
        service.model_loading.connect(self._on_progress)
        service.model_loaded.connect(self._on_loaded)
        service.model_failed.connect(self._on_failed)

    def request(self, view: int, name: str) -> None:
        """Load a model into a view for the user, or close the view's model if the name is empty.

        The picture and the state stay as they are until the model is loaded.
        """
        if name:
            self._load(view, name, is_by_user=True)
        else:
            self._cancel(view)
            self._store.update(with_view(self._store.state, view, model=""), "Close model")

    def cancel(self, view: int) -> None:
        """Cancel a view's loading; the model shown before stays."""
        name = self._records[view].model
        if self._cancel(view) and self._store.state.views[view].model != name:
            self._store.update_transient(with_view(self._store.state, view, model=name))

    def load_costly(self, view: int) -> None:
        """Load the model that was refused because a picture of it would exceed this machine's limits."""
        name, is_by_user = self._records[view].load.refused
        if name:
            self._load(view, name, is_by_user=is_by_user, allow_costly=True)

    def sync(self, old: ExplorerState | None, new: ExplorerState) -> None:
        """Load models that a new state names, after undo, paste and opening projects.

        Views with an unchanged name are skipped: a model requested by the user may be loading.
        """
        for removed in [view for view in self._records if view >= len(new.views)]:
            self._service.cancel_load(removed)
            self._service.forget_view(removed)
            del self._records[removed]
        for view, settings in enumerate(new.views):
            record = self._records[view]
            if old is None or view >= len(old.views) or old.views[view].model != settings.model:
                self._apply(reconcile(settings.model, record.load), view, settings.model)

    def _apply(self, action: Action, view: int, name: str) -> None:
        if action is Action.LOAD:
            self._load(view, name)
        elif action is Action.CANCEL:
            self._cancel(view)
        elif action is Action.CLOSE:
            self._cancel(view)
            self._service.forget_view(view)
            self._records[view].clear()
            self.closing.emit(view)
            self.changed.emit(view)

    def _load(self, view: int, name: str, *, is_by_user: bool = False, allow_costly: bool = False) -> None:
        record = self._records[view]
        record.load = record.load.request(name, is_by_user=is_by_user)
        self.progress.emit(view, Report(None, 0, 1, name))
        # Passed only if set, so that test doubles need not accept it.
        allowed = {"allow_costly": True} if allow_costly else {}
        self._service.load_model(view, bundled.resolve(name), **allowed)

    def _cancel(self, view: int) -> bool:
        """Cancel a view's loading, whatever the state names; return whether there was one."""
        was_loading = self._service.cancel_load(view)
        if was_loading:
            record = self._records[view]
            record.load = record.load.ended()
            self.ended.emit(view)
        return was_loading

    def _is_gone(self, view: int) -> bool:
        """Return True for a view that was removed from the state; its model may still arrive."""
        return view >= len(self._store.state.views)

    @Slot(int, object)
    def _on_progress(self, view: int, report: Report[None]) -> None:
        if not self._is_gone(view):
            self.progress.emit(view, report)

    @Slot(int, object)
    def _on_loaded(self, view: int, info: ModelInfo) -> None:
        if self._is_gone(view):
            return
        record = self._records[view]
        name, is_by_user = record.load.requested, record.load.is_by_user
        record.load, record.request = record.load.loaded(info), None
        self.ended.emit(view)
        self.changed.emit(view)
        self.loaded.emit(view, name, is_by_user)

    @Slot(int, object)
    def _on_failed(self, view: int, error: LatentwalkError) -> None:
        if self._is_gone(view):
            return
        record = self._records[view]
        record.load = record.load.refuse() if isinstance(error, CostlyModelError) else record.load.ended()
        self.ended.emit(view)
        log.warning("view %d: %s", view, error)
        self.failed.emit(view, error)
