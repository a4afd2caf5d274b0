"""The panel that drags points: set them, paint what may move, run, pause, step, go back, keep."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog

from explorer.dragging.benchmark_files import SeededDrag, read_drags, write_drags
from explorer.util.brush import BRUSH
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.save_dialog import ask_file
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.edits.drag_path import DragPath
from explorer.widgets.panels.edits.drag_settings import DragSettingsBox
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.dragging.problem import DragStep
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.session.drag_setup import Editing

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
        self._build()
        self.path, self.settings = DragPath(session), DragSettingsBox(session, self.bind)
        self.add(row(self.set, self.clear, self.open, self.save, spacing=2))
        self.add(self.file)
        self.add(row(self.free, self.clear_mask, spacing=2))
        self.add(self.brush_row)
        self.add(row(self.run, self.one, self.keep, self.discard, spacing=2))
        self.add(self.path)
        self.add(self.text)
        self.add(self.settings)
        self._bind()

    def _build(self) -> None:
        dragging = self.session.dragging
        self.set = IconButton(
            "plus", "Press on the picture and draw from a point to where it should be",
            lambda: self._edit("points", self.set.isChecked()), text="Set points", checkable=True,
        )  # fmt: skip
        self.clear = IconButton("trash", "Remove all points", lambda: dragging.set_points(dragging.view, (), ()))
        self.open = IconButton("folder-open", "Open points: JSON lines of seed, handles, targets", self.ask_open)
        self.save = IconButton(
            "floppy-disk", "Save the points with the picture's seed as JSON lines", self.ask_save
        )
        self.which = label("", "caption")
        self.before = IconButton("caret-left", "The drag before, of the opened file", lambda: self._step_file(-1))
        self.after = IconButton("caret-right", "The next drag of the opened file", lambda: self._step_file(1))
        self.file = row(self.which, self.before, self.after)
        self.free = IconButton(
            "paint-brush", "Paint on the picture what may move; the rest stays as it is. Esc ends it",
            lambda: self._edit("mask", self.free.isChecked()), text="What may move", checkable=True,
        )  # fmt: skip
        self.erase = IconButton(
            "eraser", "Erase instead of painting; also the right button or Alt",
            lambda: dragging.set_erasing(self.erase.isChecked()), checkable=True,
        )  # fmt: skip
        self.clear_mask = IconButton("selection-slash", "Let everything move", lambda: dragging.set_mask(None))
        self.brush = ValueSlider(
            "Brush", 1.0, 25.0, 100.0 * BRUSH, unit="%", decimals=0, step=1.0, label_width=44, value_width=44,
            tip="Radius of the brush, in percent of the picture's width.",
        )  # fmt: skip
        self.brush_row = row(self.brush, self.erase, spacing=2)
        self.run = IconButton("play", "Drag the points, one step after another", self._on_run, text="Run")
        self.one = IconButton("caret-right", "Drag by one step", self._on_one)
        self.keep = IconButton("push-pin", "Keep this step as an edit", dragging.keep, text="Keep")
        self.discard = IconButton("x", "Discard the drag: the picture is as it was", dragging.discard)
        self.text = label("", "caption", wrap=True)

    def _bind(self) -> None:
        dragging = self.session.dragging
        self.brush.moving.connect(lambda percent: dragging.set_brush(percent / 100.0))
        self.path.problem.connect(self.problem)
        dragging.changed.connect(self._show)
        dragging.failed.connect(self.problem)
        self.bind.model(self._show_model)

    def _edit(self, editing: Editing, is_on: bool) -> None:
        self.session.dragging.set_editing(editing if is_on else "", self.session.active)

    def _on_run(self) -> None:
        dragging = self.session.dragging
        if dragging.editing == "mask":
            dragging.set_editing("", dragging.view)  # the mask would hide what moves
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
        has_points, is_masking = bool(dragging.handles), dragging.editing == "mask"
        for button, editing in ((self.set, "points"), (self.free, "mask")):
            button.setEnabled(has_model)
            button.setChecked(dragging.editing == editing)
        self.open.setEnabled(has_model)
        for button in (self.clear, self.save, self.run):
            button.setEnabled(has_points)
        self.brush_row.setVisible(is_masking)
        self.erase.setChecked(dragging.is_erasing)
        self.clear_mask.setVisible(dragging.mask is not None)
        self.file.setVisible(len(dragging.opened) > 1)
        self.which.setText(f"Drag {dragging.number + 1} of {len(dragging.opened)} of the file")
        self.before.setEnabled(dragging.number > 0)
        self.after.setEnabled(dragging.number < len(dragging.opened) - 1)
        self.run.set_icon_name("pause" if dragging.is_running else "play")
        self.run.setText("Pause" if dragging.is_running else "Run")
        self.one.setEnabled(has_points and not dragging.is_running)
        self.keep.setEnabled(dragging.shown > 0)
        self.discard.setEnabled(bool(dragging.steps))
        self.text.setText(text_of(dragging.step, len(dragging.steps)))
        self.text.setVisible(bool(dragging.steps))
        self.path.show_path()

    # files -----------------------------------------------------------------------------------------------

    def _step_file(self, by: int) -> None:
        dragging = self.session.dragging
        self.attempt(lambda: dragging.choose(dragging.number + by))

    def ask_open(self) -> None:
        """Ask for a file of points, and show its first drag."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Open points", "", "Points to drag (*.jsonl *.json *.txt)")
        if chosen:
            self.open_file(chosen)

    def open_file(self, path: str) -> None:
        """Read a file of points in a thread, and show its first drag in the active view."""
        view = self.session.active

        def show(drags: tuple[SeededDrag, ...]) -> None:
            self.attempt(lambda: self.session.dragging.open_drags(drags, view))

        name = Path(path).name
        self.session.reading.start(f"Reading {name}", lambda _: read_drags(path), show, self.problem.emit)

    def ask_save(self) -> None:
        """Ask for a file, and write the points to it."""
        path = ask_file(self, "Save points", Path("points.jsonl"), "Points to drag", ".jsonl")
        if path is not None:
            self.attempt(lambda: self.save_to(path))

    def save_to(self, path: Path) -> None:
        """Write the points with the picture's seed, beside the window. Raises UsageError where there is no seed."""
        self.session.files.write(path, partial(write_drags, path, [self.session.dragging.seeded()]))
