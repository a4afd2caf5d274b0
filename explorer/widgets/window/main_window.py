"""The main window: pictures in the centre, panels in two columns, menus, and their saved layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QMainWindow, QMessageBox, QVBoxLayout, QWidget

from explorer import __version__
from explorer.util.plain_text import LIMIT
from explorer.widgets.controls.basic import label
from explorer.widgets.controls.gesture_timeout import GestureTimeout
from explorer.widgets.controls.plain_text import error_text, title_text
from explorer.widgets.controls.theme import GRID
from explorer.widgets.window.actions import build_menus
from explorer.widgets.window.alerts import Alerts
from explorer.widgets.window.file_commands import FileCommands
from explorer.widgets.window.file_drops import FileDrops
from explorer.widgets.window.lab_commands import LabCommands
from explorer.widgets.window.menu_commands import MenuCommands
from explorer.widgets.window.menu_state import show_menu_state, show_undo
from explorer.widgets.window.part import WindowBase
from explorer.widgets.window.shortcut_sheet import HelpSheet
from explorer.widgets.window.sidebars import Sidebars
from explorer.widgets.window.toast import Toast
from explorer.widgets.window.top_bar import TopBar, device_text
from explorer.widgets.window.turn_hint import turn_hint
from explorer.widgets.window.view_actions import fill_pairs
from explorer.widgets.window.welcome import Welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import (
        QCloseEvent,
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
        QKeyEvent,
        QResizeEvent,
    )

    from explorer.session import Session
    from explorer.session.settings import Settings
    from explorer.state import ExplorerState
    from explorer.widgets.film.dialog import FilmDialog
    from explorer.widgets.viewer.notices import Offer

__all__ = ["MainWindow"]

FIRST_SIZE = QSize(1440, 900)
"""Size of the window at the first start, in logical pixels; on a smaller screen the window is maximised."""

MIN_SIZE = QSize(1040, 600)
"""Minimum size: two narrow columns and half of the width for the pictures; less on a very small screen."""

FRAME = QSize(16, 48)
"""Reserved for the borders and the title bar that window managers add, in logical pixels."""

_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
ARROW_SEEDS = 0.05


class MainWindow(WindowBase):
    """Opens empty, so that it is on screen before the heavy libraries are imported; `attach` fills it."""

    closing = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.session = None
        self.asks_before_discarding = True
        self.help_sheet: HelpSheet | None = None
        self._film: FilmDialog | None = None
        self.first_run = Welcome(self)
        self._plain_geometry: QByteArray | None = None
        self._has_hinted_at_turns = False
        self._before_tour: list[Callable[[], None]] = []  # restore the columns and the camera
        self.setWindowTitle("Latentwalk")
        self.setAcceptDrops(True)
        self.setMinimumSize(MIN_SIZE)
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AnimatedDocks)
        self.menuBar().setNativeMenuBar(False)  # its right end holds the layout buttons
        self.files = FileCommands(self)
        self.notices = Alerts(self, self.files)
        self.files.models_found.connect(self.notices.show_found)
        self.commands, self.lab_commands = MenuCommands(self, self.files, self.notices), LabCommands(self)
        self.drops = FileDrops(self, self.files)
        self.actions_by_key, self.menus = build_menus(self)
        self.top_bar = TopBar()
        self.top_bar.action_requested.connect(lambda key: self.actions_by_key[key].trigger())
        self.top_bar.panel_requested.connect(self.reveal)
        self.top_bar.failed.connect(self.show_problem)
        self.menuBar().setCornerWidget(self.top_bar, Qt.Corner.TopRightCorner)
        self.sides = Sidebars(self)
        self.middle = QWidget()
        self._middle_layout = QVBoxLayout(self.middle)
        self._middle_layout.setContentsMargins(GRID // 2, 0, GRID // 2, 0)
        self._waiting = label("Starting \u2026", "caption", limit=2 * LIMIT)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._waiting.setWordWrap(True)
        self._waiting.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._middle_layout.addWidget(self._waiting)
        self.setCentralWidget(self.middle)
        self.toast = Toast(self.middle)
        self._connect_menus()
        self.resize(FIRST_SIZE)
        self.show_state()

    # assembly --------------------------------------------------------------------------------------------

    def attach(self, session: Session) -> None:
        """Fill the window with the views and panels of a session."""
        from explorer.widgets.viewer.before_after import BeforeAfter
        from explorer.widgets.viewer.view_area import ViewArea
        from explorer.widgets.window.panel_list import make_panels

        self.session = session
        session.class_names.remember_in(self.settings)
        self.views = ViewArea(session)
        self.before = BeforeAfter(session, self.views)
        self._middle_layout.removeWidget(self._waiting)
        self._waiting.deleteLater()
        self._middle_layout.addWidget(self.notices.strip)
        self._middle_layout.addWidget(self.views)
        self.first_run.attach()
        self.sides.fill(make_panels(session, self.files, self.settings), self.settings, self.show_problem)
        self.sides.show_active(session.active)
        self._fill_panel_menu()
        self.top_bar.attach(session)
        self._add_timeline(session)
        self.toast.raise_()
        self.views.touched.connect(self.touched)
        self.views.dragged.connect(self._on_dragged)
        self.views.open_requested.connect(self.files.ask_model)
        self.views.tour.panel_requested.connect(self.reveal)
        session.lab.tour_begins.connect(self._on_tour_begins)
        session.lab.tour_ended.connect(self._on_tour_ended)
        session.channels.found_changed.connect(self._on_channels_found)
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self.show_state)
        session.saved_changed.connect(self._on_saved_changed)
        session.status.connect(self.show_message)
        session.about_to_edit.connect(GestureTimeout.finish_pending)
        session.about_to_edit.connect(self.touched)
        session.documents.project_changed.connect(lambda _: self.show_title())
        session.documents.opened.connect(self._show_opened_timeline)
        self.files.attach(session)
        self.notices.attach(session)
        self.views.camera.changed.connect(self.show_state)
        self.show_state()
        self.show_title()
        self.views.panes[0].image.setFocus()
        self.settings.report_problems(self._show_settings_problem)

    @Slot()
    def _on_channels_found(self) -> None:
        if self.session is not None and self.session.channels.found:
            self.reveal("style-channels")  # the list may not fit below what was shown

    def _add_timeline(self, session: Session) -> None:
        from explorer.widgets.timeline.dock import TimelineDock

        self.timeline = TimelineDock(session, self)
        self.timeline.film_requested.connect(lambda: self.open_film())
        # The columns keep their full height; the timeline is below the pictures only.
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
        ):
            self.setCorner(corner, area)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.timeline)
        self.timeline.setVisible(self.settings.flag("timeline"))

    def _connect_menus(self) -> None:
        recent, models, pairs = self.menus["recent"], self.menus["bundled"], self.menus["pair"]
        pairs.aboutToShow.connect(lambda: fill_pairs(pairs, self.commands))
        recent.aboutToShow.connect(lambda: self.files.fill_recent(recent))
        models.aboutToShow.connect(lambda: self.files.fill_bundled(models))
        for menu in self.menus.values():
            menu.aboutToShow.connect(self.show_state)

    def _fill_panel_menu(self) -> None:
        self.menus["panels"].clear()
        self.menus["panels"].addActions(self.sides.toggles())

    # showing ---------------------------------------------------------------------------------------------

    def show_message(self, text: str, offer: Offer | None = None) -> None:
        """Show a short message that disappears by itself, optionally with a button."""
        self.toast.show_message(text, offer)

    def show_placeholder(self, text: str) -> None:
        """Show text in place of the pictures, explaining why the program could not start."""
        self._waiting.setText(text)

    def show_problem(self, error: object, offers: Sequence[Offer] = (), view: int | None = None) -> None:
        """Show an error over a view's picture, by default the active one's, with buttons that offer remedies."""
        if self.session is None:
            self.show_placeholder(error_text(error))
        else:
            view = self.session.active if view is None else view
            offers = offers or self.session.misfits.offers(view, error)
            self.views.panes[view].banner.show_error(error, offers=offers)

    def _show_settings_problem(self, error: object) -> None:
        """Show it over the inactive picture if there is one: the active one may offer an unsaved session."""
        active = self.views.active_pane()
        others = [pane for pane in self.views.panes if pane is not active and not pane.isHidden()]
        (others or [active])[0].banner.show_error(error)

    def show_state(self) -> None:
        """Update check marks, enabled entries and undo names of the menus."""
        show_menu_state(self, self.commands, self.actions_by_key)

    def show_title(self) -> None:
        """Show the project's name in the title, with a mark while it has unsaved changes."""
        self.setWindowTitle(f"{title_text(self.files.title)}[*] \u2013 Latentwalk")
        self.setWindowModified(self.is_unsaved)

    @property
    def is_unsaved(self) -> bool:
        """Whether there are unsaved changes made by the user; the welcome's drift does not count."""
        store = self.session.store if self.session is not None else None
        return store is not None and not store.is_saved()

    def show_help(self) -> None:
        """Show all shortcuts and gestures on one sheet."""
        if self.help_sheet is None:
            menus = [(title, menu.actions()) for title, menu in self.menus.items() if title.istitle()]
            self.help_sheet = HelpSheet(self, menus)
        self.help_sheet.open()

    def show_device(self) -> None:
        """Open the menu of the device badge at the top right."""
        if self.session is not None:
            self.show_message(device_text(self.session))
            self.top_bar.open_device_menu()

    def show_about(self) -> None:
        """Show version and licence."""
        QMessageBox.about(
            self,
            "About Latentwalk",
            f"Latentwalk {__version__}\n\nExplores the latent space of style-based image generators interactively, "
            "in real time.\n\nMIT licence. Models keep their own licences; the Model panel names them.",
        )

    @property
    def shows_timeline(self) -> bool:
        """Whether the timeline is open."""
        return self.session is not None and not self.timeline.isHidden()

    def show_timeline(self, on: bool) -> None:
        """Show or hide the timeline below the pictures."""
        if self.session is not None:
            self.timeline.setVisible(on)
            self.settings.set("timeline", on)
            self.show_state()

    def _show_opened_timeline(self) -> None:
        """Show the timeline of a project or film that has one."""
        if self.session is not None and self.session.transport.has_animation:
            self.show_timeline(True)

    def open_film(self, layout: str = "") -> None:
        """Open the dialog that renders films, in a layout if one is named; it does not block the window."""
        from explorer.widgets.film.dialog import FilmDialog

        if self.session is not None:
            if self._film is None:
                self._film = FilmDialog(self, self.session, self.settings)
                self._film.status.connect(self.show_message)
                self._film.failed.connect(self.show_problem)
            self._film.open()
            if layout:
                self._film.settings.choose_layout(layout)

    def reveal(self, key: str) -> None:
        """Make a panel visible."""
        self.sides.reveal(key)

    def reset_panels(self) -> None:
        """Move every panel back to its default position."""
        self.sides.reset()

    def set_full_screen(self, on: bool) -> None:
        """Enter or leave full screen, which shows only the pictures."""
        self.sides.set_visible(not on)
        if self.session is not None:
            self.timeline.setVisible(not on and self.settings.flag("timeline"))
        self.menuBar().setVisible(not on)
        if on:
            self._plain_geometry = self.saveGeometry()
            self.showFullScreen()
            self.show_message("Esc or F exits full screen")
        else:
            self.showNormal()
            if self._plain_geometry is not None:
                self.restoreGeometry(self._plain_geometry)
        self.show_state()

    # from the session ------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        assert self.session is not None
        self.first_run.end_if_edited()
        self.setWindowModified(self.is_unsaved)
        if len(old.views) != len(new.views):
            self.show_state()  # a single view cannot be compared or removed
        if old.active != new.active:
            self.sides.show_active(new.active)
            self.show_state()
        # Only what shortcuts depend on; the rest is updated when a menu opens.
        show_undo(self.session, self.actions_by_key)

    @Slot(str, float, float)
    def _on_dragged(self, mode: str, dx: float, dy: float) -> None:
        assert self.session is not None
        if mode == "rotate" and not self._has_hinted_at_turns:
            self._has_hinted_at_turns = True
            if (hint := turn_hint(self.session)) is not None:
                self.show_message(*hint)

    @Slot()
    def _on_tour_begins(self) -> None:
        self._before_tour = [self.sides.arrangement(), self.views.camera.keep()]
        self.views.camera.reset()  # the tour points at the whole picture
        for pane in self.views.panes:
            pane.banner.clear()

    @Slot()
    def _on_tour_ended(self) -> None:
        before, self._before_tour = self._before_tour, []
        for bring_back in before:
            bring_back()

    @Slot(bool)
    def _on_saved_changed(self, is_saved: bool) -> None:
        self.show_title()

    # first run -------------------------------------------------------------------------------------------

    def welcome(self) -> None:
        """Show the first hints over a moving picture."""
        self.first_run.start()

    def touched(self) -> None:
        """End the welcome on the first user input: hide the hints and stop the drift."""
        self.first_run.end()

    # events ----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self.session is not None and self.session.channels.is_marking:
            self.session.channels.set_marking(False)
        elif key == Qt.Key.Key_Escape and self.isFullScreen():
            self.set_full_screen(False)
        elif key in _ARROWS and self.session is not None:
            dx, dy = _ARROWS[key]
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.commands.nudge(dx * ARROW_SEEDS, dy * ARROW_SEEDS, picture=shift)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.drops.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self.drops.move(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        self.drops.drop(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.sides.limit(self.width() // 4 - 4)  # 4 px for the divider between column and pictures
        super().resizeEvent(event)
        self.toast.reposition()
        self.first_run.reposition()

    def open(self) -> None:
        """Show the window at its last position; the first time, no larger than the screen."""
        room = self.screen().availableSize() - FRAME
        self.setMinimumSize(MIN_SIZE.boundedTo(room))
        self.resize(FIRST_SIZE.boundedTo(room))
        geometry = self.settings.blob("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        elif self.size() != FIRST_SIZE:
            self.setWindowState(Qt.WindowState.WindowMaximized)
        self.show()

    def closeEvent(self, event: QCloseEvent) -> None:
        GestureTimeout.finish_pending()
        if self.session is not None and not (self.files.may_discard() and self.files.may_stop_film()):
            event.ignore()
            return
        if self.isFullScreen():
            self.set_full_screen(False)
        self.settings.set("geometry", self.saveGeometry())
        self.sides.remember(self.settings)
        self.settings.sync()
        self.closing.emit()
        super().closeEvent(event)
