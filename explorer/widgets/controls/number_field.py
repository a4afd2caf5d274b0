"""Line edits for numbers: all parse alike, and invalid input shows the reason and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from explorer.util.numbers import NumberTextError, may_go_on, parse_number, parse_whole
from explorer.util.plain_text import LIMIT
from explorer.widgets.controls.event_filters import pass_letters
from explorer.widgets.controls.plain_text import set_tip, show_tip
from explorer.widgets.controls.wheel import Wheel

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent

__all__ = ["NumberField", "NumberLine"]


class NumberLine(QLineEdit):
    """A line edit that marks invalid text and explains why, until it is edited. It accepts no drops."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.refusal = ""
        self.setAcceptDrops(False)  # Qt would insert a dropped file as text, and accept a move
        self.textChanged.connect(lambda _: self._mark(""))

    def refuse(self, reason: str) -> None:
        """Keep the text as typed, mark it as invalid, and show the reason."""
        self._mark(reason)
        if self.isVisible():
            show_tip(self.mapToGlobal(QPoint(0, self.height())), reason, self, LIMIT)

    def _mark(self, reason: str) -> None:
        if reason == self.refusal:
            return
        self.refusal = reason
        self.setProperty("refused", bool(reason))
        self.style().unpolish(self)  # the style sheet reads properties only then
        self.style().polish(self)


class NumberField(NumberLine):
    """Shows a number with its unit; `chosen(value)` is emitted when the user enters another one.

    Up, Down, Page Up and Page Down step, and so does the wheel while it has the focus; Esc restores the old number.

    Args:
        low: Smallest number.
        high: Largest number; numbers outside the range are refused.
        decimals: Digits shown after the point; 0 accepts only whole numbers.
        unit: Shown after the number, and accepted there.
        tip: Meaning of the number; the part before a colon or comma is the accessible name.
        special: Text shown instead of `low`.
        step: Amount added by an arrow key or a notch of the wheel.
    """

    chosen = Signal(float)

    def __init__(
        self,
        low: float,
        high: float,
        *,
        decimals: int = 0,
        unit: str = "",
        tip: str = "",
        special: str = "",
        step: float = 1.0,
    ) -> None:
        super().__init__()
        self._one_step, self._wheel = step, Wheel(self)
        self._low, self._high, self._decimals, self._unit, self._special = low, high, decimals, unit, special
        self._value = low
        set_tip(self, tip)
        self.setAccessibleName(tip.partition(":")[0].partition(",")[0])
        self.editingFinished.connect(self.take_typed)
        pass_letters(self, self.take_typed, lambda text: may_go_on(text, unit))
        self.set_number(low)

    @property
    def value(self) -> float:
        """The current number, regardless of text being typed."""
        return self._value

    def set_number(self, value: float) -> None:
        """Show a number, without emitting `chosen`."""
        self._value = value
        unit = f" {self._unit}" if self._unit else ""
        is_special = self._special and value <= self._low
        self.setText(self._special if is_special else f"{value:.{self._decimals}f}{unit}".replace("-", "\u2212"))
        self.setModified(False)

    def take_typed(self) -> None:
        """Commit the typed text, or refuse it; without the focus, a refused text is replaced by the old number."""
        if not self.isModified():
            return
        try:
            self._choose(self._read())
        except NumberTextError as error:
            message = str(error)
            if not self.hasFocus():
                self.set_number(self._value)
            self.refuse(message)

    def _read(self) -> float:
        text = self.text()
        if self._special and text.strip() == self._special:
            return self._low
        read = parse_whole if self._decimals == 0 else parse_number
        value = round(float(read(text, self._unit)), self._decimals)
        if not self._low <= value <= self._high:
            unit = f" {self._unit}" if self._unit else ""
            raise NumberTextError(f"The number must be between {self._low:g} and {self._high:g}{unit}.")
        return value

    def _choose(self, value: float) -> None:
        is_new = value != self._value
        self.set_number(value)
        if is_new:
            self.chosen.emit(value)

    def _step(self, steps: float) -> None:
        self.take_typed()
        value = round(self._value + steps * self._one_step, self._decimals)
        self._choose(min(self._high, max(self._low, value)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        key = Qt.Key(event.key())
        if key in steps:
            self._step(steps[key])
        elif key == Qt.Key.Key_Escape and (self.isModified() or self.refusal):
            self.set_number(self._value)
        else:
            super().keyPressEvent(event)
            if self.refusal and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                event.accept()  # a dialog would press its default button

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.refusal:  # explained already; typing has ended
            self.set_number(self._value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._wheel.is_meant(event):
            event.ignore()
            return
        if steps := self._wheel.steps(event):
            self._step(steps)
        event.accept()
