"""The path of a drag: going through its steps, choosing among paths, and putting it on the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.errors import LatentwalkError
from explorer.widgets.controls.basic import IconButton, Segments, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.slider import ValueSlider

if TYPE_CHECKING:
    from explorer.dragging.path import Spacing
    from explorer.session import Session

__all__ = ["DragPath"]

SECONDS = 3.0

SPACINGS = (
    ("distance", "Even speed", "Keys are equally far from each other: the picture changes at an even speed"),
    ("step", "By step", "Keys have equally many steps between them: slow where the drag was slow"),
)


class DragPath(QWidget):
    """The steps of a drag; hidden before there are any."""

    problem = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        dragging = session.dragging
        self.step = ValueSlider(
            "Step", 0.0, 1.0, 0.0, decimals=0, step=1.0, label_width=44, value_width=44,
            tip="The step that is shown; every step is kept. Run goes on from here, as another path.",
        )  # fmt: skip
        self.first = IconButton("skip-back", "Go back to the first step", lambda: dragging.show(0))
        self.back = IconButton("caret-left", "Go back by one step", lambda: dragging.show(dragging.shown - 1))
        self.which = label("", "caption")
        self.before = IconButton("caret-left", "Show the path before", lambda: self._step_path(-1))
        self.after = IconButton("caret-right", "Show the next path", lambda: self._step_path(1))
        self.spacing = Segments(SPACINGS)
        self.spacing.set_choice("distance")
        self.seconds = ValueSlider(
            "Time", 0.5, 30.0, SECONDS, unit="s", decimals=1, step=0.5, label_width=44, value_width=52,
            tip="How long the path takes on the timeline, in seconds.",
        )  # fmt: skip
        self.put = IconButton(
            "film-strip", "Add keys along the path, from the first step to the one shown, at the playhead",
            self._on_put, text="Put on the timeline",
        )  # fmt: skip
        self.step.moving.connect(lambda value: dragging.show(round(value)))
        self.paths = row(self.which, self.before, self.after)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for item in (row(self.step, self.first, self.back), self.paths, self.spacing, self.seconds, self.put):
            layout.addWidget(item)
        self._spacing = "distance"
        self.spacing.chosen.connect(self._on_spacing)

    def show_path(self) -> None:
        """Show the steps and paths as they are now."""
        dragging = self._session.dragging
        self.setVisible(bool(dragging.steps))
        self.step.set_range(0, max(1, len(dragging.steps) - 1))
        self.step.set_value(dragging.shown)
        for button in (self.first, self.back):
            button.setEnabled(dragging.shown > 0)
        self.paths.setVisible(len(dragging.paths) > 1)
        self.which.setText(f"Path {dragging.path + 1} of {len(dragging.paths)}")
        self.before.setEnabled(dragging.path > 0)
        self.after.setEnabled(dragging.path < len(dragging.paths) - 1)
        disable(self.put, "" if dragging.shown > 0 else "The first step is shown: there is no path to it")

    def _step_path(self, by: int) -> None:
        dragging = self._session.dragging
        dragging.show_path(dragging.path + by)

    def _on_spacing(self, key: str) -> None:
        self._spacing = key

    def _on_put(self) -> None:
        dragging, seconds = self._session.dragging, self.seconds.value
        try:
            poses = dragging.poses(seconds, cast("Spacing", self._spacing))
        except LatentwalkError as error:
            self.problem.emit(error)
            return
        if self._session.transport.keys.add_path("Put drag on the timeline", poses, seconds, "linear"):
            dragging.show(0)  # the timeline shows it from here on
