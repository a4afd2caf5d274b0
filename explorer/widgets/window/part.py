"""Base classes of the main window and of the objects that carry out its menu commands."""

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
    """The interface of the window that commands may use; `MainWindow` implements it.

    Commands import this class and the window imports the commands, which avoids an import cycle. `views`,
    `before` and `timeline` exist once there is a session.

    Attributes:
        session: None until the libraries are loaded; menus are disabled until then.
        settings: Values stored between runs of the program.
        asks_before_discarding: Whether to ask about unsaved changes before closing and opening.
        menus: By title or, for submenus, by key.
        middle: Parent of what is shown over the pictures.
        views: The pictures.
        before: The before/after comparison.
        timeline: The dock below the pictures.
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
        """Whether there are unsaved changes made by the user."""
        raise NotImplementedError

    @property
    def shows_timeline(self) -> bool:
        """Whether the timeline is open."""
        raise NotImplementedError

    def show_timeline(self, on: bool) -> None:
        """Show or hide the timeline."""
        raise NotImplementedError

    def show_message(self, text: str, offer: Offer | None = None) -> None:
        """Show a message that disappears by itself."""
        raise NotImplementedError

    def show_problem(self, error: object, offers: Sequence[Offer] = (), view: int | None = None) -> None:
        """Show an error over a view's picture, by default the active one's, with buttons that offer remedies."""
        raise NotImplementedError

    def show_state(self) -> None:
        """Update the menus."""
        raise NotImplementedError

    def touched(self) -> None:
        """End the welcome on the first user input."""
        raise NotImplementedError

    def reveal(self, key: str) -> None:
        """Make a panel visible."""
        raise NotImplementedError

    def open_film(self, layout: str = "") -> None:
        """Open the dialog that renders films, in a layout if one is named."""
        raise NotImplementedError

    def set_full_screen(self, on: bool) -> None:
        """Enter or leave full screen, which shows only the pictures."""
        raise NotImplementedError


class WindowPart(QObject):
    """Commands on the window and its session. Everything that changes the picture goes through the session."""

    def __init__(self, window: WindowBase) -> None:
        super().__init__(window)
        self.window = window

    @property
    def session(self) -> Session:
        """The session; menus are disabled until it exists."""
        session = self.window.session
        assert session is not None
        return session
