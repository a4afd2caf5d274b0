"""Settings and file of a film."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLineEdit, QWidget

from explorer.animation.compose import layout_names
from explorer.animation.film import Film, rate_of, whole_film
from explorer.animation.folder import folder_of
from explorer.animation.formats import FORMATS, QUALITIES, available
from explorer.util.user_folders import expanded
from explorer.widgets.controls.basic import Check, Choice, IconButton, label, row
from explorer.widgets.controls.number_field import NumberField
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.save_dialog import with_suffix_of
from explorer.widgets.controls.theme import GRID, ROW

if TYPE_CHECKING:
    from explorer.state import ExplorerState

__all__ = ["FilmSettings"]

SMALLEST = 256
"""Pixels; pictures of smaller networks are enlarged by default."""

SIZES = (0, 128, 256, 512, 720, 1024, 1080, 2160)
RATES = ("10", "12.5", "20", "24", "25", "30", "50", "60")
QUALITY_TEXTS = {"draft": "Draft: small", "good": "Good", "best": "Best: no visible loss"}


class FilmSettings(QWidget):
    """A row for each setting of a film, and its file. `changed` is emitted at every change."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.format = Choice()
        for kind in available():
            self.format.addItem(kind.title, kind.key)
        self.side = Choice()
        for side in SIZES:
            self.side.addItem("Native resolution" if side == 0 else f"{side} px high", side)
        self.rate = Choice()
        set_tip(self.rate, "Frames per second of the film")
        self.rate.addItem("Timeline's rate", "")
        for rate in RATES:
            self.rate.addItem(f"{rate} fps", rate)
        self.quality = Choice()
        for quality in QUALITIES:
            self.quality.addItem(QUALITY_TEXTS[quality], quality)
        self.quality.setCurrentIndex(1)
        self.layout_choice = Choice()
        self.set_views(2, (0, 1))
        self.columns, self.rows = _count("Columns of the grid", 3), _count("Rows of the grid", 2)
        self.samples = _count("Samples per frame: pictures averaged for motion blur; each costs a render", 1)
        self.captions = Check("Burn in model, seed and truncation", "In the lower left corner of the picture")
        self.path = QLineEdit()
        self.path.setAcceptDrops(False)  # Qt would insert a dropped file as text, and accept a move
        set_tip(self.path, "The film's file; PNG pictures go into a folder of that name")
        self._usual_side = 0  # default height in pixels of formats that define none
        self._chosen: set[Choice] = set()  # chosen by the user, so kept when the format changes
        self._named: tuple[Path, str] | None = None  # folder and stem of the proposed name
        self._proposed = ""
        self._lay_out()
        self._connect()
        self._enable()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2 + 2)
        lines: tuple[tuple[str, QWidget], ...] = (
            ("Format", self.format),
            ("Quality", self.quality),
            ("Picture", row(self.side, self.rate, None)),
            ("Layout", row(self.layout_choice, self.columns, label("x", "caption"), self.rows)),
            ("Motion blur", row(self.samples, label("samples per frame", "caption"), None)),
            ("Caption", self.captions),
            ("File", row(self.path, IconButton("folder-open", "Choose the file", self._browse))),
        )
        for i, (name, widget) in enumerate(lines):
            grid.addWidget(label(name, "muted"), i, 0)
            grid.addWidget(widget, i, 1)
        grid.setColumnStretch(1, 1)

    def _connect(self) -> None:
        for mine in (self.side, self.rate):
            mine.activated.connect(lambda _, choice=mine: self._chosen.add(choice))
        self.format.activated.connect(self._fit_format)
        for choice in (self.format, self.quality, self.side, self.rate, self.layout_choice):
            choice.setMinimumHeight(ROW)
            choice.activated.connect(self._on_changed)
        for number in (self.columns, self.rows, self.samples):
            number.chosen.connect(self._on_changed)
        self.path.textChanged.connect(self._on_changed)

    def choose_layout(self, name: str) -> None:
        """Choose a layout, if it is offered."""
        self.layout_choice.setCurrentIndex(max(0, self.layout_choice.findData(name)))
        self._on_changed()

    def set_views(self, count: int, pair: tuple[int, ...], *, has_sources: bool = False) -> None:
        """Offer the layouts of `count` views; a wipe shows the views `pair`. The choice is kept if possible.

        `has_sources`: whether one of them is of an image-to-image network.
        """
        chosen = self.layout_choice.currentData()
        self.layout_choice.clear()
        self.layout_choice.addItem("Same as window", "")
        for key, text in layout_names(count, pair, has_sources=has_sources).items():
            self.layout_choice.addItem(text, key)
        self.layout_choice.setCurrentIndex(max(0, self.layout_choice.findData(chosen)))

    @property
    def suffix(self) -> str:
        """The suffix of the chosen format, with its dot."""
        return FORMATS[str(self.format.currentData())].suffix

    @property
    def file(self) -> Path | None:
        """The film's file; None while no name is set."""
        text = self.path.text()
        return expanded(Path(text)) if Path(text).name else None

    def film(self, state: ExplorerState) -> Film:
        """Return a film of a project with the current settings."""
        rate = str(self.rate.currentData())
        overrides = {"rate": rate_of(rate)} if rate else {}
        return whole_film(
            state,
            **overrides,
            format=str(self.format.currentData()),
            quality=self.quality.currentData(),
            side=int(self.side.currentData()),
            samples=int(self.samples.value),
            layout=str(self.layout_choice.currentData()),
            columns=int(self.columns.value),
            rows=int(self.rows.value),
            captions=self.captions.isChecked(),
        )

    def enlarge(self, resolution: int) -> None:
        """Set the default height so that pictures of small networks are enlarged."""
        self._usual_side = 512 if resolution < SMALLEST else 0
        self._take_defaults()

    def _take_defaults(self) -> None:
        """Use the format's defaults for settings that the user has not chosen."""
        kind = FORMATS[str(self.format.currentData())]
        if self.side not in self._chosen:
            self.side.setCurrentIndex(self.side.findData(kind.side or self._usual_side))
        if self.rate not in self._chosen:
            self.rate.setCurrentIndex(self.rate.findData(str(kind.fps) if kind.fps else ""))

    @Slot()
    def _fit_format(self, *_: object) -> None:
        self._take_defaults()
        if self._named is not None and self.path.text() == self._proposed:
            self.name_file(*self._named)  # another format numbers its films separately
        elif self.path.text():
            self.path.setText(str(self._fitting(Path(self.path.text()))))

    def name_file(self, folder: Path, stem: str) -> None:
        """Propose a name in a folder that no film has yet."""
        self._named = folder, stem
        path = folder / f"{stem}{self.suffix}"
        number = 2
        while path.exists() or folder_of(path).is_dir():
            path = folder / f"{stem}-{number}{self.suffix}"
            number += 1
        self._proposed = str(path)
        self.path.setText(self._proposed)

    @Slot()
    def _on_changed(self, *_: object) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        is_grid = str(self.layout_choice.currentData()) == "grid"
        self.columns.setEnabled(is_grid)
        self.rows.setEnabled(is_grid)
        self.quality.setEnabled(FORMATS[str(self.format.currentData())].has_quality)

    def _fitting(self, path: Path) -> Path:
        return with_suffix_of(path, self.suffix, {form.suffix for form in FORMATS.values()})

    def _browse(self) -> None:
        options = QFileDialog.Option.DontConfirmOverwrite  # confirmed when rendering starts
        path, _ = QFileDialog.getSaveFileName(
            self, "Film", self.path.text(), f"Films (*{self.suffix})", options=options
        )
        if path:
            self.path.setText(str(self._fitting(Path(path))))


def _count(tip: str, value: int) -> NumberField:
    field = NumberField(1, 16, tip=tip)
    field.set_number(value)
    field.setFixedWidth(56)
    return field
