"""DirectionRow: one direction of the model: name, strength, layers, star, lock, and its previews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QVBoxLayout, QWidget

from explorer.edits.base import entries_text
from explorer.edits.direction import DirectionKind
from explorer.errors import UsageError
from explorer.session.directions import groups_of
from explorer.util.plain_text import visible
from explorer.util.ranges import ranges_of
from explorer.widgets.controls.basic import IconButton, row
from explorer.widgets.controls.plain_text import menu_text, set_tip
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import color
from explorer.widgets.panels.edits.direction_strip import DirectionStrip

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from explorer.generators.base import GeneratorInfo
    from explorer.session.direction_notes import Note
    from explorer.session.directions import Found
    from explorer.state import Look
    from explorer.widgets.controls.thumbnails import Thumbnails

__all__ = ["DirectionRow"]

_LIMIT = DirectionKind.strength
LABEL_PX = 92
METHODS = {
    "ganspace": "a principal component of the latents (GANSpace)",
    "sefa": "an eigenvector of the style weights (SeFa)",
    "svm": "taught by examples",
    "candidate": "chosen among random candidates",
}


class DirectionRow(QWidget):
    """The controls of one direction. Rows are reused for other directions.

    Signals: `noted(fields)` when name, star, lock or layers change; `selected` at a press beside the controls or on
    the previews; those of the slider are the slider's.
    """

    noted = Signal(object)
    selected = Signal()
    problem = Signal(object)  # a LatentwalkError to show to the user

    def __init__(self, thumbnails: Thumbnails, look_at: Callable[[DirectionRow, float], Look | None]) -> None:
        super().__init__()
        self.found: Found | None = None
        self.key = ""
        self._info: GeneratorInfo | None = None
        self._entries: tuple[int, ...] = ()
        self._is_selected = False
        self._look_at = look_at
        self.star = IconButton(
            "star", "Favourite: shown first, and under \u201cStarred\u201d", checkable=True, size=14
        )
        self.star.clicked.connect(lambda on: self.noted.emit({"is_starred": on}))
        self.slider = ValueSlider(
            "", _LIMIT.low, _LIMIT.high, _LIMIT.default, unit=_LIMIT.unit, step=0.1, label_width=LABEL_PX,
            value_width=52, is_open=True,
        )  # fmt: skip
        self.lock = IconButton(
            "lock-simple-open", "Lock: steps along other directions leave this one alone", checkable=True, size=14
        )
        self.lock.clicked.connect(lambda on: self.noted.emit({"is_locked": on}))
        self.more = IconButton("dots-three", "Layers and name of this direction", self._show_menu, size=14)
        self.strip = DirectionStrip(thumbnails, self._at)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(2)
        layout.addWidget(row(self.star, self.slider, spacing=0))
        for button in (self.lock, self.more):
            button.setFixedSize(20, 20)
        side = QVBoxLayout()
        side.setSpacing(0)
        side.addWidget(self.lock)
        side.addWidget(self.more)
        side.addStretch(1)
        previews = QHBoxLayout()
        previews.setSpacing(2)
        previews.addWidget(self.strip)
        previews.addLayout(side)
        layout.addLayout(previews)

        self.strip.chosen.connect(lambda _: self.selected.emit())

    def set_selected(self, is_selected: bool) -> None:
        """Mark the direction whose effect on the attributes is shown."""
        if is_selected != self._is_selected:
            self._is_selected = is_selected
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.selected.emit()
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._is_selected:
            p = QPainter(self)
            p.fillRect(QRectF(0, self.height() - 2, self.strip.width(), 2), color("accent"))
            p.end()

    @property
    def entries(self) -> tuple[int, ...]:
        """The entries of `ws` that the direction changes; empty: all."""
        return self._entries

    def show_direction(self, found: Found, key: str, note: Note, strength: float, info: GeneratorInfo) -> None:
        """Show a direction.

        Args:
            found: What the look steps along.
            key: Id of the direction as it was found, which may differ if others are locked.
            note: What the user says of it.
            strength: How far the look steps along it.
            info: Of the network.
        """
        self.found, self.key, self._info = found, key, info
        self._entries = found.entries if note.entries is None else note.entries
        self._name = note.name or found.stored.name
        self.slider.set_label(self._name)
        layers = entries_text(self._entries)
        self.slider.set_tip(
            f"Steps along {visible(self._name, 80)}, {METHODS.get(found.method, 'from a file')}, in {layers}, in "
            "standard deviations of the model's random latents (\u03c3)."
        )
        self.star.setChecked(note.is_starred)
        self.lock.setChecked(note.is_locked)
        self.lock.set_icon_name("lock-simple" if note.is_locked else "lock-simple-open")
        set_tip(self.more, f"Layers and name of this direction. It changes {layers}.")
        self.show_strength(strength)
        self.strip.update()

    def show_strength(self, strength: float) -> None:
        """Show how far the look steps along the direction."""
        self.slider.set_value(strength)
        self.strip.set_strength(strength)

    def _at(self, strength: float) -> Look | None:
        return self._look_at(self, strength)

    def _show_menu(self) -> None:
        if self._info is None:
            return
        menu = QMenu(self)
        for name, entries in groups_of(self._info).items():
            action = menu.addAction(menu_text(f"{name.capitalize()} layers"))
            action.setCheckable(True)
            action.setChecked(entries == self._entries)
            action.triggered.connect(lambda _=False, chosen=entries: self.noted.emit({"entries": chosen}))
        menu.addAction("Other layers \u2026").triggered.connect(self._ask_entries)
        menu.addSeparator()
        menu.addAction("Rename \u2026").triggered.connect(self._ask_name)
        menu.exec(self.more.mapToGlobal(QPoint(0, self.more.height())))
        menu.deleteLater()

    def _ask_name(self) -> None:
        name, is_given = QInputDialog.getText(self, "Rename direction", "Name:", text=self._name)
        if is_given and name.strip():
            self.noted.emit({"name": name.strip()[:80]})

    def _ask_entries(self) -> None:
        assert self._info is not None
        last = self._info.num_ws - 1
        text, is_given = QInputDialog.getText(self, "Layers", f"Layers from 0 to {last}, as in 0-3,5:")
        if is_given:
            try:
                chosen = ranges_of("Layers", text, last)
            except UsageError as error:
                self.problem.emit(error)
            else:
                self.noted.emit({"entries": tuple(sorted(set(chosen)))})
