"""Base class of all panels: a name, a column of rows, and a binder to the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget

from explorer.errors import LatentwalkError
from explorer.widgets.controls.bindings import Binder
from explorer.widgets.controls.theme import GRID

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["Panel"]


class Panel(QWidget):
    """A panel of controls for one part of the look. Subclasses create rows with `add` and bind them.

    `key` names the panel in the settings, `title` is its heading.
    """

    key = ""
    title = ""
    is_of_active_view = True
    """Whether the controls affect the active view only, and not all views."""

    problem = Signal(object)  # a LatentwalkError to show to the user

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.bind = Binder(session, self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(GRID, 0, GRID, GRID)
        self._column.setSpacing(GRID // 2)

    def add(self, item: QWidget | QLayout | int) -> None:
        """Append a row: a widget, a layout, or a gap in pixels."""
        if isinstance(item, int):
            self._column.addSpacing(item)
        elif isinstance(item, QLayout):
            self._column.addLayout(item)
        else:
            self._column.addWidget(item)

    def attempt(self, callback: Callable[[], object]) -> None:
        """Run a callback that may fail because of user input, such as an invalid file, and report the error."""
        try:
            callback()
        except LatentwalkError as error:
            self.problem.emit(error)
