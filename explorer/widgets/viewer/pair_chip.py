"""The chip of a view in a heading; in a wipe or flicker with more views, a click chooses another view."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from explorer.state.view_layout import compared
from explorer.util.view_marks import letter
from explorer.widgets.controls.plain_text import menu_text, set_tip
from explorer.widgets.controls.view_chip import ViewChip

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent

    from explorer.session import Session

__all__ = ["PairChip"]


class PairChip(ViewChip):
    """The mark of one of the two views that are compared.

    Args:
        session: The session.
        side: 0 for the first of the two, 1 for the second.
        view: Number of the view.
    """

    def __init__(self, session: Session, side: int, view: int = 0) -> None:
        super().__init__(view)
        self._session, self._side = session, side
        self._menu: QMenu | None = None
        self._is_choosing = False

    def set_choosing(self, on: bool) -> None:
        """Enable or disable choosing another view by a click."""
        self._is_choosing = on
        self.setCursor(Qt.CursorShape.PointingHandCursor if on else Qt.CursorShape.ArrowCursor)
        set_tip(self, "Choose another view to compare" if on else "")

    def menu(self) -> QMenu:
        """Return the menu of views to choose; choosing the other side's view swaps the two."""
        if self._menu is None:
            self._menu = QMenu(self)
        self._menu.clear()
        state = self._session.state
        for view in range(len(state.views)):
            model_info = self._session.model_info(view)
            name = f"{letter(view)}   {model_info.name}" if model_info else letter(view)
            action = self._menu.addAction(menu_text(name), partial(self._choose, view))
            action.setCheckable(True)
            action.setChecked(view == compared(state)[self._side])
        return self._menu

    def _choose(self, view: int) -> None:
        first, second = compared(self._session.state)
        here, there = (first, second) if self._side == 0 else (second, first)
        if view == there:
            there = here
        self._session.views.set_pair(*((view, there) if self._side == 0 else (there, view)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._is_choosing:
            self.menu().popup(self.mapToGlobal(self.rect().bottomLeft()))
        else:
            event.ignore()  # handled by the heading
