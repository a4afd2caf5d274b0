"""A slider with name, value and unit in one row, typed input, and a default value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.plain_text import line_text, set_tip
from explorer.widgets.controls.slider_groove import Groove, Handle, paint_groove
from explorer.widgets.controls.slider_keys import is_for_slider, slider_key
from explorer.widgets.controls.slider_stroke import Stroke
from explorer.widgets.controls.theme import GRID, ROW, color, value_font
from explorer.widgets.controls.value_editor import ValueEditor
from explorer.widgets.controls.wheel import Wheel

__all__ = ["ValueSlider"]

_FINE = 0.1  # factor for wheel and drags while Shift is held


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
        self._anchor: tuple[float, float] | None = None  # (mouse x, value) of a drag
        self._has_moved = self._is_hovered = False
        self._wheel = Wheel(self)
        self._stroke = Stroke(self)
        self._stroke.began.connect(self.pressed)
        self._stroke.ended.connect(self._on_ended)
        self._stroke.cancelled.connect(self._on_cancelled)
        self._editor = ValueEditor(self)
        self._editor.entered.connect(self.enter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        claim_keys(self, lambda event: is_for_slider(event, is_dragging=self._stroke.is_running))
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
        set_tip(self, about)

    # geometry --------------------------------------------------------------------------------------------

    def groove(self) -> Groove:
        """Return the groove in widget coordinates, with the values on it."""
        left = self.label_width + (GRID if self.label_width else 0)
        width = max(1.0, self.width() - left - self.value_width - GRID)
        return Groove(QRectF(left, self.height() / 2 - 1.5, width, 3), self.minimum, self.maximum)

    def value_rect(self) -> QRectF:
        """Return the rectangle of the number in widget coordinates."""
        return QRectF(self.width() - self.value_width, 1, self.value_width, self.height() - 2)

    # strokes ---------------------------------------------------------------------------------------------

    def _on_ended(self) -> None:
        self._anchor = None
        self.update()
        self.released.emit()

    def _on_cancelled(self, before: float) -> None:
        self._anchor = None
        self.set_value(before)
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

    def _nudge(self, ticks: float, fine: bool) -> None:
        self._stroke.begin(self._value)
        small = self.step if self.decimals == 0 else self.step * _FINE
        self._change(self._value + ticks * (small if fine else self.step))
        self._stroke.await_tick()

    def enter(self, value: float) -> None:
        """Set the value as user input would: one complete stroke."""
        self._stroke.end()
        if self._clamped(value) != self._value:
            self._stroke.begin(self._value)
            self._change(value)
            self._stroke.end()

    def edit(self, text: str | None = None) -> None:
        """Open the editor over the value; `text` is what has been typed already."""
        if not self.isEnabled():
            return
        self._stroke.end()
        shown = f"{self._value:.{max(self.decimals, 3)}g}" if text is None else text
        self._editor.open(self.value_rect().toRect(), shown, self.unit, is_typed=text is not None)

    # input -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        button = event.button()
        if button == Qt.MouseButton.LeftButton and self.value_rect().contains(event.position()):
            self.edit()
        elif button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and x >= self.label_width:
            self._stroke.end()
            self._stroke.begin(self._value)
            is_relative = button == Qt.MouseButton.MiddleButton or _is_fine(event)
            is_on_handle = abs(x - self.groove().position_of(self._value)) <= 7
            if not is_relative and not is_on_handle:
                self._change(self.groove().value_at(x))
            self._anchor, self._has_moved = (x, self._value), False
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._anchor is None:
            return
        start, value = self._anchor
        x = event.position().x()
        self._has_moved = self._has_moved or abs(x - start) >= 3
        is_fine = _is_fine(event)
        value += (x - start) * self.groove().per_pixel * (_FINE if is_fine else 1.0)
        self._change(value)
        if is_fine:  # re-anchor, so that releasing Shift does not cause a jump
            self._anchor = (x, value)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._anchor is None:
            return
        if self._has_moved or self._value == self._stroke.before:
            self._stroke.end()
        else:
            self._anchor = None
            self._stroke.await_double_click()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self.value_rect().contains(event.position()):
            self._stroke.begin(self._value)
            self._change(self.default)
            self._stroke.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._wheel.is_meant(event):
            event.ignore()
            return
        turned = self._wheel.steps(event) if self.decimals == 0 else self._wheel.notches(event)
        if turned:
            self._nudge(turned, _is_fine(event))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = slider_key(event)
        if key == "cancel" and self._stroke.is_running:
            self._stroke.cancel()
        elif key in ("up", "down"):
            self._nudge(1 if key == "up" else -1, _is_fine(event))
        elif key == "reset":
            self.enter(self.default)
        elif key == "edit":
            self.edit()
        elif key == "type":
            self.edit(event.text())
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._stroke.end_waiting()
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        # A hidden widget receives no release event: the stroke would never end.
        self._stroke.end()
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self._stroke.end()
        super().changeEvent(event)

    # painting --------------------------------------------------------------------------------------------

    def enterEvent(self, event: QEvent) -> None:
        self._is_hovered = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._is_hovered = False
        self._stroke.end_waiting()
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
        paint_groove(p, self.groove(), self._handle() if on else None)
        p.setFont(value_font(self.font()))
        p.setPen(color("text") if on else color("faint"))
        p.drawText(self.value_rect(), int(middle | Qt.AlignmentFlag.AlignRight), self.text() if on else "\u2013")
        p.end()

    def _handle(self) -> Handle:
        default = self._clamped(self.default)
        return Handle(self._value, default, self._stroke.is_running, self._is_hovered, self.hasFocus())


def _is_fine(event: QMouseEvent | QKeyEvent | QWheelEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
