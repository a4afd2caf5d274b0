"""The mouse wheel over a control in a scrolling panel: when it changes the control, and by how many steps."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QWidget

__all__ = ["NOTCH", "Wheel"]

NOTCH = 120
"""Qt's angle delta for one notch of a mouse wheel, in eighths of a degree. Touchpads send smaller deltas."""

_SCROLL_PAUSE = 0.4  # seconds without a wheel event after which scrolling has ended


class Wheel:
    """Interprets the mouse wheel over one control.

    The wheel scrolls the panel, even if that moves a control under the pointer. It changes the control only with
    Ctrl held, or if the control has the focus and the panel is not being scrolled. GUI thread only.

    Args:
        control: The widget whose `wheelEvent` uses this.
        needs_focus: Whether it needs the focus for that; not a map, which nobody expects to scroll past.
    """

    _scrolled_at: ClassVar[float] = float("-inf")

    def __init__(self, control: QWidget, *, needs_focus: bool = True) -> None:
        self._control, self._needs_focus = control, needs_focus
        self._rest = 0

    @classmethod
    def note_scroll(cls) -> None:
        """Record that a panel is being scrolled: events that follow soon also scroll it."""
        cls._scrolled_at = monotonic()

    def is_meant(self, event: QWheelEvent) -> bool:
        """Return whether an event changes the control; if not, ignore it so that the panel scrolls."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return True
        return (
            self._control.hasFocus() or not self._needs_focus
        ) and monotonic() - Wheel._scrolled_at > _SCROLL_PAUSE

    def notches(self, event: QWheelEvent) -> float:
        """Return the wheel's rotation in notches, positive upwards; fractional for a touchpad."""
        return self._delta(event) / NOTCH

    def steps(self, event: QWheelEvent) -> int:
        """Return the whole notches that this event completes; the remainder counts towards the next one."""
        delta = self._delta(event)
        if delta * self._rest < 0:
            self._rest = 0  # the direction changed: drop the remainder
        turned = self._rest + delta
        steps = int(turned / NOTCH)  # towards zero
        self._rest = turned - steps * NOTCH
        return steps

    @staticmethod
    def _delta(event: QWheelEvent) -> int:
        return event.angleDelta().y() or event.angleDelta().x()  # Alt makes the wheel horizontal
