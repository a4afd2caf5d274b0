"""What the parts of the window that carry out the menus' commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.widgets.window.main_window import MainWindow

__all__ = ["WindowPart"]


class WindowPart(QObject):
    """Commands on the window and its session. Everything that changes the picture goes through the session."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window

    @property
    def session(self) -> Session:
        """The session; menus are greyed until there is one."""
        session = self.window.session
        assert session is not None
        return session
