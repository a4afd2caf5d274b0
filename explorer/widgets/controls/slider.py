"""A slider with name, value and unit in one row, typed input, and a default value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from explorer.util.numbers import NumberTextError, begins_number, parse_number
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.gesture_timeout import GestureTimeout
from explorer.widgets.controls.number_field import NumberLine
from explorer.widgets.controls.plain_text import line_text, tip_text
from explorer.widgets.controls.theme import GRID, ROW, color, value_font
from explorer.widgets.controls.wheel import Wheel

__all__ = ["ValueSlider"]

_PAD = 5.0  # px between the ends of the groove and the outermost centre of the handle
_FINE = 0.1  # factor for wheel and drags while Shift is held
_Modifier = Qt.KeyboardModifier
_TYPING = _Modifier.ShiftModifier | _Modifier.KeypadModifier | _Modifier.GroupSwitchModifier
_WHEEL_PAUSE_MS = 400  # wheel ticks closer than this belong to one stroke


class ValueSlider(QWidget):
    """One number in a row: name, groove with a mark at the default, value with unit.

    Drag the groove or the handle; middle drag and Shift+drag are relative; with the focus or with Ctrl, the wheel
    steps (Shift: fine); double-click resets; click the value, or just type, to enter a number; Esc cancels a drag.

    Signals (GUI thread): `pressed` before the first change of a stroke, `moving(value)` at every change,
    then `released`, or `cancelled` if Esc ended it. Typing a value or resetting it emits a complete stroke.

    With `is_open` it shows values beyond its ends, which other controls can set.
    """

    pressed = Signal()
    moving = Signal(float)
    released = Signal()
    cancelled = Signal()

    def __init__(
        self,
        label: str,
        minimum: float,
        maximum: float,
        default: float = 0.0,
        *,
        unit: str = "",
        decimals: int = 2,
        step: float | None = None,
        label_width: int = 72,
        value_width: int = 58,
        tip: str = "",
        text_of: Callable[[float], str] | None = None,
        is_strong: bool = False,
        is_open: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.minimum, self.maximum, self.default = float(minimum), float(maximum), float(default)
        self.is_strong, self.is_open = is_strong, is_open
        self.label, self.unit, self.decimals = label, unit, decimals
        self.step = step if step is not None else (self.maximum - self.minimum) / 100
        self.label_width, self.value_width = label_width, value_width
        self._value = self.default
        self._tip, self._reason, self._text_of = tip, "", text_of
        self._dragging = self._moved = False
        self._before = self._value
        self._anchor: tuple[float, float] | None = None  # (mouse x, value) of a relative drag
        self._hover = False
        self._wheel = Wheel(self)
        self._editor: NumberLine | None = None
        self._pause = GestureTimeout(self, lambda watched, event: watched is self)
        self._pause.ended.connect(self._end_stroke)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        claim_keys(self, self._wants)
        self.setAccessibleName(label)
        self._show_tip()

    # appearance ------------------------------------------------------------------------------------------

    @property
    def value(self) -> float:
        """The number shown."""
        return self._value

    def set_value(self, value: float) -> None:
        """Show `value`, clamped to the range unless `is_open`, without emitting signals."""
        value = float(value) if self.is_open and math.isfinite(value) else self._clamped(value)
        if value != self._value:
            self._value = value
            self.update()

    def set_range(self, minimum: float, maximum: float, default: float | None = None) -> None:
        """Change the limits (and the default); the value shown is clamped."""
        self.minimum, self.maximum = float(minimum), float(maximum)
        self.default = self.default if default is None else float(default)
        self._value = self._clamped(self._value)
        self.update()

    def set_reason(self, reason: str) -> None:
        """Disable the slider and show the reason in its tooltip; an empty reason enables it."""
        if reason != self._reason or self.isEnabled() == bool(reason):
            self._reason = reason
            self.setEnabled(not reason)
            self._show_tip()
            self.update()

    def set_label(self, label: str) -> None:
        """Set the name shown before the groove."""
        label = line_text(label)
        if label != self.label:
            self.label = label
            self.setAccessibleName(label)
            self.update()

    def set_tip(self, tip: str) -> None:
        """Set the tooltip's description of the slider."""
        self._tip = tip
        self._show_tip()

    def text(self) -> str:
        """Return the value as shown, with unit."""
        if self._text_of is not None:
            return self._text_of(self._value)
        return f"{self._value:.{self.decimals}f}".replace("-", "\u2212") + (f" {self.unit}" if self.unit else "")

    @staticmethod
    def align(sliders: Sequence[ValueSlider], least: int) -> None:
        """Align grooves: give all `sliders` the label width of the longest name, at least `least` pixels."""
        longest = (slider.fontMetrics().horizontalAdvance(slider.label) + GRID for slider in sliders)
        width = max([least, *longest])
        for slider in sliders:
            slider.label_width = width
            slider.updateGeometry()
            slider.update()

    def sizeHint(self) -> QSize:
        return QSize(self.label_width + self.value_width + 96, ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.label_width + self.value_width + 40, ROW)

    def _clamped(self, value: float) -> float:
        if not math.isfinite(value):
            return self._value
        return min(self.maximum, max(self.minimum, float(value)))

    def _show_tip(self) -> None:
        usage = "Double-click: reset. Ctrl+wheel: step (Shift: fine). Click the number to type."
        about = f"{self._reason}." if self._reason else f"{self._tip} {usage}".strip()
        self.setToolTip(tip_text(about, limit=None))

    # geometry --------------------------------------------------------------------------------------------

    def groove(self) -> QRectF:
        """Return the groove's rectangle in widget coordinates."""
        left = self.label_width + (GRID if self.label_width else 0)
        width = max(1.0, self.width() - left - self.value_width - GRID)
        return QRectF(left, self.height() / 2 - 1.5, width, 3)

    def position_of(self, value: float) -> float:
        """Return the x of a value on the groove."""
        g = self.groove()
        span = self.maximum - self.minimum
        fraction = min(max((value - self.minimum) / span, 0.0), 1.0) if span else 0.0
        return g.left() + _PAD + fraction * max(1.0, g.width() - 2 * _PAD)

    def _per_pixel(self) -> float:
        return (self.maximum - self.minimum) / max(1.0, self.groove().width() - 2 * _PAD)

    def _value_at(self, x: float) -> float:
        return self.minimum + (x - self.groove().left() - _PAD) * self._per_pixel()

    def value_rect(self) -> QRectF:
        """Return the rectangle of the number in widget coordinates."""
        return QRectF(self.width() - self.value_width, 1, self.value_width, self.height() - 2)

    # strokes ---------------------------------------------------------------------------------------------

    def _begin_stroke(self) -> None:
        if self._dragging:
            return
        self._dragging, self._before = True, self._value
        self.pressed.emit()

    def _end_stroke(self) -> None:
        if not self._dragging:
            return
        self._pause.stop()
        self._dragging, self._anchor = False, None
        self.update()
        self.released.emit()

    def _cancel_stroke(self) -> None:
        self._pause.stop()
        self._dragging, self._anchor = False, None
        self.set_value(self._before)
        self.update()
        self.cancelled.emit()

    def _change(self, value: float) -> None:
        value = self._clamped(value)
        if self.decimals == 0:
            value = float(round(value))
        if value != self._value:
            self._value = value
            self.update()
            self.moving.emit(value)

    def enter(self, value: float) -> None:
        """Set the value as user input would: one complete stroke."""
        self._end_stroke()
        if self._clamped(value) != self._value:
            self._begin_stroke()
            self._change(value)
            self._end_stroke()

    # input -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        button = event.button()
        if button == Qt.MouseButton.LeftButton and self.value_rect().contains(event.position()):
            self.edit()
        elif button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and x >= self.label_width:
            self._end_stroke()
            self._begin_stroke()
            relative = button == Qt.MouseButton.MiddleButton or bool(
                event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            )
            on_handle = abs(x - self.position_of(self._value)) <= 7
            if not relative and not on_handle:
                self._change(self._value_at(x))
            self._anchor, self._moved = (x, self._value), False
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._anchor is None:
            return
        start, value = self._anchor
        x = event.position().x()
        self._moved = self._moved or abs(x - start) >= 3
        fine = _FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._change(value + (x - start) * self._per_pixel() * fine)
        if fine != 1.0:  # re-anchor, so that releasing Shift does not cause a jump
            self._anchor = (x, value + (x - start) * self._per_pixel() * fine)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._anchor is None:
            return
        if self._moved or self._value == self._before:
            self._end_stroke()
        else:  # deferred: a second click resets instead
            self._anchor = None
            self._pause.start(QApplication.doubleClickInterval())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self.value_rect().contains(event.position()):
            self._begin_stroke()
            self._change(self.default)
            self._end_stroke()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._wheel.is_meant(event):
            event.ignore()
            return
        turned = self._wheel.steps(event) if self.decimals == 0 else self._wheel.notches(event)
        if turned:
            self._nudge(turned, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        event.accept()

    def _nudge(self, ticks: float, fine: bool) -> None:
        self._begin_stroke()
        small = self.step if self.decimals == 0 else self.step * _FINE
        self._change(self._value + ticks * (small if fine else self.step))
        self._pause.start(_WHEEL_PAUSE_MS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, text = event.key(), event.text()
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key == Qt.Key.Key_Escape and self._dragging:
            self._cancel_stroke()
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Up):
            self._nudge(1, fine)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Down):
            self._nudge(-1, fine)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.enter(self.default)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.edit()
        elif _begins_number(event):
            self.edit(text)
        else:
            super().keyPressEvent(event)

    def _wants(self, event: QKeyEvent) -> bool:
        is_arrow = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
        return _begins_number(event) or is_arrow or (event.key() == Qt.Key.Key_Escape and self._dragging)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._pause.end()
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        # A hidden widget receives no release event: the stroke would never end.
        self._end_stroke()
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self._end_stroke()
        super().changeEvent(event)

    # typing ----------------------------------------------------------------------------------------------

    def edit(self, text: str | None = None) -> None:
        """Open the editor over the value; `text` is what has been typed already."""
        if not self.isEnabled():
            return
        self._end_stroke()
        if self._editor is None:
            self._editor = NumberLine(self)
            self._editor.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._editor.setFont(value_font(self.font()))
            self._editor.setTextMargins(0, 0, 0, 0)
            self._editor.editingFinished.connect(self._on_typed)
            self._editor.installEventFilter(self)
        self._editor.setGeometry(self.value_rect().toRect())
        self._editor.setText(text if text is not None else f"{self._value:.{max(self.decimals, 3)}g}")
        self._editor.setModified(text is not None)
        self._editor.show()
        self._editor.setFocus()
        if text is None:
            self._editor.selectAll()

    def _on_typed(self) -> None:
        if self._editor is None or not self._editor.isVisible():
            return
        if not self._editor.isModified():  # unchanged: reading back the rounded text would change the value
            self._editor.hide()
            return
        try:
            value = parse_number(self._editor.text(), self.unit)
        except NumberTextError as error:
            self._editor.refuse(str(error))
            if not self._editor.hasFocus():  # the old value is restored, and the reason is shown for a moment
                self._editor.hide()
            return
        self._editor.hide()
        self.enter(value)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is not self._editor or self._editor is None:
            return False
        if event.type() == QEvent.Type.FocusOut and self._editor.refusal:
            self._editor.hide()  # a refused text: Qt does not emit editingFinished twice
        if not isinstance(event, QKeyEvent):
            return False
        key = event.key()
        if key not in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        # Not passed to the line edit, which would propagate them: Return would reopen the editor.
        if event.type() == QEvent.Type.KeyPress:
            if key == Qt.Key.Key_Escape:
                self._editor.hide()
            else:
                self._on_typed()
            if self._editor.isHidden():
                self.setFocus()
        event.accept()
        return True

    # painting --------------------------------------------------------------------------------------------

    def enterEvent(self, event: QEvent) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self._pause.end()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isEnabled()
        middle = Qt.AlignmentFlag.AlignVCenter
        if self.label_width:
            box = QRectF(0, 0, self.label_width, self.height())
            name = QFontMetrics(p.font()).elidedText(self.label, Qt.TextElideMode.ElideRight, self.label_width)
            p.setPen(color("text" if on and (self.hasFocus() or self.is_strong) else "muted" if on else "faint"))
            p.drawText(box, int(middle | Qt.AlignmentFlag.AlignLeft), name)
        self._paint_groove(p, on)
        p.setFont(value_font(self.font()))
        p.setPen(color("text") if on else color("faint"))
        p.drawText(self.value_rect(), int(middle | Qt.AlignmentFlag.AlignRight), self.text() if on else "\u2013")
        p.end()

    def _paint_groove(self, p: QPainter, on: bool) -> None:
        g = self.groove()
        mid = g.center().y()
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("raised" if on else "border", 255 if on else 120))
        if color("raised").lightness() > 250:  # white on a white panel would be invisible
            p.setBrush(color("border", 255 if on else 120))
        p.drawRoundedRect(g, 1.5, 1.5)
        if not on:
            return
        home, here = self.position_of(self._clamped(self.default)), self.position_of(self._value)
        changed = abs(self._value - self.default) > 1e-9
        if changed:
            p.setBrush(color("accent"))
            p.drawRoundedRect(QRectF(min(home, here), g.top(), abs(here - home), g.height()), 1.5, 1.5)
        p.setBrush(color("faint"))
        p.drawRect(QRectF(home - 0.5, mid - 5, 1, 10))  # tick at the default
        radius = 6.0 if self._dragging or self._hover else 5.0
        p.setBrush(color("accent") if changed or self._dragging else color("muted"))
        p.setPen(QPen(color("panel"), 1.5))
        p.drawEllipse(QPointF(here, mid), radius, radius)
        if self.hasFocus():
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.setPen(QPen(color("accent", 120), 1.5))
            p.drawEllipse(QPointF(here, mid), radius + 2, radius + 2)


def _begins_number(event: QKeyEvent) -> bool:
    """Return whether a key begins a number, also with Shift or on the keypad, but not with Ctrl or Alt."""
    return begins_number(event.text()) and not event.modifiers() & ~_TYPING
