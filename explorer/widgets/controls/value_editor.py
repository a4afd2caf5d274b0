"""The line edit that opens over a number which is only painted, and what Return, Esc and leaving it do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent

from explorer.util.numbers import NumberTextError, parse_number
from explorer.widgets.controls.number_field import NumberLine
from explorer.widgets.controls.theme import value_font

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["ValueEditor"]


class ValueEditor(QObject):
    """Lets the user type a number into `owner`; `entered(value)` is emitted once it can be read.

    The line edit is made when it is first opened, because most sliders are never typed into.
    """

    entered = Signal(float)

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner, self._unit = owner, ""
        self._line: NumberLine | None = None

    def open(self, rect: QRect, text: str, unit: str, *, is_typed: bool) -> None:
        """Open it over `rect`.

        Args:
            rect: The number's place in the owner.
            text: Text to begin with.
            unit: Accepted after the number.
            is_typed: Whether the user has typed `text`; otherwise it is selected, and closing changes nothing.
        """
        line, self._unit = self._line or self._create(), unit
        line.setGeometry(rect)
        line.setText(text)
        line.setModified(is_typed)
        line.show()
        line.setFocus()
        if not is_typed:
            line.selectAll()

    def _create(self) -> NumberLine:
        self._line = NumberLine(self._owner)
        self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._line.setFont(value_font(self._owner.font()))
        self._line.setTextMargins(0, 0, 0, 0)
        self._line.editingFinished.connect(self._on_typed)
        self._line.installEventFilter(self)
        return self._line

    def _on_typed(self) -> None:
        line = self._line
        if line is None or not line.isVisible():
            return
        if not line.isModified():  # unchanged: reading back the rounded text would change the value
            line.hide()
            return
        try:
            value = parse_number(line.text(), self._unit)
        except NumberTextError as error:
            line.refuse(str(error))
            if not line.hasFocus():  # the old value is restored, and the reason is shown for a moment
                line.hide()
            return
        line.hide()
        self.entered.emit(value)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        line = self._line
        if line is None or watched is not line:
            return False
        if event.type() == QEvent.Type.FocusOut and line.refusal:
            line.hide()  # a refused text: Qt does not emit editingFinished twice
        if not isinstance(event, QKeyEvent):
            return False
        key = event.key()
        if key not in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        # Not passed to the line edit, which would propagate them: Return would reopen the editor.
        if event.type() == QEvent.Type.KeyPress:
            if key == Qt.Key.Key_Escape:
                line.hide()
            else:
                self._on_typed()
            if line.isHidden():
                self._owner.setFocus()
        event.accept()
        return True
