"""What the menus do to pictures and state; files are in `file_commands`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication

from explorer.errors import LatentwalkError
from explorer.state import ASPECTS, Layout, Look
from explorer.state.timeline_edits import contents
from explorer.widgets.controls.drops import local_paths
from explorer.widgets.controls.gesture_timeout import Pause
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.theme import apply_theme, theme
from explorer.widgets.window.part import WindowBase, WindowPart

if TYPE_CHECKING:
    from explorer.widgets.window.alerts import Alerts
    from explorer.widgets.window.file_commands import FileCommands

__all__ = ["MenuCommands"]

DRIFT = 0.15  # seeds a second: slow enough to watch
_STATE_PREFIX = "latentwalk:"
_HELD_MS = 700  # longer than keyboards wait before they repeat a key
_ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


def _is_arrow(watched: QObject, event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.key() in _ARROWS


class MenuCommands(WindowPart):
    """The commands behind the menus. Everything that changes the picture goes through the session."""

    def __init__(self, window: WindowBase, files: FileCommands, notices: Alerts) -> None:
        super().__init__(window)
        self._files, self._notices = files, notices
        self._nudging = ""  # what the arrow keys do, as one stroke
        self._pause = Pause(self, _is_arrow)
        self._pause.ended.connect(self._end_nudge)

    def _may_undo(self) -> bool:
        """False while a drag is running: undoing under it would tear its one step into many."""
        Pause.settle()
        return not self.session.store.in_stroke

    # state -----------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """One step back."""
        if self._may_undo():
            self.session.undo()

    def redo(self) -> None:
        """One step forward."""
        if self._may_undo():
            self.session.redo()

    def random(self) -> None:
        """A random seed."""
        self.session.edit("Random seed", latent=replace(Look().latent, seed=random_seed()))

    def snap(self) -> None:
        """The nearest seed."""
        self.session.snap()

    def reset(self) -> None:
        """All controls back to their defaults."""
        self.session.reset()

    def nudge(self, dx: float, dy: float, *, picture: bool) -> None:
        """Arrow keys: walk the plane a little, or move the picture (with Shift). A held key is one step."""
        name = "Move picture" if picture else "Walk"
        if self._nudging != name:
            self._pause.end()
            self._nudging = name
            self.session.begin(name)
        if picture:
            self.session.move(dx * 0.1, dy * 0.1)
        else:
            self.session.walk(dx, dy)
        self._pause.start(_HELD_MS)

    def _end_nudge(self) -> None:
        self._nudging = ""
        self.session.commit()

    def copy_state(self) -> None:
        """The whole state as one text on the clipboard."""
        QGuiApplication.clipboard().setText(self.session.documents.state_text())
        self.window.say("State copied")

    def paste(self) -> None:
        """A state, a latent, or files from the clipboard."""
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()
        if data is None:  # so says Qt of an empty clipboard on some platforms
            self.window.say("The clipboard is empty")
            return
        if data.hasUrls():
            self._files.open_many(local_paths(data))
            return
        text = data.text().strip()
        if not text:
            self.window.say("The clipboard holds no text")
            return
        if not text.startswith(_STATE_PREFIX):
            self._files.paste_latent(text)
            return
        before = self.session.state.timeline
        try:
            self._notices.show_found(self.session.documents.paste_state_text(text))
        except LatentwalkError as error:
            self.window.show_problem(error)
        else:
            words = contents(before)
            if words and self.session.state.timeline != before:
                self.window.say(f"The pasted state replaces a timeline with {words}. Ctrl+Z restores it.")

    # views -----------------------------------------------------------------------------------------------

    def layout(self, name: Layout) -> None:
        """Which pictures are seen, and how."""
        if len(self.session.state.views) > 1:
            self.session.set_layout(name)
        self.window.show_state()

    def show_view(self, view: int) -> None:
        """One picture alone."""
        self.session.show_view(view)
        self.window.show_state()

    def toggle_wipe(self) -> None:
        """The wipe, or all pictures again."""
        self.layout("grid" if self.session.state.layout == "wipe" else "wipe")

    def compare(self, first: int, second: int) -> None:
        """Which two views a wipe and a flicker show; the wipe begins, if there is none."""
        self.session.set_pair(first, second)
        if self.session.state.layout != "flicker":
            self.layout("wipe")

    def add_view(self) -> None:
        """One more view, with the active one's model."""
        if self._may_undo():
            self.session.add_view()
            self.window.show_state()

    def remove_view(self) -> None:
        """Without the active view."""
        if self._may_undo():
            self.session.remove_view()
            self.window.show_state()

    def toggle_flicker(self) -> None:
        """Two views in turn in one place, or all pictures again."""
        self.layout("grid" if self.session.state.layout == "flicker" else "flicker")

    def toggle_before(self) -> None:
        """The picture without what was done to it, or with it again."""
        self.window.before.toggle()

    def toggle_full_screen(self) -> None:
        """Only pictures on the whole screen, or the window again."""
        self.window.set_full_screen(not self.window.isFullScreen())

    def toggle_link(self) -> None:
        """All views share everything, or each goes its own way, the first one that of what is shared."""
        session, linked = self.session, self.are_linked
        session.begin("Unlink views" if linked else "Link views")
        for view in range(1 if linked else 0, len(session.state.views)):
            for aspect in ASPECTS:
                session.set_link(view, aspect, not linked)
        session.commit()

    @property
    def are_linked(self) -> bool:
        """Whether all views share everything."""
        return all(not view.unlinked for view in self.session.state.views)

    def swap(self) -> None:
        """The two views that a wipe compares change places: A becomes B and B becomes A."""
        self.session.swap_views()

    def zoom(self, factor: float) -> None:
        """Magnify the pictures about their middle."""
        image = self.window.views.active_image()
        self.window.views.camera.zoom_at(factor, QPointF(image.rect().center()), image.area())

    def zoom_fit(self) -> None:
        """Fit the pictures into their views."""
        self.window.views.camera.reset()

    def zoom_pixels(self) -> None:
        """One picture pixel on one screen pixel."""
        image = self.window.views.active_image()
        if image.image is not None:
            ratio = image.devicePixelRatioF()
            size = image.image.size()
            self.window.views.camera.set_zoom_pixels(1.0 / ratio, size.width(), size.height(), image.area())

    def toggle_smooth(self) -> None:
        """Interpolated or square pixels."""
        camera = self.window.views.camera
        camera.set_smooth(not camera.is_smooth)

    def toggle_grid(self) -> None:
        """Lines between pixels."""
        camera = self.window.views.camera
        camera.set_grid(not camera.shows_grid)

    def toggle_theme(self) -> None:
        """Dark or light."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        dark = theme().name != "dark"
        apply_theme(app, dark)
        self.window.settings.set("dark", dark)

    def copy_picture(self) -> None:
        """The active view's picture to the clipboard, as large as it was rendered."""
        image = self.window.views.active_pane().image.image
        if image is not None:
            QGuiApplication.clipboard().setImage(image)
            self.window.say("Picture copied")

    def close_model(self) -> None:
        """The active view shows nothing any more."""
        self.session.set_model(self.session.active, "")

    # motion ----------------------------------------------------------------------------------------------

    def toggle_play(self) -> None:
        """Play the timeline if it is seen; else let the clock run or stop it, or begin to drift."""
        session = self.session
        if session.transport.is_playing or (self.window.shows_timeline and session.transport.has_animation):
            self.window.timeline.toggle_play()
            return
        moving = any(session.is_moving(view) for view in session.visible_views())
        if session.clock.is_playing and moving:
            session.pause()
        else:
            session.play()
            if not moving:
                session.set_drift(DRIFT)
        self.window.show_state()

    def toggle_drift(self) -> None:
        """Walk by itself, or stand still."""
        self.session.set_drift(0.0 if self.session.look().drift else DRIFT)

    # timeline and film ------------------------------------------------------------------------------------

    def toggle_timeline(self) -> None:
        """The timeline under the pictures, or not."""
        self.window.show_timeline(not self.window.shows_timeline)

    def add_key(self) -> None:
        """A key of everything at the playhead."""
        self.window.show_timeline(True)
        self.session.transport.add_key()

    def toggle_record(self) -> None:
        """Record what the hands do, or end that."""
        self.window.show_timeline(True)
        self.window.timeline.toggle_record()

    def render_film(self) -> None:
        """The page that makes a film of the timeline."""
        self.window.open_film()

    def go_to_start(self) -> None:
        """The playhead to the start."""
        self.session.transport.seek(0.0)

    def step_to_key(self, direction: int) -> None:
        """The playhead to the next key or the one before."""
        self.session.transport.step_to_key(direction)

    def motion(self, kind: str) -> None:
        """How the picture moves in time."""
        self.session.set_animation(kind=kind)
        self.window.show_state()
