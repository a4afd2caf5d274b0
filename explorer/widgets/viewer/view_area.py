"""The middle of the window: one picture, two side by side, or two in one by a wipe or in turn; slit-scans below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.state import ExplorerState
from explorer.widgets.controls.theme import GRID
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.image_view import ImageView
from explorer.widgets.viewer.scan_row import ScanRow
from explorer.widgets.viewer.tour_bar import TourBar
from explorer.widgets.viewer.view_pane import ViewPane

if TYPE_CHECKING:
    from explorer.render.results import Frame
    from explorer.session import Session
    from explorer.session.lab import LabPicture

__all__ = ["ViewArea"]

FLICKER_MS = 350  # each picture's turn: slow enough to see both, quick enough to see what jumps
AVERAGES = {
    "neighbours": "mean of neighbours",
    "shifted": "mean of shifts, undone",
    "turned": "mean of turns, undone",
}


class ViewArea(QWidget):
    """All views under one camera, arranged as the state's layout says."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.camera = Camera(self)
        self.panes = [ViewPane(session, view, self.camera) for view in range(2)]
        self.scans = ScanRow(session)
        pictures = QHBoxLayout()
        pictures.setSpacing(GRID)
        for pane in self.panes:
            pictures.addWidget(pane, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.tour = TourBar(session)
        layout.addWidget(self.tour)
        layout.addLayout(pictures, 1)
        layout.addWidget(self.scans)
        self._turns = QTimer(self, interval=FLICKER_MS)
        self._turns.timeout.connect(self._take_turns)
        session.frame.connect(self._on_frame)
        session.lab.picture.connect(self._on_lab_picture)
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model_changed)
        self.arrange(session.state)
        for view in range(len(self.panes)):
            frame = session.last_frame(view)
            if frame is not None:
                self._on_frame(frame)

    def arrange(self, state: ExplorerState) -> None:
        """Show the panes of the layout, and the lab's line over them."""
        first, second = self.panes
        wiping, flickering = state.layout == "wipe", state.layout == "flicker"
        first.setVisible(state.layout != "b")
        second.setVisible(state.layout in ("b", "both"))
        first.image.pair.set_views(first.view, second.view)
        first.image.wipe.set_on(wiping)
        first.set_shared(wiping or flickering)
        first.image.flicker.set_on(flickering)
        first.image.wipe.set_split(state.lab.split)
        second.lay_cards_over(first.image if wiping or flickering else second.image)
        for pane in self.panes:
            pane.image.slit.set_slit(state.lab.slit if state.lab.scan else None)
        if flickering and not self._turns.isActive():
            self._turns.start()
        elif not flickering:
            self._turns.stop()
        if (wiping or flickering) and first.image.pair.other is None:
            first.image.pair.set_other(second.image.image)
        if not (wiping or flickering):
            first.image.pair.set_other(None)
        self._on_model_changed(1)

    def active_pane(self) -> ViewPane:
        """The pane of the active view."""
        return self.panes[self.session.active]

    def active_image(self) -> ImageView:
        """Where the active view's picture is seen: in a wipe and a flicker both are in A's place."""
        shared = self.session.state.layout in ("wipe", "flicker")
        return self.panes[0].image if shared else self.active_pane().image

    def is_dragging(self) -> bool:
        """Whether a hand is on a picture."""
        return any(pane.image.is_dragging for pane in self.panes)

    def _take_turns(self) -> None:
        flicker = self.panes[0].image.flicker
        flicker.set_on(True, not flicker.shows_other)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        pane = self.panes[frame.view]
        pane.show_frame(frame)
        if frame.view == 1 and self.session.state.layout in ("wipe", "flicker"):
            self.panes[0].image.set_other_frame(frame)

    @Slot(object)
    def _on_lab_picture(self, picture: LabPicture) -> None:
        pixels, state = picture.pixels, self.session.state
        image = None
        if pixels is not None:
            height, width = pixels.shape[:2]
            image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32).copy()
        words = f"{AVERAGES.get(state.lab.average, '')}   {picture.done} of {picture.total}"
        shared = picture.view == 1 and state.layout in ("wipe", "flicker")
        if image is None or not shared:  # what stood there before the layout changed goes, too
            self.panes[picture.view].image.average.show(image, words)
        if shared:
            frame = self.session.last_frame(1)
            if image is not None:
                self.panes[0].image.pair.set_other(image)
            elif frame is not None:
                self.panes[0].image.set_other_frame(frame)

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.layout != new.layout or old.lab != new.lab:
            self.arrange(new)

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if view == 1:
            facts = self.session.facts(1)
            self.panes[0].second_name.set_text(facts.name if facts else "no model")
            if facts is None:
                self.panes[0].image.pair.set_other(None)
