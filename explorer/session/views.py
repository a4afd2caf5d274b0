"""ViewIntents: one method per user action on the views; layout, pair and active view need no undo step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer.state import ASPECTS, Layout, look_of
from explorer.state.view_layout import (
    MAX_VIEWS,
    compared,
    is_paired,
    with_active,
    with_comparison,
    with_order,
    with_view_added,
)
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.session.core import SessionCore

__all__ = ["ViewIntents"]


class ViewIntents(QObject):
    """Changes to which views there are, how they are arranged, and what each of them shares. GUI thread only."""

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session, self._store = session, session.store

    def set_tap(self, view: int, **fields: Any) -> None:
        """Change which part of the network a view shows."""
        self._session.edit_view(view, "Layer", tap=replace(self._store.state.views[view].tap, **fields))

    def set_active(self, view: int) -> None:
        """Set the active view and make it visible; no undo step."""
        if 0 <= view < len(self._store.state.views):
            self._store.update_transient(with_active(self._store.state, view))

    def set_layout(self, name: Layout) -> None:
        """Choose the layout of the views; no undo step."""
        state = replace(self._store.state, layout=name)
        self._store.update_transient(with_active(state, state.active))

    def show(self, view: int) -> None:
        """Show a single view and make it active; no undo step."""
        if 0 <= view < len(self._store.state.views):
            self._store.update_transient(replace(self._store.state, layout="single", active=view))

    def set_pair(self, first: int, second: int) -> None:
        """Choose the two views that wipe and flicker compare; no undo step."""
        state = self._store.state
        if first != second and {first, second} <= set(range(len(state.views))):
            active = state.active if not is_paired(state) or state.active in (first, second) else first
            self._store.update_transient(replace(state, pair=(first, second), active=active))

    def add(self, model: str | None = None) -> None:
        """Add a view at the end, linked in all aspects, with the active view's model unless another is given."""
        state = self._store.state
        if len(state.views) < MAX_VIEWS:
            model = state.views[state.active].model if model is None else model
            self._store.update(with_view_added(state, model), "Add view")

    def compare_with(self, model: str, name: str) -> None:
        """Show a model beside the active view's, linked, and their difference, as one undo step called `name`.

        Raises:
            UsageError: There is no room for another view.
        """
        self._store.update(with_comparison(self._store.state, self._store.state.active, model), name)

    def remove(self, view: int | None = None) -> None:
        """Remove a view, by default the active one; later views move up. The last remaining view stays."""
        state = self._store.state
        view = state.active if view is None else view
        if len(state.views) > 1 and 0 <= view < len(state.views):
            self._reorder([i for i in range(len(state.views)) if i != view], f"Remove view {letter(view)}")

    def swap(self) -> None:
        """Swap the two views that a wipe compares."""
        state = self._store.state
        if len(state.views) > 1:
            first, second = compared(state)
            order = list(range(len(state.views)))
            order[first], order[second] = second, first
            self._reorder(order, f"Swap {letter(first)} and {letter(second)}")

    def _reorder(self, order: list[int], name: str) -> None:
        """Reorder the views, including models that are being loaded."""
        state = self._store.state
        records = {view: self._session.record(view) for view in range(len(state.views))}
        coming = {view: r.loading for view, r in records.items() if r.loading and r.load.is_by_user}
        for view in coming:
            self._session.models.cancel(view)
        self._store.update(with_order(state, order), name)
        for place, view in enumerate(order):
            if view in coming:
                self._session.models.request(place, coming[view])

    def set_link(self, view: int, aspect: str, is_linked: bool) -> None:
        """Link an aspect of a view to the shared look, whose value it takes, or unlink it, keeping its value."""
        if aspect not in ASPECTS:
            raise ValueError(f"no aspect of a look is called {aspect!r}")
        v, look = self._store.state.views[view], look_of(self._store.state, view)
        # A drift moves the latent, so both are linked and unlinked together.
        aspects = {"latent", "drift"} if aspect in ("latent", "drift") else {aspect}
        if is_linked:
            self._session.edit_view(view, "Link views", unlinked=v.unlinked - aspects)
        else:
            own = replace(v.own, **{name: getattr(look, name) for name in aspects})
            self._session.edit_view(view, "Unlink views", unlinked=v.unlinked | aspects, own=own)
