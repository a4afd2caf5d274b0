"""The middle of the window: one picture, two side by side, or two under a wipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from explorer.state import ExplorerState
from explorer.widgets.camera import Camera
from explorer.widgets.theme import GRID
from explorer.widgets.view_pane import ViewPane

if TYPE_CHECKING:
    from explorer.render.request import Frame
    from explorer.session import Session

__all__ = ["ViewArea"]


class ViewArea(QWidget):
    """All views under one camera, arranged as the state's layout says."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.camera = Camera(self)
        self.panes = [ViewPane(session, view, self.camera) for view in range(2)]
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        for pane in self.panes:
            layout.addWidget(pane, 1)
        session.frame.connect(self._on_frame)
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model_changed)
        self.arrange(session.store.state)
        for view in range(len(self.panes)):
            frame = session.last_frame(view)
            if frame is not None:
                self._on_frame(frame)

    def arrange(self, state: ExplorerState) -> None:
        """Show the panes of the layout."""
        first, second = self.panes
        wiping = state.layout == "wipe"
        first.setVisible(state.layout != "b")
        second.setVisible(state.layout in ("b", "both"))
        first.set_wiping(wiping)
        if wiping and first.image.other is None:
            first.image.set_other(second.image.image)
        if not wiping:
            first.image.set_other(None)
        self._on_model_changed(1)

    def visible_views(self) -> list[int]:
        """The numbers of the views on screen."""
        layout = self.session.store.state.layout
        return {"a": [0], "b": [1]}.get(layout, [0, 1])

    def active_pane(self) -> ViewPane:
        """The pane of the active view."""
        return self.panes[self.session.store.state.active]

    def is_dragging(self) -> bool:
        """Whether a hand is on a picture."""
        return any(pane.image.is_dragging for pane in self.panes)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        pane = self.panes[frame.view]
        pane.show_frame(frame)
        if frame.view == 1 and self.session.store.state.layout == "wipe":
            self.panes[0].image.set_other_frame(frame)

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.layout != new.layout:
            self.arrange(new)

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if view == 1:
            facts = self.session.facts(1)
            self.panes[0].second_name.set_text(facts.name if facts else "no model")
