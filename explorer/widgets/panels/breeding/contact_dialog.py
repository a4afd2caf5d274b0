"""ContactDialog: what a contact sheet shows, its columns and size, and its progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from explorer.animation.contact_sheet import picture_size, size_of
from explorer.errors import CancelledError, LatentwalkError
from explorer.util.user_folders import home_folder
from explorer.widgets.controls.basic import Choice, IconButton, label, row
from explorer.widgets.controls.plain_text import menu_text
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.save_dialog import ask_file
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.session.contact_sheets import SheetEntry
    from explorer.util.report import Report

__all__ = ["ContactDialog", "Sources"]

Sources = Mapping[str, Callable[[], Sequence["SheetEntry"]]]
"""What can be on a sheet, by its name in the dialog."""

SIZES = (64, 128, 256, 512, 1024, 0)
_MOST_COLUMNS = 16


class ContactDialog(QDialog):
    """A modeless dialog that saves a contact sheet. `problem(error)` tells what went wrong.

    Args:
        parent: Owner.
        session: Renders and writes the sheet.
        sources: What it can show.
    """

    problem = Signal(object)

    def __init__(self, parent: QWidget, session: Session, sources: Sources) -> None:
        super().__init__(parent)
        self.setWindowTitle("Contact sheet")
        self.setMinimumWidth(400)
        self._session, self._sources, self._entries = session, sources, list["SheetEntry"]()
        self._is_ours = False
        self.source = Choice()
        for name in sources:
            self.source.addItem(menu_text(name), name)
        self.source.setAccessibleName("Pictures")
        self.columns = ValueSlider(
            "Columns", 1, _MOST_COLUMNS, 3, step=1, decimals=0, tip="Pictures in one row of the sheet."
        )
        self.size_choice = Choice()
        for px in SIZES:
            self.size_choice.addItem(f"{px} pixels" if px else "As large as the model makes them", px)
        self.size_choice.setAccessibleName("Size of each picture")
        self.size_choice.setCurrentIndex(SIZES.index(256))
        self.summary = label("", "caption", wrap=True)
        self.line = ProgressLine()
        self.save = IconButton(
            "floppy-disk", "Choose a file and save the sheet as a PNG", self.ask, text="Save \u2026"
        )
        self.cancel = IconButton("x", "Cancel the sheet; no file is written", session.sheets.cancel, text="Cancel")
        self.close_button = IconButton("x", "Close (Esc)", self.reject, text="Close")
        self._lay_out()
        self._connect()
        self._show_source()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        for text, widget in (("Pictures", self.source), ("Size", self.size_choice)):
            name = label(text)
            name.setFixedWidth(self.columns.label_width)
            line = row(name, widget)
            line.layout().setStretch(1, 1)  # type: ignore[union-attr]  # `row` made one
            layout.addWidget(line)
        layout.addWidget(self.columns)
        layout.addWidget(self.summary)
        layout.addWidget(self.line)
        layout.addWidget(row(self.save, self.cancel, self.close_button))

    def _connect(self) -> None:
        sheets = self._session.sheets
        self.source.activated.connect(lambda _: self._show_source())
        self.size_choice.activated.connect(lambda _: self._show_summary())
        self.columns.moving.connect(self._on_columns)
        sheets.progress.connect(self._on_progress)
        sheets.finished.connect(self._on_finished)
        sheets.failed.connect(self._on_failed)
        self._show_running(None)

    # what is chosen ----------------------------------------------------------------------------------------

    def _show_source(self) -> None:
        self._entries = list(self._sources[self.source.currentData()]())
        self.columns.set_value(min(_MOST_COLUMNS, max(1, math.ceil(math.sqrt(len(self._entries))))))
        self._show_summary()

    def _on_columns(self, value: float) -> None:
        self.columns.set_value(round(value))
        self._show_summary()

    def _show_summary(self) -> None:
        info, count = self._session.info(self._session.active), len(self._entries)
        self.save.setEnabled(bool(count) and info is not None and not self._is_ours)
        if not count or info is None:
            self.summary.setText("There is no picture to put on it yet.")
            return
        height, width = info.img_size
        cell = picture_size((width, height), int(self.size_choice.currentData()))
        across, down = size_of(count, round(self.columns.value), cell)
        pictures = f"{count} pictures" if count > 1 else "1 picture"
        self.summary.setText(
            f"{pictures} of {cell[0]} \u00d7 {cell[1]}, on a sheet of {across} \u00d7 {down} pixels. The file "
            "carries the project with the latents in its lineage."
        )

    # saving ------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for a file, and begin the sheet."""
        path = ask_file(self, "Save contact sheet", home_folder() / "contact-sheet.png", "Pictures", ".png")
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Begin the sheet."""
        columns, px = round(self.columns.value), int(self.size_choice.currentData())
        try:
            self._session.sheets.start(path, self._entries, columns=columns, px=px)
        except LatentwalkError as error:
            self.problem.emit(error)
            return
        self._is_ours = True
        self._show_running(0.0)

    def _show_running(self, fraction: float | None) -> None:
        is_running = fraction is not None
        self.line.setVisible(is_running)
        self.line.set_fraction(fraction or 0.0)
        self.cancel.setVisible(is_running)
        self.close_button.setVisible(not is_running)
        for widget in (self.source, self.size_choice, self.columns):
            widget.setEnabled(not is_running)
        self.save.setEnabled(not is_running and bool(self._entries))

    @Slot(object)
    def _on_progress(self, report: Report[object]) -> None:
        if self._is_ours:
            left = math.ceil(report.seconds_left)
            self._show_running(report.fraction)
            rest = f", {left // 60}:{left % 60:02d} left" if left else ""
            self.summary.setText(f"{report.done} of {report.total} pictures{rest}")

    @Slot()
    def _on_finished(self) -> None:
        if self._is_ours:
            self._is_ours = False
            self.accept()

    @Slot(object)
    def _on_failed(self, error: LatentwalkError) -> None:
        if self._is_ours:
            self._is_ours = False
            self._show_running(None)
            self._show_summary()
            if not isinstance(error, CancelledError):
                self.problem.emit(error)

    def reject(self) -> None:
        """Close the dialog, which cancels its sheet."""
        if self._is_ours:
            self._session.sheets.cancel()
        super().reject()
