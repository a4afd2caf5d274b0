"""The panel that drags points: set them, run, pause, step, go back, keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.dragging.problem import DragStep
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session

__all__ = ["DragPanel", "text_of"]


def text_of(step: DragStep | None, count: int) -> str:
    """Return what is known after a step, as lines: which one it is, each point's way, and why it ended."""
    if step is None:
        return ""
    lines = [f"Step {step.step} of {count - 1}"]
    for number, handle in enumerate(step.handles, 1):
        lines.append(f"Point {number}: {handle.state}. {handle.reason}".strip())
    return "\n".join([*lines, step.outcome] if step.outcome else lines)


class DragPanel(Panel):
    """Dragging points of the active view's picture to their targets."""

    key = "drag"
    title = "Drag points"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        dragging = session.dragging
        self.set = IconButton(
            "plus", "Press on the picture and draw from a point to where it should be",
            self._on_set, text="Set points", checkable=True,
        )  # fmt: skip
        self.clear = IconButton("eraser", "Remove all points", self._on_clear)
        self.run = IconButton("play", "Drag the points, one step after another", self._on_run, text="Run")
        self.one = IconButton("caret-right", "Drag by one step", self._on_one)
        self.back = IconButton("caret-left", "Go back by one step", lambda: dragging.show(dragging.shown - 1))
        self.first = IconButton("skip-back", "Go back to the first step", lambda: dragging.show(0))
        self.keep = IconButton("push-pin", "Keep this step as an edit", dragging.keep, text="Keep")
        self.discard = IconButton("x", "Discard the drag: the picture is as it was", dragging.discard)
        self.text = label("", "caption", wrap=True)
        self.add(row(self.set, self.clear))
        self.add(row(self.run, self.first, self.back, self.one))
        self.add(row(self.keep, self.discard))
        self.add(self.text)
        self.bind.model(self._show_model)
        dragging.changed.connect(self._show)
        dragging.failed.connect(self.problem)
        self._show()

    def _on_set(self) -> None:
        self.session.dragging.set_editing(self.set.isChecked(), self.session.active)

    def _on_clear(self) -> None:
        dragging = self.session.dragging
        dragging.set_points(dragging.view, (), ())

    def _on_run(self) -> None:
        dragging = self.session.dragging
        self.attempt(dragging.pause if dragging.is_running else dragging.run)

    def _on_one(self) -> None:
        dragging = self.session.dragging
        if dragging.shown < len(dragging.steps) - 1:
            dragging.show(dragging.shown + 1)
        else:
            self.attempt(dragging.run_one)

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._show()

    @Slot()
    def _show(self) -> None:
        dragging = self.session.dragging
        has_model = self.session.info(self.session.active) is not None
        self.set.setEnabled(has_model)
        self.set.setChecked(dragging.is_editing)
        self.clear.setEnabled(bool(dragging.handles))
        self.run.setEnabled(bool(dragging.handles))
        self.run.set_icon_name("pause" if dragging.is_running else "play")
        self.run.setText("Pause" if dragging.is_running else "Run")
        self.one.setEnabled(bool(dragging.handles) and not dragging.is_running)
        for button in (self.first, self.back):
            button.setEnabled(dragging.shown > 0)
        self.keep.setEnabled(dragging.shown > 0)
        self.discard.setEnabled(bool(dragging.steps))
        self.text.setText(text_of(dragging.step, len(dragging.steps)))
        self.text.setVisible(bool(dragging.steps))
