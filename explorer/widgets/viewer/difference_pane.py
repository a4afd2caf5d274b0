"""The pane of a difference: the two views it is between, its picture, its size, and the times of both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.state.view_layout import compared, is_differenced
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import ElidedLabel, Segments, label
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID, value_font
from explorer.widgets.viewer.image_view import ImageView
from explorer.widgets.viewer.pair_chip import PairChip

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import ExplorerState
    from explorer.widgets.viewer.camera import Camera

__all__ = ["DifferencePane"]

_MODES = (
    ("heat", "Heat", "How much the pictures differ: black where they are equal"),
    ("signed", "Signed", "The second picture minus the first, twice as strong: grey where they are equal"),
)


class DifferencePane(QWidget):
    """Shows `session.difference`; the picture walks, moves and turns like the others."""

    def __init__(self, session: Session, camera: Camera) -> None:
        super().__init__()
        self.session = session
        self.image = ImageView(0, camera)
        self.image.setAccessibleName("Difference")
        self.second, self.first = PairChip(session, 1, 1), PairChip(session, 0, 0)
        self.mode = Segments(_MODES)
        self.figures, self.times = ElidedLabel(), ElidedLabel()
        self._build()
        self.image.drag_started.connect(session.begin)
        self.image.dragged.connect(session.look.drag)
        self.image.drag_finished.connect(session.commit)
        self.image.drag_cancelled.connect(session.cancel)
        self.image.reset_requested.connect(self._on_reset)
        self.mode.chosen.connect(self._on_mode)
        session.difference.changed.connect(self._show)
        session.changed.connect(self._on_changed)
        session.frame.connect(self._show_times)
        self.show_state(session.state)
        self._show()

    def _build(self) -> None:
        self.times.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.setContentsMargins(GRID, 0, GRID // 2, 0)
        head.setSpacing(GRID)
        for widget in (self.second, label("\u2212"), self.first):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.mode)
        foot = QHBoxLayout()
        foot.setContentsMargins(GRID, 0, GRID, 0)
        foot.setSpacing(GRID)
        for widget, stretch in ((self.figures, 3), (self.times, 4)):
            widget.setFont(value_font(widget.font()))
            widget.setProperty("role", "muted")
            foot.addWidget(widget, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID // 2, 0, GRID // 2)
        layout.setSpacing(GRID // 4)
        layout.addLayout(head)
        layout.addSpacing(2)  # the line of the active view beside
        layout.addWidget(self.image, 1)
        layout.addLayout(foot)

    def show_state(self, state: ExplorerState) -> None:
        """Mark the two views, and let other ones be chosen if there are more."""
        self.mode.set_choice(state.lab.difference)
        if len(state.views) < 2:
            return
        for chip, view in zip((self.first, self.second), compared(state), strict=True):
            chip.set_view(view)
            chip.set_choosing(len(state.views) > 2)
        self._show_times()

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        was, now = ((s.layout, s.pair, s.lab.difference, s.views) for s in (old, new))
        if is_differenced(new) and was != now:
            self.show_state(new)

    @Slot()
    def _show(self) -> None:
        found = self.session.difference.value
        image = None
        if found is not None:
            height, width = found.pixels.shape[:2]
            stride = found.pixels.strides[0]
            image = QImage(found.pixels.data, width, height, stride, QImage.Format.Format_RGB32).copy()
        self.image.set_image(image)
        self.image.set_overlay(self.session.difference.note)
        if found is None:
            self.figures.set_text("")
            set_tip(self.figures, "")
            return
        level = "equal" if math.isinf(found.psnr) else f"{found.psnr:.1f} dB"
        self.figures.set_text(level if found.has_same_w else f"{level}, other w")
        same = "Both pictures are of the same w." if found.has_same_w else "The pictures are of different w."
        set_tip(self.figures, f"PSNR {level}, mean difference {found.mean:.2f} of 255 levels. {same}")

    @Slot()
    def _show_times(self, _: object = None) -> None:
        """Show the time of each picture, and how many times as long one takes."""
        state = self.session.state
        if not is_differenced(state):
            return
        found = [(view, self.session.difference.time_of(view)) for view in compared(state)]
        times = [(view, ms) for view, ms in found if ms is not None]
        text = "  ".join(f"{letter(view)} {ms:.1f} ms" for view, ms in times)
        if len(times) == 2 and times[1][1] > 0:
            text += f"  \u00d7{times[0][1] / times[1][1]:.1f}"
        self.times.set_text(text)
        set_tip(self.times, "Median time of the last pictures, and how many times as long the first view takes")

    @Slot(str)
    def _on_mode(self, key: str) -> None:
        self.session.lab.edit("Difference", difference=key)

    @Slot()
    def _on_reset(self) -> None:
        self.image.camera.reset()
        self.session.look.reset_transform()
