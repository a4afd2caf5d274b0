"""The meaning of keys for a slider that has the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt

from explorer.util.numbers import begins_number

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

__all__ = ["SliderKey", "is_for_slider", "slider_key"]

SliderKey = Literal["up", "down", "reset", "edit", "type", "cancel"]
"""Step up or down, reset, edit the number, type another one, cancel the gesture."""

_Modifier = Qt.KeyboardModifier
_TYPING = _Modifier.ShiftModifier | _Modifier.KeypadModifier | _Modifier.GroupSwitchModifier
_KEYS: dict[int, SliderKey] = {
    Qt.Key.Key_Right: "up",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Left: "down",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Home: "reset",
    Qt.Key.Key_Backspace: "reset",
    Qt.Key.Key_Delete: "reset",
    Qt.Key.Key_Return: "edit",
    Qt.Key.Key_Enter: "edit",
    Qt.Key.Key_Escape: "cancel",
}


def slider_key(event: QKeyEvent) -> SliderKey | None:
    """Return what a key does; None for keys that mean nothing to a slider."""
    known = _KEYS.get(event.key())
    return known or ("type" if _begins_number(event) else None)


def is_for_slider(event: QKeyEvent, *, is_dragging: bool) -> bool:
    """Return whether the slider receives a key in place of the window's shortcuts."""
    key = slider_key(event)
    return key in ("up", "down", "type") or (key == "cancel" and is_dragging)


def _begins_number(event: QKeyEvent) -> bool:
    """Return whether a key begins a number, also with Shift or on the keypad, but not with Ctrl or Alt."""
    return begins_number(event.text()) and not event.modifiers() & ~_TYPING
