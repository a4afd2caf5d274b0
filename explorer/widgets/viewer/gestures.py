"""Gestures on the picture: which drag walks, moves, rotates or pans, and their descriptions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt

__all__ = ["HINTS", "UNDO_NAMES", "Drag", "Mode", "cursor_of", "describe", "is_other_button", "mode_of"]

Mode = Literal["walk", "move", "rotate", "pan"]

UNDO_NAMES: dict[Mode, str] = {"walk": "Walk", "move": "Move picture", "rotate": "Turn picture"}
"""Undo names of drags; panning does not change the state."""

HINTS: tuple[tuple[str, str], ...] = (
    ("Drag", "walk the latent plane"),
    ("Shift + drag", "move the picture"),
    ("Ctrl + drag", "rotate the picture; also Alt + drag, where it does not move windows"),
    ("Wheel", "zoom"),
    ("Middle drag", "pan the zoomed picture"),
    ("Double-click", "reset move, turn and zoom"),
    ("Esc", "cancel the drag"),
)


def mode_of(button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> Mode | None:
    """Return the mode of a drag with this button and these modifiers."""
    if button == Qt.MouseButton.MiddleButton:
        return "pan"
    if button != Qt.MouseButton.LeftButton:
        return None
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        return "move"
    # Many X11 window managers reserve Alt+drag, so Ctrl does the same.
    if modifiers & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier):
        return "rotate"
    return "walk"


def is_other_button(button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> bool:
    """Return whether a press is with the right button, or with Alt, which tools may take for the opposite."""
    is_left = button == Qt.MouseButton.LeftButton
    return button == Qt.MouseButton.RightButton or (is_left and modifiers == Qt.KeyboardModifier.AltModifier)


def cursor_of(mode: Mode | None) -> Qt.CursorShape:
    """Return the cursor of a mode."""
    shapes = {
        "walk": Qt.CursorShape.OpenHandCursor,
        "move": Qt.CursorShape.SizeAllCursor,
        "rotate": Qt.CursorShape.PointingHandCursor,
        "pan": Qt.CursorShape.ClosedHandCursor,
    }
    return shapes[mode] if mode else Qt.CursorShape.ArrowCursor


@dataclass(slots=True)
class Drag:
    """A drag in progress: converts pointer positions to steps in image widths (or degrees).

    `total` sums the steps of the drag: (x, y) in image widths, or (degrees, 0).
    """

    mode: Mode
    last: QPointF
    rect: QRectF
    total: tuple[float, float] = (0.0, 0.0)

    def step(self, to: QPointF) -> tuple[float, float]:
        """Return the step since the last call: image widths (right, down), or (degrees counter-clockwise, 0)."""
        if self.mode == "rotate":
            centre = self.rect.center()
            angle = _angle(to - centre) - _angle(self.last - centre)
            result = ((angle + 180.0) % 360.0 - 180.0, 0.0)
        else:
            width = max(1.0, self.rect.width())
            result = ((to.x() - self.last.x()) / width, (to.y() - self.last.y()) / width)
        self.last = to
        self.total = (self.total[0] + result[0], self.total[1] + result[1])
        return result


def _angle(offset: QPointF) -> float:
    """Return degrees counter-clockwise on screen, where y points down."""
    return math.degrees(math.atan2(-offset.y(), offset.x()))


def describe(mode: Mode, total: tuple[float, float]) -> str:
    """Return the overlay's text for a drag in progress."""
    first, second = total
    texts = {
        "walk": f"walk   x {first:+.2f}   y {second:+.2f} seeds",
        "move": f"move   {first:+.3f}   {second:+.3f} widths",
        "rotate": f"turn   {first:+.1f}\u00b0",
    }
    return texts.get(mode, "").replace("-", "\u2212")
