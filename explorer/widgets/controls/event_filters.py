"""What widgets say to events that Qt has no method of its own for: keys before shortcuts, tool tips of a place.

No widget overrides `event`: an exception that leaves a method of Python reached from there (such as
`mouseMoveEvent`, called by `super().event`) can end the process instead of becoming a message. A filter has
returned before Qt calls the method.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QToolTip, QWidget

from explorer.util.numbers import begins_number
from explorer.widgets.controls.plain_text import tip_text

__all__ = ["keep_keys", "keep_space", "leave_letters", "tell_places"]


class _Filter(QObject):
    """Answers the events of one kind before `widget` sees them; where the answer is True, it does not."""

    def __init__(self, widget: QWidget, kind: QEvent.Type, answer: Callable[[QEvent], bool]) -> None:
        super().__init__(widget)
        self._kind, self._answer = kind, answer
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return event.type() == self._kind and self._answer(event)


def keep_keys(widget: QWidget, wants: Callable[[QKeyEvent], bool]) -> None:
    """Gives `widget`, while it has the focus, the keys it `wants` before the window's shortcuts take them."""

    def answer(event: QEvent) -> bool:
        if not (isinstance(event, QKeyEvent) and wants(event)):
            return False
        event.accept()
        return True

    _Filter(widget, QEvent.Type.ShortcutOverride, answer)


def keep_space(widget: QWidget) -> None:
    """A button with the focus is pressed by Space; elsewhere it plays."""
    keep_keys(widget, lambda event: event.key() == Qt.Key.Key_Space)


def leave_letters(
    widget: QLineEdit, enter: Callable[[], object], goes_on: Callable[[str], bool] | None = None
) -> None:
    """Leaves keys that no number is written with to the window's shortcuts.

    Args:
        widget: A number's field, which has the focus.
        enter: Takes what was typed before that key.
        goes_on: Whether a text with that key behind it may become a number and its unit; asked once something was
            typed. None takes no units.
    """

    def answer(event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or not event.text().isprintable():
            return False
        if not event.text() or begins_number(event.text()):
            return False
        before = widget.text()[: widget.cursorPosition()]
        if goes_on is not None and widget.isModified() and goes_on(before + event.text()):
            return False
        enter()
        event.ignore()
        return True

    _Filter(widget, QEvent.Type.ShortcutOverride, answer)


def tell_places(widget: QWidget, text_at: Callable[[QPointF], str]) -> None:
    """Shows a tool tip that depends on the place under the mouse, in pixels of `widget`; "" leaves it as it is."""

    def answer(event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and (text := text_at(QPointF(event.pos()))):
            QToolTip.showText(event.globalPos(), tip_text(text, limit=None), widget)
        return True

    _Filter(widget, QEvent.Type.ToolTip, answer)
