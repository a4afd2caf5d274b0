"""Directions: those found in the model, with previews; the user's own, taught by examples or read from files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from explorer.directions.files import SUFFIXES, load_directions, save_directions
from explorer.errors import LatentwalkError
from explorer.state import Look
from explorer.widgets.controls.basic import Choice, IconButton, label, row
from explorer.widgets.controls.plain_text import error_text, set_tip
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.save_dialog import ask_file
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.edits.attribute_bars import REACH, AttributeBars
from explorer.widgets.panels.edits.candidate_sheet import CandidateSheet
from explorer.widgets.panels.edits.direction_row import DirectionRow
from explorer.widgets.panels.edits.teaching import Teaching
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from explorer.directions.attributes import AttributeChanges
    from explorer.directions.direction_set import DirectionSet
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.session.direction_notes import DirectionNotes
    from explorer.session.directions import Found
    from explorer.util.control import Control

__all__ = ["DirectionsPanel"]

FILTERS = (
    ("all", "All directions"),
    ("starred", "Starred"),
    ("ganspace", "GANSpace"),
    ("sefa", "SeFa"),
    ("camera", "Camera"),
    ("mine", "Taught and opened"),
)
FIRST = 4
"""Rows that are shown before \u201cMore\u201d is pressed."""


class DirectionsPanel(Panel):
    """The directions of the active view's model, each with its strength and previews."""

    key = "directions"
    title = "Directions"

    def __init__(self, session: Session, notes: DirectionNotes, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._notes = notes
        self._thumbnails = Thumbnails(session, "direction", self._update_strips, self)
        self._base = Look()  # what the previews show the directions on
        self._shown: list[Found] = []
        self._limit = FIRST
        self._selected = ""  # id of the direction whose effect on the attributes is shown; empty: the first one
        self._compared: tuple[Look, Look] | None = None  # what was measured last
        self.rows: list[DirectionRow] = []
        self._build()
        self._bind()

    def _build(self) -> None:
        self.filter = Choice()
        for key, text in FILTERS:
            self.filter.addItem(text, key)
        set_tip(self.filter, "Which directions are listed")
        self.filter.setAccessibleName("Which directions are listed")
        opened = "Open directions: .npz (also GANSpace's), .npy, .pt or .safetensors"
        self.open = IconButton("folder-open", opened, self.ask_open)
        self.save = IconButton("floppy-disk", "Save the listed directions to a file", self.ask_save)
        self.line = ProgressLine()
        self.line.hide()
        self.message = label("", "caption", wrap=True)
        self.list = QVBoxLayout()
        self.list.setContentsMargins(0, 0, 0, 0)
        self.list.setSpacing(2)
        self.more = IconButton("caret-down", "List more directions", self.show_more, text="More")
        self.sheet = IconButton(
            "squares-four", "A sheet of random directions: keep and reject, then sample again around the kept ones",
            self.open_sheet, text="Keep and reject \u2026",
        )  # fmt: skip
        self.bars = AttributeBars()
        self.teaching = Teaching(self.session)
        self.add(row(self.filter, self.open, self.save, spacing=2))
        self.add(self.line)
        self.add(self.message)
        self.add(self.list)
        self.add(self.bars)
        self.add(self.more)
        self.add(self.sheet)
        self.add(label("Teach a direction by examples"))
        self.add(self.teaching)

    def _bind(self) -> None:
        session, directions = self.session, self.session.directions
        self.filter.activated.connect(lambda _: self._restart())
        self.teaching.problem.connect(self.problem)
        directions.changed.connect(self._on_changed)
        directions.progress.connect(self._on_progress)
        directions.failed.connect(self._on_failed)
        session.lab.rested.connect(self._on_rest)
        session.attributes.measured.connect(self._on_measured)
        session.attributes.failed.connect(self.problem)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: look.edits, lambda _: self._show_strengths())

    # what is listed --------------------------------------------------------------------------------------

    def listed(self) -> list[Found]:
        """Return the directions that the filter lets through, favourites first."""
        chosen = self.filter.currentData()
        found = [item for item in self.session.directions.of(self.session.active) if self._passes(item, chosen)]
        return sorted(found, key=lambda item: not self._notes.of(item.stored.key).is_starred)

    def _passes(self, found: Found, chosen: str) -> bool:
        if chosen == "starred":
            return self._notes.of(found.stored.key).is_starred
        if chosen == "mine":
            return found.method not in ("ganspace", "sefa")
        if chosen == "camera":
            return found.method == "sefa" and found.entries == (0,)
        return chosen == "all" or (found.method == chosen and found.entries != (0,))

    def show_more(self) -> None:
        """List twice as many directions."""
        self._limit *= 2
        self._show_list()

    def _restart(self) -> None:
        self._limit = FIRST
        self._show_list()

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._thumbnails.clear()
        self.bars.forget()
        self._compared = None
        self._base = self.session.look_of()
        if info is not None:
            self.session.directions.find(self.session.active)
        self._restart()

    def _show_list(self) -> None:
        info = self.session.info(self.session.active)
        found = self.listed() if info is not None else []
        self._shown = found[: self._limit]
        while len(self.rows) < len(self._shown):
            self.rows.append(self._make_row())
            self.list.addWidget(self.rows[-1])
        for made, item in zip(self.rows, self._shown, strict=False):
            assert info is not None
            key, effective = item.stored.key, self._effective(item)
            strength = self.session.directions.strength(effective.stored.key)
            made.show_direction(effective, key, self._notes.of(key), strength, info)
            made.show()
        for made in self.rows[len(self._shown) :]:
            made.hide()
        self.more.setVisible(len(found) > len(self._shown))
        self.save.setEnabled(bool(found))
        self._measure()
        if not found:
            self._show_message("No model is loaded" if info is None else "No directions yet")
        elif self.message.text() in ("No directions yet", "No model is loaded"):
            self._show_message("")

    def _make_row(self) -> DirectionRow:
        made = DirectionRow(self._thumbnails, self._look_at)
        slider, session = made.slider, self.session
        slider.pressed.connect(lambda: session.begin(slider.label or "Direction"))
        slider.pressed.connect(lambda: self._select(made))
        slider.moving.connect(lambda value: self._step(made, value))
        slider.released.connect(session.commit)
        slider.cancelled.connect(session.cancel)
        made.strip.chosen.connect(lambda value: self._step(made, value))
        made.selected.connect(lambda: self._select(made))
        made.noted.connect(lambda fields: self._note(made, fields))
        made.problem.connect(self.problem)
        return made

    def open_sheet(self) -> None:
        """Open a sheet of candidate directions for the active view's model."""
        view = self.session.active
        components = [item for item in self.session.directions.of(view) if item.method == "ganspace"]
        if not components:
            self.problem.emit(
                LatentwalkError("The directions are not found yet.", "Wait until the list is filled.")
            )
            return
        sheet = CandidateSheet(self.session, components, self.session.look_of(), self)
        sheet.chosen.connect(lambda found: self.session.directions.add(view, found))
        sheet.finished.connect(sheet.deleteLater)
        sheet.show()

    # attributes ------------------------------------------------------------------------------------------

    def _select(self, made: DirectionRow) -> None:
        self._selected = made.key
        self._measure()

    def _measure(self) -> None:
        """Measure what the selected direction changes, unless that is known."""
        shown = self.rows[: len(self._shown)]
        chosen = next((made for made in shown if made.key == self._selected), shown[0] if shown else None)
        for made in shown:
            made.set_selected(made is chosen)
        if chosen is None or chosen.found is None or not self.isVisible():
            return
        low, high = (self._look_at(chosen, side * REACH) for side in (-1.0, 1.0))
        if low is not None and high is not None and (low, high) != self._compared:
            self._compared = (low, high)
            self.bars.show_title(chosen.slider.label)
            self.session.attributes.measure(self.session.active, low, high)

    @Slot(str, object)
    def _on_measured(self, sha: str, changes: AttributeChanges) -> None:
        model_info = self.session.model_info(self.session.active)
        if model_info is not None and model_info.sha256 == sha:
            self.bars.show_changes(changes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._measure()

    # steps -----------------------------------------------------------------------------------------------

    def _effective(self, found: Found) -> Found:
        """Return a direction without what is locked, under the user's name."""
        notes, key = self._notes, found.stored.key
        locked = [
            other
            for other in self.session.directions.of(self.session.active)
            if other.stored.key != key and notes.of(other.stored.key).is_locked
        ]
        name = notes.of(key).name
        named = replace(found, stored=replace(found.stored, name=name)) if name else found
        try:
            return self.session.directions.without(named, locked)
        except LatentwalkError:  # it is a mixture of what is locked, and has no effect then
            return named

    def _look_at(self, made: DirectionRow, strength: float) -> Look | None:
        if made.found is None:
            return None
        return self.session.directions.look_with(self._base, made.found, strength, made.entries)

    def _step(self, made: DirectionRow, strength: float) -> None:
        if made.found is not None:
            self.session.directions.step(made.found, strength, made.entries)

    def _note(self, made: DirectionRow, fields: dict[str, object]) -> None:
        """Change the user's note of a direction, and its layers in the look if it is in use."""
        if made.found is None:
            return
        note = self._notes.change(made.key, **fields)
        strength = self.session.directions.strength(made.found.stored.key)
        if strength and "entries" in fields:
            self.session.directions.step(made.found, strength, note.entries or ())
        self._show_list()

    # events ----------------------------------------------------------------------------------------------

    def _show_strengths(self) -> None:
        for made in self.rows:
            if made.found is not None:
                made.show_strength(self.session.directions.strength(made.found.stored.key))

    def _update_strips(self) -> None:
        for made in self.rows:
            made.strip.update()

    @Slot()
    def _on_rest(self) -> None:
        """Show the directions on the look at which the user has paused."""
        look = self.session.look_of()
        if look != self._base:
            self._base = look
            self._update_strips()
            self._measure()

    @Slot(int)
    def _on_changed(self, view: int) -> None:
        if view == self.session.active:
            self._show_list()

    @Slot(int, float)
    def _on_progress(self, view: int, fraction: float) -> None:
        if view == self.session.active:
            self.line.setVisible(fraction < 1.0)
            self.line.set_fraction(fraction)

    @Slot(object)
    def _on_failed(self, error: LatentwalkError) -> None:
        self.line.hide()
        self._show_message(error_text(error))

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    # files -----------------------------------------------------------------------------------------------

    def ask_open(self) -> None:
        """Ask for a file of directions, and add them to the list."""
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileName(self, "Open directions", "", f"Directions ({patterns})")
        if chosen:
            self.open_file(chosen)

    def open_file(self, path: str) -> None:
        """Read a file of directions in a thread, and add them to the list."""
        view = self.session.active
        info = self.session.info(view)
        if info is None:
            self.problem.emit(LatentwalkError("No model is loaded.", "Open the model of these directions first."))
            return

        def read(control: Control) -> DirectionSet:
            return replace(load_directions(path, info), model_sha="")  # the user opens it for this model

        def show(found: DirectionSet) -> None:
            self.session.directions.add(view, found)

        self.session.reading.start(f"Reading {Path(path).name}", read, show, self.problem.emit)

    def ask_save(self) -> None:
        """Ask for a file, and write the listed directions of w to it."""
        path = ask_file(self, "Save directions", Path("directions.npz"), "Directions", ".npz")
        if path is not None:
            self.attempt(lambda: self.save_to(path))

    def save_to(self, path: Path) -> None:
        """Write the listed directions of w, beside the window. Raises LatentwalkError if there are none."""
        found = self.session.directions.as_set([self._effective(item) for item in self.listed()])
        self.session.files.write(path, lambda: save_directions(path, found))
