"""Lines to type a number in: one way to read it for all, and what is refused is said and changes nothing."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QToolTip, QWidget

from explorer.util.numbers import NumberTextError, may_go_on, parse_number, parse_whole
from explorer.widgets.controls.event_filters import leave_letters
from explorer.widgets.controls.plain_text import tip_text
from explorer.widgets.controls.wheel import Wheel

__all__ = ["NumberField", "NumberLine"]


class NumberLine(QLineEdit):
    """A line that marks a refused text and says why, until another one is typed. It takes no drops."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.refusal = ""
        self.setAcceptDrops(False)  # Qt would take a dropped file as text, and by a move
        self.textChanged.connect(lambda _: self._mark(""))

    def refuse(self, words: str) -> None:
        """Leave the text as it was typed, mark it, and say why it is no number."""
        self._mark(words)
        if self.isVisible():
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), tip_text(words), self)

    def _mark(self, words: str) -> None:
        if words == self.refusal:
            return
        self.refusal = words
        self.setProperty("refused", bool(words))
        self.style().unpolish(self)  # the style sheet looks at properties only then
        self.style().polish(self)


class NumberField(NumberLine):
    """Shows a number with its unit; `chosen(value)` when the user entered another.

    Up and Down, Page Up and Page Down, and the wheel while it has the focus, step; Esc gives the old number back.

    Args:
        low: Smallest number.
        high: Largest number; what is beyond is refused.
        decimals: Digits shown behind the point; 0 takes whole numbers alone.
        unit: Shown behind the number, and understood there.
        tip: What the number is; its beginning, up to a colon or comma, is the accessible name.
        special: Text shown instead of `low`.
        step: What an arrow key or a notch of the wheel adds.
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
        self.setToolTip(tip)
        self.setAccessibleName(tip.partition(":")[0].partition(",")[0])
        self.editingFinished.connect(self.take_typed)
        leave_letters(self, self.take_typed, lambda text: may_go_on(text, unit))
        self.set_number(low)

    @property
    def value(self) -> float:
        """The number in force, whatever is being typed."""
        return self._value

    def set_number(self, value: float) -> None:
        """Show a number; says nothing."""
        self._value = value
        unit = f" {self._unit}" if self._unit else ""
        is_special = self._special and value <= self._low
        self.setText(self._special if is_special else f"{value:.{self._decimals}f}{unit}".replace("-", "\u2212"))
        self.setModified(False)

    def take_typed(self) -> None:
        """Take over what was typed, or refuse it; where the focus has gone, the old number comes back."""
        if not self.isModified():
            return
        try:
            self._choose(self._read())
        except NumberTextError as error:
            words = str(error)
            if not self.hasFocus():
                self.set_number(self._value)
            self.refuse(words)

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
                event.accept()  # a dialog would take it for its default button

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.refusal:  # said before; nothing is typed any more
            self.set_number(self._value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._wheel.is_meant(event):
            event.ignore()
            return
        if steps := self._wheel.steps(event):
            self._step(steps)
        event.accept()
