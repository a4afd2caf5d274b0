"""The central area of the window: one picture, a grid, a wipe, a flicker or a difference, with slit-scans below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.state.view_layout import compared, is_differenced, is_overlaid, visible_views
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.difference_pane import DifferencePane
from explorer.widgets.viewer.scan_row import ScanRow
from explorer.widgets.viewer.tour_bar import TourBar
from explorer.widgets.viewer.view_grid import ViewGrid
from explorer.widgets.viewer.view_pane import ViewPane

if TYPE_CHECKING:
    from explorer.render.results import Frame
    from explorer.session import Session
    from explorer.session.lab import LabPicture
    from explorer.state import ExplorerState
    from explorer.widgets.viewer.image_view import ImageView

__all__ = ["ViewArea"]

FLICKER_MS = 350  # time per picture: slow enough to see both, fast enough to notice differences
AVERAGES = {
    "neighbours": "mean of neighbours",
    "shifted": "mean of translations, undone",
    "turned": "mean of rotations, undone",
}


class ViewArea(QWidget):
    """All views with one camera, arranged by the state's layout.

    Signals, of all pictures: `touched` at any press, `dragged(mode, dx, dy)`, `open_requested(view)` for a
    view without a model.
    """

    touched = Signal()
    dragged = Signal(str, float, float)
    open_requested = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        session.changed.connect(self._on_changed)  # before its children, which show existing views only
        self.camera = Camera(self)
        self.panes: list[ViewPane] = []
        self._spare: list[ViewPane] = []  # of removed views, the last one first
        self.grid = ViewGrid()
        self.difference = DifferencePane(session, self.camera)
        self.difference.setParent(self.grid)
        self.difference.image.touched.connect(self.touched)
        self.difference.image.dragged.connect(self.dragged)
        self.scans = ScanRow(session)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.tour = TourBar(session)
        layout.addWidget(self.tour)
        layout.addWidget(self.grid, 1)
        layout.addWidget(self.scans)
        self._turns = QTimer(self, interval=FLICKER_MS)
        self._turns.timeout.connect(self._take_turns)
        self.grid.arranged.connect(self.scans.set_columns)
        session.frame.connect(self._on_frame)
        session.lab.picture.connect(self._on_lab_picture)
        session.model_changed.connect(self._on_model_changed)
        self.arrange(session.state)
        for view in range(len(self.panes)):
            frame = session.last_frame(view)
            if frame is not None:
                self._on_frame(frame)

    def arrange(self, state: ExplorerState) -> None:
        """Show the panes of the layout, and the lab's line over them."""
        self._fit_panes(len(state.views))
        pair, shared = compared(state), is_overlaid(state)
        host = self.panes[pair[0]]
        for pane in self.panes:
            is_host = shared and pane is host
            pane.set_shared(pair[-1] if is_host else None)
            pane.image.wipe.set_on(is_host and state.layout == "wipe")
            pane.image.flicker.set_on(is_host and state.layout == "flicker")
            pane.image.slit.set_slit(state.lab.slit if state.lab.scan else None)
            pane.image.wipe.set_split(state.lab.split)
            if not is_host:
                pane.image.pair.set_other(None)
            is_over = shared and pane.view == pair[-1]
            pane.lay_cards_over(host.image if is_over else pane.image)
        if shared:
            self._show_other(pair)
        if shared and state.layout == "flicker" and not self._turns.isActive():
            self._turns.start()
        elif state.layout != "flicker":
            self._turns.stop()
        shown: list[QWidget] = [host] if shared else [self.panes[view] for view in visible_views(state)]
        if is_differenced(state):
            shown.append(self.difference)
        self.grid.set_shown(shown)
        self.scans.arrange(state)

    def _fit_panes(self, count: int) -> None:
        """Create panes for all views; panes of removed views are reused."""
        while len(self.panes) > count:
            pane = self.panes.pop()
            pane.clear()
            self._spare.append(pane)
        while len(self.panes) < count:
            if self._spare:
                pane = self._spare.pop()
                pane.begin()
            else:
                pane = self._make_pane(len(self.panes))
            self.panes.append(pane)
        for pane in self.panes:
            pane.set_alone(count == 1, is_removable=count > 2)

    def _make_pane(self, view: int) -> ViewPane:
        pane = ViewPane(self.session, view, self.camera)
        pane.setParent(self.grid)
        pane.image.touched.connect(self.touched)
        pane.image.dragged.connect(self.dragged)
        pane.empty.open_requested.connect(lambda: self.open_requested.emit(view))
        return pane

    def _show_other(self, pair: tuple[int, ...]) -> None:
        """Show the second picture of a wipe or flicker in the first one's pane, and name its model."""
        host, second = self.panes[pair[0]], self.panes[pair[1]]
        model_info = self.session.model_info(pair[1])
        host.second_name.set_text(model_info.name if model_info else "no model")
        average = self.session.lab.last_picture(pair[1])
        if model_info is None:
            host.image.pair.set_other(None)
        elif average is None or average.pixels is None:
            host.image.pair.set_other(second.image.image)

    def active_pane(self) -> ViewPane:
        """Return the pane of the active view."""
        return self.panes[self.session.active]

    def active_image(self) -> ImageView:
        """Return the widget that shows the active view: for wipe and flicker, that of the first view."""
        state = self.session.state
        return self.panes[compared(state)[0]].image if is_overlaid(state) else self.active_pane().image

    def is_dragging(self) -> bool:
        """Return whether a picture is being dragged."""
        return any(image.is_dragging for image in (*(pane.image for pane in self.panes), self.difference.image))

    def _host_of(self, view: int) -> ImageView | None:
        """Return the widget that shows a view as the second picture of a wipe or flicker, or None."""
        state = self.session.state
        pair = compared(state)
        return self.panes[pair[0]].image if is_overlaid(state) and view == pair[1] else None

    def _take_turns(self) -> None:
        flicker = self.active_image().flicker
        flicker.set_on(True, not flicker.shows_other)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        self.panes[frame.view].show_frame(frame)
        host = self._host_of(frame.view)
        if host is not None:
            host.set_other_frame(frame)

    @Slot(object)
    def _on_lab_picture(self, picture: LabPicture) -> None:
        pixels, state = picture.pixels, self.session.state
        image = None
        if pixels is not None:
            height, width = pixels.shape[:2]
            image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32).copy()
        text = f"{AVERAGES.get(state.lab.average, '')}   {picture.done} of {picture.total}"
        host = self._host_of(picture.view)
        if image is None or host is None:  # also clears what was shown there in a previous layout
            self.panes[picture.view].image.average.show(image, text)
        if host is not None:
            frame = self.session.last_frame(picture.view)
            if image is not None:
                host.pair.set_other(image)
            elif frame is not None:
                host.set_other_frame(frame)

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        seen_before, seen = (
            (len(state.views), state.layout, visible_views(state), state.lab) for state in (old, new)
        )
        if seen_before != seen:
            self.arrange(new)

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        state = self.session.state
        if self._host_of(view) is not None:
            pair = compared(state)
            model_info = self.session.model_info(view)
            self.panes[pair[0]].second_name.set_text(model_info.name if model_info else "no model")
            if model_info is None:
                self.panes[pair[0]].image.pair.set_other(None)
