"""GridDialog: which sources and styles a grid has, its progress, and the keys of its film."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QVBoxLayout, QWidget

from explorer.errors import CancelledError, LatentwalkError
from explorer.latents.seeds import SEED_COUNT
from explorer.project.file_kinds import PICTURE_FILTER
from explorer.util.ranges import ranges_of
from explorer.util.user_folders import home_folder
from explorer.widgets.controls.basic import Check, Choice, IconButton, label, row
from explorer.widgets.controls.number_field import NumberLine
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.save_dialog import ask_file
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID
from explorer.widgets.panels.latent.picture_strip import PictureStrip

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import ExplorerState
    from explorer.util.report import Report

__all__ = ["GridDialog"]

SIZES = (0, 64, 128, 256, 512)


class GridDialog(QDialog):
    """A modeless dialog that saves a grid of the active view, or makes the keys of its film.

    Signals: `problem(error)`; `film_requested(layout)`.
    """

    problem = Signal(object)
    film_requested = Signal(str)

    def __init__(self, parent: QWidget, session: Session) -> None:
        super().__init__(parent)
        self.setWindowTitle("Grid of sources and styles")
        self.setMinimumWidth(440)
        self._session, self._is_ours = session, False
        self.sources = PictureStrip("The source of the view. Add or drop pictures for more rows.")
        self.references = PictureStrip("None. Add or drop pictures whose styles are columns.")
        self.add_sources = IconButton("plus", "Add pictures as sources", partial(self._ask, "sources"))
        self.add_references = IconButton("plus", "Add pictures as references", partial(self._ask, "references"))
        self.seeds: QLineEdit = NumberLine()
        self.seeds.setPlaceholderText("none; for example 1-4,7")
        self.seeds.setAccessibleName("Seeds")
        self.each_class = Check("Each style once for each class", "One column for each class and style")
        self.size_choice = Choice()
        for px in SIZES:
            self.size_choice.addItem(f"{px} pixels" if px else "As large as the model makes them", px)
        self.size_choice.setAccessibleName("Size of each picture")
        self.seconds = ValueSlider(
            "Film", 0.2, 10.0, 2.0, unit="s", decimals=1, step=0.1,
            tip="Seconds from one style to the next, in a film in which the styles walk and the sources stay.",
        )  # fmt: skip
        self.summary = label("", "caption", wrap=True)
        self.line = ProgressLine()
        self.save = IconButton(
            "floppy-disk", "Choose a file and save the grid as a PNG", self.ask, text="Save \u2026"
        )
        self.film = IconButton(
            "film-strip",
            "Set a key for each style, and render a film of all sources",
            self.make_film,
            text="Film \u2026",
        )
        self.cancel = IconButton("x", "Cancel the grid; no file is written", session.grids.cancel, text="Cancel")
        self.close_button = IconButton("x", "Close (Esc)", self.reject, text="Close")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        for text, button, strip in (
            ("Sources", self.add_sources, self.sources),
            ("References", self.add_references, self.references),
        ):
            layout.addWidget(row(label(text), None, button))
            layout.addWidget(strip)
        for text, widget in (("Seeds", self.seeds), ("Size", self.size_choice)):
            name = label(text)
            name.setFixedWidth(self.seconds.label_width)
            line = row(name, widget)
            line.layout().setStretch(1, 1)  # type: ignore[union-attr]  # `row` made one
            layout.addWidget(line)
        layout.addWidget(self.each_class)
        layout.addWidget(self.seconds)
        layout.addWidget(self.summary)
        layout.addWidget(self.line)
        layout.addWidget(row(self.save, self.film, self.cancel, self.close_button))

    def _connect(self) -> None:
        grids = self._session.grids
        for strip, field in ((self.sources, "sources"), (self.references, "references")):
            strip.removed.connect(partial(self._remove, field))
            strip.dropped.connect(partial(self._open, field))
        self.seeds.editingFinished.connect(self._on_seeds)
        self.each_class.clicked.connect(lambda on: grids.edit("Each class", each_class=bool(on)))
        self.seconds.moving.connect(self.seconds.set_value)
        self.size_choice.activated.connect(lambda _: self._show_summary())
        grids.progress.connect(self._on_progress)
        grids.finished.connect(self._on_finished)
        grids.failed.connect(self._on_failed)
        self._session.changed.connect(self._on_changed)
        self._session.model_changed.connect(self._on_model_changed)
        self._show()
        self._show_running(None)

    # what is chosen ----------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.restyle_grid != new.restyle_grid or old.active != new.active:
            self._show()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        self._show()

    def _show(self) -> None:
        grids, info = self._session.grids, self._session.info(self._session.active)
        self.sources.show_pictures(grids.pictures("sources"))
        self.references.show_pictures(grids.pictures("references"))
        if not self.seeds.hasFocus() or not self.seeds.text():
            self.seeds.setText(_text_of(grids.settings.seeds))
        self.each_class.setChecked(grids.settings.each_class)
        self.each_class.setVisible(info is not None and info.c_dim > 1)
        self._show_summary()

    def _show_summary(self) -> None:
        info = self._session.info(self._session.active)
        is_possible = info is not None and bool(info.source_channels)
        self.save.setEnabled(is_possible and not self._is_ours)
        self.film.setEnabled(is_possible and not self._is_ours)
        if self._is_ours:
            return
        if info is None or not is_possible:
            self.summary.setText("The model of the active view takes no source picture.")
            return
        rows, columns = len(self._session.grids.rows()), len(self._session.grids.columns())
        px = int(self.size_choice.currentData())
        scale = px / max(info.img_size) if px else 1.0
        height, width = (
            round((n + 1) * side * scale) for n, side in zip((rows, columns), info.img_size, strict=True)
        )
        self.summary.setText(
            f"{rows} \u00d7 {columns} pictures, with the sources on the left {width} \u00d7 {height} pixels. "
            "The file carries the project with all of them."
        )

    def _remove(self, field: str, index: int) -> None:
        self._session.grids.remove(index, field)

    def _open(self, field: str, paths: list[str]) -> None:
        self._session.grids.open(paths, field)

    def _ask(self, field: str) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, f"Add {field}", "", PICTURE_FILTER)
        self._open(field, paths)

    def _on_seeds(self) -> None:
        text = self.seeds.text().strip()
        try:
            seeds = tuple(dict.fromkeys(ranges_of("Seeds", text, SEED_COUNT - 1))) if text else ()
        except LatentwalkError as error:
            self.problem.emit(error)
            self.seeds.setText(_text_of(self._session.grids.settings.seeds))
            return
        if seeds != self._session.grids.settings.seeds:
            self._session.grids.edit("Seeds of the grid", seeds=seeds)

    # making ------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for a file, and begin the grid."""
        path = ask_file(self, "Save grid", home_folder() / "grid.png", "Pictures", ".png")
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Begin the grid."""
        try:
            self._session.grids.start(path, int(self.size_choice.currentData()))
        except LatentwalkError as error:
            self.problem.emit(error)
            return
        self._is_ours = True
        self._show_running(0.0)

    def make_film(self) -> None:
        """Set the keys of the film, and open its dialog."""
        try:
            self._session.grids.make_keys(self.seconds.value)
        except LatentwalkError as error:
            self.problem.emit(error)
            return
        self.film_requested.emit("sources")

    def _show_running(self, fraction: float | None) -> None:
        is_running = fraction is not None
        self.line.setVisible(is_running)
        self.line.set_fraction(fraction or 0.0)
        self.cancel.setVisible(is_running)
        self.close_button.setVisible(not is_running)
        for widget in (
            self.sources, self.references, self.add_sources, self.add_references, self.seeds, self.each_class,
            self.size_choice,
        ):  # fmt: skip
            widget.setEnabled(not is_running)
        self._show_summary()

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
        if not isinstance(error, CancelledError):
            self.problem.emit(error)

    def reject(self) -> None:
        """Close the dialog, which cancels its grid."""
        if self._is_ours:
            self._session.grids.cancel()
        super().reject()


def _text_of(seeds: tuple[int, ...]) -> str:
    """Return seeds as text, neighbours as a range: 1-4,7."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
