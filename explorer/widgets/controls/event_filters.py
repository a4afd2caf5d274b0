"""Event filters for events without a handler method in Qt: shortcut overrides and positional tooltips.

No widget overrides `event`: an exception raised in a Python method called from there (such as
`mouseMoveEvent`, called by `super().event`) can end the process instead of being reported. A filter has
returned before Qt calls the method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent

from explorer.util.numbers import begins_number
from explorer.widgets.controls.plain_text import show_tip

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLineEdit, QWidget

__all__ = ["claim_keys", "claim_space", "pass_letters", "positional_tooltip"]


class _Filter(QObject):
    """Calls `answer` with each event of one kind before `widget` receives it; True consumes the event."""

    def __init__(self, widget: QWidget, kind: QEvent.Type, answer: Callable[[QEvent], bool]) -> None:
        super().__init__(widget)
        self._kind, self._answer = kind, answer
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return event.type() == self._kind and self._answer(event)


def claim_keys(widget: QWidget, wants: Callable[[QKeyEvent], bool]) -> None:
    """Let `widget`, while it has the focus, receive the keys it `wants` in place of the window's shortcuts."""

    def answer(event: QEvent) -> bool:
        if not (isinstance(event, QKeyEvent) and wants(event)):
            return False
        event.accept()
        return True

    _Filter(widget, QEvent.Type.ShortcutOverride, answer)


def claim_space(widget: QWidget) -> None:
    """Let Space press a button that has the focus, instead of starting playback."""
    claim_keys(widget, lambda event: event.key() == Qt.Key.Key_Space)


def pass_letters(
    widget: QLineEdit, enter: Callable[[], object], may_extend: Callable[[str], bool] | None = None
) -> None:
    """Pass keys that are not part of a number on to the window's shortcuts.

    Args:
        widget: A number field that has the focus.
        enter: Commits the text typed before that key.
        may_extend: Whether the text with that key appended can become a number with its unit; called once
            something was typed. None accepts no units.
    """

    def answer(event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or not event.text().isprintable():
            return False
        if not event.text() or begins_number(event.text()):
            return False
        before = widget.text()[: widget.cursorPosition()]
        if may_extend is not None and widget.isModified() and may_extend(before + event.text()):
            return False
        enter()
        event.ignore()
        return True

    _Filter(widget, QEvent.Type.ShortcutOverride, answer)


def positional_tooltip(widget: QWidget, text_at: Callable[[QPointF], str]) -> None:
    """Show a tooltip that depends on the pointer's position in `widget`; "" keeps the usual one."""

    def answer(event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and (text := text_at(QPointF(event.pos()))):
            show_tip(event.globalPos(), text, widget)
        return True

    _Filter(widget, QEvent.Type.ToolTip, answer)
