"""The main window: pictures in the middle, panels in two columns, menus, and what is remembered of all that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMessageBox, QVBoxLayout, QWidget

from explorer import __version__
from explorer.errors import LatentwalkError
from explorer.settings import Settings
from explorer.state import ExplorerState
from explorer.widgets.actions import build_menus
from explorer.widgets.cards import Hints
from explorer.widgets.gestures import HINTS
from explorer.widgets.help_sheet import HelpSheet
from explorer.widgets.lab_deeds import LabDeeds
from explorer.widgets.parts import label
from explorer.widgets.pause import Pause
from explorer.widgets.sides import Sides
from explorer.widgets.theme import GRID, theme
from explorer.widgets.toast import Toast
from explorer.widgets.top_bar import TopBar, device_text
from explorer.widgets.window_deeds import WindowDeeds
from explorer.widgets.window_files import WindowFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.session import Session
    from explorer.widgets.before import BeforeAfter
    from explorer.widgets.film_dialog import FilmDialog
    from explorer.widgets.timeline_dock import TimelineDock
    from explorer.widgets.view_area import ViewArea
    from explorer.widgets.window_files import Offer

__all__ = ["MainWindow"]

FIRST_HINTS = (HINTS[0], HINTS[1], ("R", "a random seed; H shows all keys"))
_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
ARROW_SEEDS = 0.05


class MainWindow(QMainWindow):
    """Opens as an empty frame, so that it is on screen before the heavy libraries are read; `attach` fills it."""

    recent_changed = Signal()
    closing = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.session: Session | None = None
        self.asks_before_discarding = True
        self.help_sheet: HelpSheet | None = None
        self._film: FilmDialog | None = None
        self._welcome = 0.0  # latents a second that the first picture drifts, until it is touched
        self._touched_soon = QTimer(self, singleShot=True, interval=0)
        self._touched_soon.timeout.connect(self.touched)
        self._plain_geometry: QByteArray | None = None
        self.setWindowTitle("Latentwalk")
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(1040, 600))  # two narrow columns, and half of it for the pictures
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AnimatedDocks)
        self.menuBar().setNativeMenuBar(False)  # its right end carries the layout buttons
        self.files, self.deeds, self.lab_deeds = WindowFiles(self), WindowDeeds(self), LabDeeds(self)
        self.actions_by_key, self.menus = build_menus(self)
        self.top_bar = TopBar()
        self.top_bar.deed_wanted.connect(lambda key: self.actions_by_key[key].trigger())
        self.top_bar.panel_wanted.connect(self.reveal)
        self.top_bar.failed.connect(self.show_problem)
        self.menuBar().setCornerWidget(self.top_bar, Qt.Corner.TopRightCorner)
        self.sides = Sides(self)
        self.middle = QWidget()
        self._middle_layout = QVBoxLayout(self.middle)
        self._middle_layout.setContentsMargins(GRID // 2, 0, GRID // 2, 0)
        self._waiting = label("Starting \u2026", "faint")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._waiting.setWordWrap(True)
        self._waiting.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._middle_layout.addWidget(self._waiting)
        self.setCentralWidget(self.middle)
        self.toast = Toast(self.middle)
        self._connect_menus()
        self._restore_geometry()
        self.show_state()

    # assembly --------------------------------------------------------------------------------------------

    def attach(self, session: Session) -> None:
        """Fill the frame with the views and panels of a session."""
        from explorer.widgets.before import BeforeAfter
        from explorer.widgets.panels import make_panels
        from explorer.widgets.view_area import ViewArea

        self.session = session
        self.views: ViewArea = ViewArea(session)
        self.before: BeforeAfter = BeforeAfter(session, self.views)
        self._middle_layout.removeWidget(self._waiting)
        self._waiting.deleteLater()
        self._middle_layout.addWidget(self.views)
        self.hints = Hints(self.middle, FIRST_HINTS)
        self.sides.fill(make_panels(session, self.files), self.settings, self.show_problem)
        self._fill_panel_menu()
        self.top_bar.attach(session)
        self._add_timeline(session)
        self.toast.raise_()
        for pane in self.views.panes:
            pane.image.touched.connect(self.touched)
            pane.empty.open_wanted.connect(lambda v=pane.view: self.files.ask_model(v))
        self.views.tour.panel_wanted.connect(self.reveal)
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model_changed)
        session.saved_changed.connect(self._on_saved_changed)
        session.status.connect(self.say)
        session.about_to_edit.connect(Pause.settle)
        session.documents.project_changed.connect(lambda _: self.show_title())
        self.views.camera.changed.connect(self.show_state)
        self.show_state()
        self.show_title()
        self.views.panes[0].image.setFocus()

    def _add_timeline(self, session: Session) -> None:
        from explorer.widgets.timeline_dock import TimelineDock

        self.timeline: TimelineDock = TimelineDock(session, self)
        self.timeline.film_wanted.connect(self.open_film)
        # The columns keep their whole height; the timeline lies under the pictures alone.
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
        ):
            self.setCorner(corner, area)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.timeline)
        self.timeline.setVisible(self.settings.flag("timeline"))

    def _connect_menus(self) -> None:
        recent, models = self.menus["recent"], self.menus["bundled"]
        recent.aboutToShow.connect(lambda: self.files.fill_recent(recent))
        models.aboutToShow.connect(lambda: self.files.fill_bundled(models))
        for menu in self.menus.values():
            menu.aboutToShow.connect(self.show_state)

    def _fill_panel_menu(self) -> None:
        self.menus["panels"].clear()
        self.menus["panels"].addActions(self.sides.toggles())

    # showing ---------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A few words that go away by themselves."""
        self.toast.say(text)

    def say_instead(self, text: str) -> None:
        """Words where the pictures would be, while there are none: why the program did not come further."""
        self._waiting.setText(text)

    def show_problem(self, error: object, offers: Sequence[Offer] = ()) -> None:
        """An error over the active picture, to read and to copy, with ways out."""
        text = str(error) if isinstance(error, LatentwalkError) else f"{type(error).__name__}: {error}"
        if self.session is None:
            self.say_instead(text)
        else:
            self.views.active_pane().banner.show_fault(text, offers=offers)

    def show_state(self) -> None:
        """Check marks, greyed entries and undo names of the menus."""
        session, actions = self.session, self.actions_by_key
        loaded = session is not None and session.info(session.state.active) is not None
        for action in actions.values():
            needs = action.property("needs")
            action.setEnabled(not needs or (session is not None and (needs != "picture" or loaded)))
        actions["theme"].setChecked(theme().name == "dark")
        actions["fullscreen"].setChecked(self.isFullScreen())
        if session is None:
            return
        state, store, look = session.state, session.store, session.look()
        for layout in ("a", "b", "both", "wipe", "flicker"):
            actions[f"view_{layout}"].setChecked(state.layout == layout)
        for key, verb, name, possible in (
            ("undo", "Undo", store.undo_name, store.can_undo),
            ("redo", "Redo", store.redo_name, store.can_redo),
        ):
            actions[key].setText(f"{verb} {name}".strip())
            actions[key].setEnabled(possible)
        actions["smooth"].setChecked(self.views.camera.is_smooth)
        actions["grid"].setChecked(self.views.camera.shows_grid)
        actions["link"].setChecked(self.deeds.are_linked)
        actions["before"].setChecked(self.before.is_on)
        actions["play"].setChecked(session.clock.is_playing or session.deck.is_playing)
        actions["timeline"].setChecked(self.shows_timeline)
        actions["record"].setChecked(session.deck.is_recording)
        actions["drift"].setChecked(look.drift != 0)
        transform, lab = look.transform, state.lab
        actions["scan"].setChecked(lab.scan)
        actions["scan_follow"].setChecked(lab.slit.follows)
        actions["average"].setChecked(lab.average != "none")
        actions["undone"].setChecked(transform.untransform and transform.residual == "none")
        actions["heat"].setChecked(transform.residual == "heat")
        actions["tour"].setChecked(lab.tour > 0)
        for kind in ("still", "circle", "spin", "shake"):
            actions[kind].setChecked(look.transform.animation.kind == ("none" if kind == "still" else kind))

    def show_title(self) -> None:
        """The project's name, with a mark while it has unsaved changes."""
        name = self.files.project.name if self.files.project else "Untitled"
        self.setWindowTitle(f"{name}[*] \u2013 Latentwalk")
        self.setWindowModified(self.is_unsaved)

    @property
    def is_unsaved(self) -> bool:
        """Whether there are changes of the user's own (a drift that welcomes is none) that are not on disk."""
        store = self.session.store if self.session is not None else None
        return store is not None and not store.is_saved()

    def show_help(self) -> None:
        """All keys and gestures on one page."""
        if self.help_sheet is None:
            menus = [(title, menu.actions()) for title, menu in self.menus.items() if title.istitle()]
            self.help_sheet = HelpSheet(self, menus)
        self.help_sheet.open()

    def show_device(self) -> None:
        """Explain the badge at the top right."""
        if self.session is not None:
            self.say(device_text(self.session))
            self.top_bar.open_device_menu()

    def show_about(self) -> None:
        """Version and licence."""
        QMessageBox.about(
            self,
            "About Latentwalk",
            f"<b>Latentwalk {__version__}</b><p>Explores the latent space of style-based image generators by hand, "
            "in real time.</p><p>MIT licence. Models keep their own licences; the Model panel names them.</p>",
        )

    @property
    def shows_timeline(self) -> bool:
        """Whether the timeline is open."""
        return self.session is not None and not self.timeline.isHidden()

    def show_timeline(self, on: bool) -> None:
        """Open or fold the timeline under the pictures."""
        if self.session is not None:
            self.timeline.setVisible(on)
            self.settings.set("timeline", on)
            self.show_state()

    def open_film(self) -> None:
        """The page that renders films; it stays usable with the window."""
        from explorer.widgets.film_dialog import FilmDialog

        if self.session is not None:
            if self._film is None:
                self._film = FilmDialog(self, self.session, self.settings)
                self._film.said.connect(self.say)
                self._film.failed.connect(self.show_problem)
            self._film.open()

    def reveal(self, key: str) -> None:
        """Bring a panel into view."""
        self.sides.reveal(key)

    def reset_panels(self) -> None:
        """Every panel back to its place."""
        self.sides.reset()

    def set_full_screen(self, on: bool) -> None:
        """Only the pictures, or the window as it was."""
        self.sides.set_visible(not on)
        if self.session is not None:
            self.timeline.setVisible(not on and self.settings.flag("timeline"))
        self.menuBar().setVisible(not on)
        if on:
            self._plain_geometry = self.saveGeometry()
            self.showFullScreen()
            self.say("Esc or F leaves the full screen")
        else:
            self.showNormal()
            if self._plain_geometry is not None:
                self.restoreGeometry(self._plain_geometry)
        self.show_state()

    # from the session ------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        assert self.session is not None
        if self._welcome and (self.session.store.in_stroke or self.session.store.can_undo):
            self._touched_soon.start()
        self.setWindowModified(self.is_unsaved)
        if old.active != new.active:
            self.show_state()
        # Only what shortcuts depend on; the rest is brought up to date when a menu opens.
        actions = self.actions_by_key
        actions["undo"].setEnabled(self.session.store.can_undo)
        actions["redo"].setEnabled(self.session.store.can_redo)

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        self.show_state()

    @Slot(bool)
    def _on_saved_changed(self, is_saved: bool) -> None:
        self.show_title()

    # first run -------------------------------------------------------------------------------------------

    def welcome(self) -> None:
        """The first hints over a picture that already moves."""
        assert self.session is not None
        self._welcome = self.session.state.shared.drift
        self.hints.set_shown(True)

    def touched(self) -> None:
        """The user has begun: hints go, and the welcome's drift stops where it is."""
        if not self._welcome or self.session is None:
            return
        drift, self._welcome = self._welcome, 0.0
        self.settings.set("welcomed", True)
        self.hints.set_shown(False)
        self.session.stop_drift(drift)

    # events ----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self.isFullScreen():
            self.set_full_screen(False)
        elif key in _ARROWS and self.session is not None:
            dx, dy = _ARROWS[key]
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.deeds.nudge(dx * ARROW_SEEDS, dy * ARROW_SEEDS, picture=shift)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.session is not None and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        view = self._view_at(event.position().toPoint()) if len(paths) == 1 else None
        event.acceptProposedAction()
        self.files.open_many(paths, view)

    def _view_at(self, at: QPoint) -> int | None:
        for pane in self.views.panes:
            if pane.isVisible() and pane.rect().contains(pane.mapFrom(self, at)):
                return pane.view
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.sides.limit(self.width() // 4 - 4)  # 4 px for the line between column and pictures
        super().resizeEvent(event)
        self.toast.place()
        if self.session is not None:
            self.hints.place()

    def _restore_geometry(self) -> None:
        self.resize(1440, 900)
        geometry = self.settings.blob("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)

    def closeEvent(self, event: QCloseEvent) -> None:
        Pause.settle()
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
