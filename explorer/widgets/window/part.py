"""What the parts of the window that carry out the menus' commands have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QMenu, QWidget

    from explorer.session import Session
    from explorer.session.settings import Settings
    from explorer.widgets.timeline.dock import TimelineDock
    from explorer.widgets.viewer.before_after import BeforeAfter
    from explorer.widgets.viewer.notices import Offer
    from explorer.widgets.viewer.view_area import ViewArea

__all__ = ["WindowBase", "WindowPart"]


class WindowBase(QMainWindow):
    """What commands may use of the window; `MainWindow` implements it.

    Commands import this class and the window imports the commands, so that there is no circle of imports. `views`,
    `before` and `timeline` exist once there is a session.

    Attributes:
        session: None until the libraries are loaded; menus are disabled until then.
        settings: What is kept between runs of the program.
        asks_before_discarding: Whether closing and opening ask about unsaved changes.
        menus: By title or, for submenus, by key.
        middle: Parent of what is shown over the pictures.
        views: The pictures.
        before: Compares the picture with the one before edits.
        timeline: The dock under the pictures.
    """

    session: Session | None
    settings: Settings
    asks_before_discarding: bool
    menus: dict[str, QMenu]
    middle: QWidget
    views: ViewArea
    before: BeforeAfter
    timeline: TimelineDock

    @property
    def is_unsaved(self) -> bool:
        """Whether there are changes of the user's own that are not on disk."""
        raise NotImplementedError

    @property
    def shows_timeline(self) -> bool:
        """Whether the timeline is open."""
        raise NotImplementedError

    def show_timeline(self, on: bool) -> None:
        """Open or fold the timeline."""
        raise NotImplementedError

    def say(self, text: str, offer: Offer | None = None) -> None:
        """Show a message that goes away by itself."""
        raise NotImplementedError

    def show_problem(self, error: object, offers: Sequence[Offer] = (), view: int | None = None) -> None:
        """Show an error over a view's picture, the active one by default, with ways out."""
        raise NotImplementedError

    def show_state(self) -> None:
        """Bring the menus up to date."""
        raise NotImplementedError

    def touched(self) -> None:
        """End the welcome: the user has begun."""
        raise NotImplementedError

    def reveal(self, key: str) -> None:
        """Bring a panel into view."""
        raise NotImplementedError

    def open_film(self) -> None:
        """Open the dialog that renders films."""
        raise NotImplementedError

    def set_full_screen(self, on: bool) -> None:
        """Show only the pictures on the whole screen, or the window."""
        raise NotImplementedError


class WindowPart(QObject):
    """Commands on the window and its session. Everything that changes the picture goes through the session."""

    def __init__(self, window: WindowBase) -> None:
        super().__init__(window)
        self.window = window

    @property
    def session(self) -> Session:
        """The session; menus are disabled until there is one."""
        session = self.window.session
        assert session is not None
        return session
