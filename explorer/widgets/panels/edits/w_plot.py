"""The plot of the w editor: bars to drag, draw across, select, and step with the keyboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal

from explorer.widgets.controls.event_filters import claim_keys, positional_tooltip
from explorer.widgets.controls.plain_text import show_tip
from explorer.widgets.controls.plots import QuietPlot, nice_ceiling
from explorer.widgets.panels.edits.w_bars import BarsItem
from explorer.widgets.panels.edits.w_values import interpolated

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent, QWheelEvent
    from PySide6.QtWidgets import QWidget

    from explorer.widgets.panels.edits.w_values import Bars
from explorer.widgets.controls.wheel import Wheel

__all__ = ["WPlot"]

_FINE = 0.1  # factor for drags and keys while Shift is held
_KEY_STEPS = 50  # arrow key presses from 0 to the top of the plot
_LEAST_SHOWN = 8  # bars; limit of the zoom
_SHRINK_BELOW = 0.4  # the range shrinks only if bars use less than this fraction of it
_KEYS = {
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_Equal, Qt.Key.Key_0,
}  # fmt: skip
USAGE = "Drag a bar up or down (Shift: fine). Double-click or Delete: remove its edit. "
USAGE += "Ctrl+wheel or + \u2212 0: zoom, middle drag: pan. Arrow keys: select a bar and step it."


class WPlot(QuietPlot):
    """Shows `Bars` and converts input into values; it does not change the state itself.

    Signals: `began` and `ended` around a gesture, `cancelled` if Esc reverted it; within a gesture or for a single
    step, `shaped(numbers, values)` with new values of bars, `cleared(numbers)` with bars whose edit to remove, and
    `selected(range)` with (first, last) or None.
    """

    began = Signal(str)
    shaped = Signal(object, object)
    cleared = Signal(object)
    ended = Signal()
    cancelled = Signal()
    selected = Signal(object)
    zoomed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(40, "dimension of w", parent=parent)
        self.mode = "drag"
        self._wheel = Wheel(self)
        self.cursor_bar: int | None = None
        self.selection: tuple[int, int] | None = None
        self.bars: Bars | None = None
        self._gesture = ""  # the running one: "drag", "draw", "select", "pan" or "keys"
        self._anchor: tuple[int, float, float] = (0, 0.0, 0.0)  # bar, its value, the pointer's y at the press
        self._last: tuple[int, float] = (0, 0.0)
        self._shown: tuple[float, float] = (-0.5, 0.5)
        self._top = 1.0
        self.item = BarsItem()
        self.addItem(self.item)
        self.setFixedHeight(168)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        claim_keys(self, self._wants)  # the window's own shortcuts use the same keys
        positional_tooltip(self.viewport(), self._tip)
        self.setAccessibleName("Bars of w")
        self.setAccessibleDescription(USAGE)
        self.show_bars(None)

    # showing ---------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Number of bars."""
        return len(self.bars.values) if self.bars is not None else 0

    @property
    def is_held(self) -> bool:
        """True while a gesture runs."""
        return bool(self._gesture)

    def show_bars(self, bars: Bars | None) -> None:
        """Show values; the range adapts, except during a gesture."""
        was = self.count
        self.bars = bars
        if self.count != was or bars is None:
            self.cursor_bar = self.selection = None
            self.getAxis("bottom").setTicks(None if bars is not None else [[]])
            self._shown = (-0.5, max(1, self.count) - 0.5)
            self._show_range()
        if bars is not None:
            top = nice_ceiling(bars.extent)
            if not self._gesture and (top > self._top or top < self._top * _SHRINK_BELOW):
                self._top = top
                self._show_range()
        self._redraw()

    def set_selection(self, selection: tuple[int, int] | None) -> None:
        """Mark a range of bars."""
        self.selection = selection
        self._redraw()
        self.selected.emit(selection)

    def reset_zoom(self) -> None:
        """Show every bar."""
        self._zoom_to(-0.5, self.count - 0.5)

    @property
    def is_zoomed(self) -> bool:
        """True if some bars are not visible."""
        return self._shown != (-0.5, max(1, self.count) - 0.5)

    def position_of(self, bar: float, value: float) -> QPointF:
        """Return the position of a point of the plot in viewport pixels."""
        return QPointF(self.mapFromScene(self.plotItem.vb.mapViewToScene(QPointF(bar, value))))

    def text_of(self, bar: int) -> str:
        """Return a text with the numbers of one bar."""
        assert self.bars is not None
        b = self.bars
        text = f"w[{bar}] = {b.values[bar]:+.3f}"
        if b.edited[bar]:
            text += f"\nwithout edits {b.plain[bar]:+.3f}"
        if b.high[bar] - b.low[bar] > 5e-4:
            text += f"\nlayers differ: {b.low[bar]:+.3f} to {b.high[bar]:+.3f}"
        return text.replace("-", "\u2212")

    def _redraw(self) -> None:
        self.item.show_bars(self.bars, self.cursor_bar, self.selection)

    def _show_range(self) -> None:
        self.setXRange(*self._shown, padding=0)
        self.setYRange(-self._top * 1.02, self._top * 1.02, padding=0)
        marks = [self._top * fraction for fraction in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        self.set_ticks("left", [(v, f"{v:.3g}".replace("-", "\u2212")) for v in marks])

    def _zoom_to(self, left: float, right: float) -> None:
        width = min(max(right - left, min(_LEAST_SHOWN, self.count)), self.count)
        middle = (left + right) / 2
        left = min(max(middle - width / 2, -0.5), self.count - 0.5 - width)
        self._shown = (left, left + width)
        self._show_range()
        self.zoomed.emit(self.is_zoomed)

    def zoom(self, factor: float, about: float | None = None) -> None:
        """Show `factor` times as many bars, centred on `about` (default: the cursor or the middle)."""
        left, right = self._shown
        middle = self.cursor_bar if self.cursor_bar is not None else (left + right) / 2
        about = middle if about is None else about
        self._zoom_to(about + (left - about) * factor, about + (right - about) * factor)

    # input -----------------------------------------------------------------------------------------------

    def _at(self, event: QMouseEvent) -> tuple[float, float]:
        point = self.plotItem.vb.mapSceneToView(self.mapToScene(event.position().toPoint()))
        return point.x(), point.y()

    def _bar_at(self, x: float) -> int:
        return min(max(math.floor(x + 0.5), 0), self.count - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x, y = self._at(event)
        if self.bars is None or self._gesture:
            event.ignore()
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._gesture, self._anchor = "pan", (0, x, 0.0)
        elif event.button() == Qt.MouseButton.LeftButton:
            bar = self._bar_at(x)
            self._gesture, self._anchor = self.mode, (bar, float(self.bars.values[bar]), y)
            self._last = (bar, y)
            if self.mode == "select":
                self.set_selection((bar, bar))
                return
            self.cursor_bar = bar
            self.began.emit("Draw w" if self.mode == "draw" else f"Edit w[{bar}]")
            if self.mode == "draw":
                self.shaped.emit([bar], [y])
            self._redraw()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._gesture or self.bars is None:
            return
        x, y = self._at(event)
        bar, value, start = self._anchor
        if self._gesture == "pan":
            left, right = self._shown
            self._zoom_to(left + value - x, right + value - x)
        elif self._gesture == "select":
            other = self._bar_at(x)
            self.set_selection((min(bar, other), max(bar, other)))
        elif self._gesture == "draw":
            here = (self._bar_at(x), y)
            self.shaped.emit(*interpolated(self._last, here))
            self._last = here
        elif self._gesture == "drag":
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            value += (y - start) * (_FINE if fine else 1.0)
            self._anchor = (bar, value, y)  # re-anchor at each step, so that releasing Shift does not cause a jump
            self.shaped.emit([bar], [value])
            show_tip(event.globalPosition().toPoint(), self.text_of(bar), self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._gesture and self._gesture != "keys":
            self._end()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.bars is not None:
            if self.mode == "select":
                self.set_selection(None)
            else:
                self.cleared.emit([self._bar_at(self._at(event)[0])])

    def _end(self) -> None:
        gesture, self._gesture = self._gesture, ""
        if gesture in ("drag", "draw", "keys"):
            self.ended.emit()
        self.show_bars(self.bars)  # now the range may adapt

    def cancel(self) -> bool:
        """Revert the current gesture; return whether there was one."""
        gesture, self._gesture = self._gesture, ""
        if gesture in ("drag", "draw", "keys"):
            self.cancelled.emit()
        return bool(gesture)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.bars is None or not self._wheel.is_meant(event):
            event.ignore()
            return
        x = self.plotItem.vb.mapSceneToView(self.mapToScene(event.position().toPoint())).x()
        self.zoom(0.8 ** self._wheel.notches(event), x)
        event.accept()

    # keys ------------------------------------------------------------------------------------------------

    def _wants(self, event: QKeyEvent) -> bool:
        harmless = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        is_plain = not event.modifiers() & ~harmless
        ends = event.key() == Qt.Key.Key_Escape and bool(self._gesture or self.selection)
        return (is_plain and event.key() in _KEYS) or ends

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape and (self._gesture or self.selection):
            if not self.cancel():
                self.set_selection(None)
        elif self.bars is None or key not in _KEYS or self._gesture not in ("", "keys"):
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            fine = _FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._step((1 if key == Qt.Key.Key_Up else -1) * fine * self._top / _KEY_STEPS)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            first, last = self.selection or (self.cursor_bar or 0, self.cursor_bar or 0)
            self.cleared.emit(list(range(first, last + 1)))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1.25 if key == Qt.Key.Key_Minus else 0.8)
        elif key == Qt.Key.Key_0:
            self.reset_zoom()
        else:
            self._move_cursor(key)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self._gesture == "keys" and not event.isAutoRepeat():
            self._end()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._gesture == "keys":
            self._end()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        if self._gesture:  # a hidden widget receives no release event
            self._end()
        super().hideEvent(event)

    def _step(self, change: float) -> None:
        assert self.bars is not None
        bar = self.cursor_bar = self.cursor_bar or 0
        if not self._gesture:
            self._gesture = "keys"
            self.began.emit(f"Edit w[{bar}]")
        self.shaped.emit([bar], [float(self.bars.values[bar]) + change])
        self._show_cursor_value()

    def _move_cursor(self, key: int) -> None:
        here = -1 if self.cursor_bar is None else self.cursor_bar
        moves = {Qt.Key.Key_Left: here - 1, Qt.Key.Key_Right: here + 1, Qt.Key.Key_Home: 0}
        self.cursor_bar = bar = min(max(moves.get(Qt.Key(key), self.count - 1), 0), self.count - 1)
        left, right = self._shown
        if not left <= bar <= right:
            self._zoom_to(bar - (right - left) / 2, bar + (right - left) / 2)
        self._redraw()
        self._show_cursor_value()

    def _show_cursor_value(self) -> None:
        if self.cursor_bar is not None and self.bars is not None and self.isVisible():
            at = self.position_of(self.cursor_bar, 0.0).toPoint()
            show_tip(self.viewport().mapToGlobal(at), self.text_of(self.cursor_bar), self)

    def _tip(self, at: QPointF) -> str:
        if self.bars is None:
            return str(self.toolTip())
        if self._gesture:  # a gesture shows its own value
            return ""
        x = self.plotItem.vb.mapSceneToView(self.mapToScene(at.toPoint())).x()
        return f"{self.text_of(self._bar_at(x))}\n\n{USAGE}"

    def shape(self, numbers: Sequence[int], values: Sequence[float]) -> None:
        """Set values of bars as one gesture, for the buttons beside the plot."""
        self.began.emit("Edit w")
        self.shaped.emit(list(numbers), list(values))
        self.ended.emit()
