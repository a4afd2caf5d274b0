"""A field for seeds: whole numbers from 0 to 2**32 - 1, with arrows, wheel and dice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal

from explorer.util.numbers import NumberTextError, parse_whole
from explorer.widgets.controls.event_filters import pass_letters
from explorer.widgets.controls.number_field import NumberLine
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import value_font
from explorer.widgets.controls.wheel import Wheel

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
    from PySide6.QtWidgets import QWidget

__all__ = ["SEEDS", "SeedField", "random_seed"]

SEEDS = 2**32


def random_seed() -> int:
    """Return a random seed with few enough digits to remember."""
    return random.randrange(100_000)


class SeedField(NumberLine):
    """Shows a seed; `chosen(seed)` is emitted when the user enters one. Stepping wraps at both ends."""

    chosen = Signal(object)  # an int above 2**31 does not fit Qt's int

    def __init__(self, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seed = 0
        self._wheel = Wheel(self)
        self.setFont(value_font(self.font()))
        set_tip(self, tip or "The seed: numpy.random.RandomState(seed). Up and down step by one")
        self.setAccessibleName("Seed")
        self.setText("0")
        self.editingFinished.connect(self._on_typed)
        pass_letters(self, self._on_typed)

    @property
    def seed(self) -> int:
        """The seed shown."""
        return self._seed

    def set_seed(self, seed: int) -> None:
        """Show a seed, without emitting `chosen`."""
        self._seed = int(seed)
        self.setText(str(self._seed))
        self.setModified(False)

    def _choose(self, seed: int) -> None:
        self.set_seed(seed % SEEDS)
        self.chosen.emit(self._seed)

    def _on_typed(self) -> None:
        if not self.isModified():
            return
        try:
            self._choose(parse_whole(self.text()))
        except NumberTextError as error:
            if not self.hasFocus():
                self.set_seed(self._seed)
            self.refuse(str(error))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 100, Qt.Key.Key_PageDown: -100}
        key = Qt.Key(event.key())
        if key in step:
            self._choose(self._seed + step[key])
        elif key == Qt.Key.Key_Escape:
            self.set_seed(self._seed)
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.refusal:  # explained already; typing has ended
            self.set_seed(self._seed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._wheel.is_meant(event):
            event.ignore()
            return
        if steps := self._wheel.steps(event):
            self._choose(self._seed + steps)
        event.accept()
