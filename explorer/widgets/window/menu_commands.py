"""Menu commands for pictures and state; those for files are in `file_commands`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication

from explorer.errors import LatentwalkError
from explorer.state import ASPECTS, Layout, Look
from explorer.state.timeline_edits import contents
from explorer.util.plain_text import visible
from explorer.widgets.controls.drops import local_paths
from explorer.widgets.controls.gesture_timeout import GestureTimeout
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.theme import apply_theme, theme
from explorer.widgets.window.part import WindowBase, WindowPart

if TYPE_CHECKING:
    from explorer.widgets.window.alerts import Alerts
    from explorer.widgets.window.file_commands import FileCommands

__all__ = ["MenuCommands"]

DRIFT = 0.15  # seeds a second: slow enough to watch
_STATE_PREFIX = "latentwalk:"
_HELD_MS = 700  # longer than the delay before keyboards repeat a key
_ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


def _is_arrow(watched: QObject, event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.key() in _ARROWS


class MenuCommands(WindowPart):
    """The commands behind the menus. Everything that changes the picture goes through the session."""

    def __init__(self, window: WindowBase, files: FileCommands, notices: Alerts) -> None:
        super().__init__(window)
        self._files, self._notices = files, notices
        self._nudging = ""  # undo name of the stroke that the arrow keys have begun
        self._pause = GestureTimeout(self, _is_arrow)
        self._pause.ended.connect(self._end_nudge)

    def _may_undo(self) -> bool:
        """Return False during a drag: undoing then would split its single undo step."""
        GestureTimeout.finish_pending()
        return not self.session.store.in_stroke

    # state -----------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Undo one step."""
        if self._may_undo():
            self.session.undo()

    def redo(self) -> None:
        """Redo one step."""
        if self._may_undo():
            self.session.redo()

    def toggle_marking(self) -> None:
        """Begin or end to mark a region for the search of style channels."""
        channels = self.session.channels
        channels.set_marking(not channels.is_marking)
        if channels.is_marking:
            self.window.reveal("style-channels")

    def star(self) -> None:
        """Add the picture to the favourites."""
        try:
            favourite = self.session.favourites.star()
        except LatentwalkError as error:
            self.window.show_problem(error)
        else:
            self.window.show_message(f"{visible(favourite.name)} is a favourite")

    def random(self) -> None:
        """Go to a random seed."""
        self.session.edit("Random seed", latent=replace(Look().latent, seed=random_seed()))

    def snap(self) -> None:
        """Go to the nearest seed."""
        self.session.look.snap()

    def reset(self) -> None:
        """Reset all controls to their defaults."""
        self.session.look.reset()

    def nudge(self, dx: float, dy: float, *, picture: bool) -> None:
        """Walk the latent plane a little, or move the picture; a held arrow key is one undo step."""
        name = "Move picture" if picture else "Walk"
        if self._nudging != name:
            self._pause.end()
            self._nudging = name
            self.session.begin(name)
        if picture:
            self.session.look.move(dx * 0.1, dy * 0.1)
        else:
            self.session.look.walk(dx, dy)
        self._pause.start(_HELD_MS)

    def _end_nudge(self) -> None:
        self._nudging = ""
        self.session.commit()

    def copy_state(self) -> None:
        """Copy the whole state to the clipboard as text."""
        QGuiApplication.clipboard().setText(self.session.documents.state_text())
        self.window.show_message("State copied")

    def paste(self) -> None:
        """Paste a state, a latent, or files from the clipboard."""
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()
        if data is None:  # some platforms report an empty clipboard like this
            self.window.show_message("The clipboard is empty")
            return
        if data.hasUrls():
            self._files.open_many(local_paths(data))
            return
        text = data.text().strip()
        if not text:
            self.window.show_message("The clipboard contains no text")
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
            content = contents(before)
            if content and self.session.state.timeline != before:
                self.window.show_message(
                    f"The pasted state replaces a timeline with {content}. Ctrl+Z restores it."
                )

    # views -----------------------------------------------------------------------------------------------

    def layout(self, name: Layout) -> None:
        """Choose the layout of the pictures."""
        if len(self.session.state.views) > 1:
            self.session.views.set_layout(name)
        self.window.show_state()

    def show_view(self, view: int) -> None:
        """Show a single view."""
        self.session.views.show(view)
        self.window.show_state()

    def toggle_wipe(self) -> None:
        """Switch between the wipe and all pictures."""
        self.layout("grid" if self.session.state.layout == "wipe" else "wipe")

    def compare(self, first: int, second: int) -> None:
        """Choose the two views that wipe and flicker compare; show the wipe unless flicker or difference is on."""
        self.session.views.set_pair(first, second)
        if self.session.state.layout not in ("flicker", "difference"):
            self.layout("wipe")

    def add_view(self) -> None:
        """Add a view with the active view's model."""
        if self._may_undo():
            self.session.views.add()
            self.window.show_state()

    def remove_view(self) -> None:
        """Remove the active view."""
        if self._may_undo():
            self.session.views.remove()
            self.window.show_state()

    def toggle_flicker(self) -> None:
        """Switch between flicker and all pictures."""
        self.layout("grid" if self.session.state.layout == "flicker" else "flicker")

    def toggle_difference(self) -> None:
        """Switch between the difference of two pictures and all pictures."""
        self.layout("grid" if self.session.state.layout == "difference" else "difference")

    def compare_with_teacher(self) -> None:
        """Show the teacher of the active view's model beside it, and their difference."""
        model_info = self.session.model_info(self.session.active)
        if model_info is None or not model_info.teacher or not self._may_undo():
            return
        try:
            self.session.views.compare_with(model_info.teacher, "Compare with teacher")
        except LatentwalkError as error:
            self.window.show_problem(error)
        self.window.show_state()

    def toggle_before(self) -> None:
        """Switch between the picture before and after mixing, edits and transform."""
        self.window.before.toggle()

    def toggle_full_screen(self) -> None:
        """Enter or leave full screen."""
        self.window.set_full_screen(not self.window.isFullScreen())

    def toggle_link(self) -> None:
        """Link all views in everything, or unlink them; the first view keeps the shared look."""
        session, linked = self.session, self.are_linked
        session.begin("Unlink views" if linked else "Link views")
        for view in range(1 if linked else 0, len(session.state.views)):
            for aspect in ASPECTS:
                session.views.set_link(view, aspect, not linked)
        session.commit()

    @property
    def are_linked(self) -> bool:
        """Whether all views are linked in everything."""
        return all(not view.unlinked for view in self.session.state.views)

    def swap(self) -> None:
        """Swap the two views that a wipe compares."""
        self.session.views.swap()

    def zoom(self, factor: float) -> None:
        """Zoom the pictures about their centre."""
        image = self.window.views.active_image()
        self.window.views.camera.zoom_at(factor, QPointF(image.rect().center()), image.area())

    def zoom_fit(self) -> None:
        """Fit the pictures to their views."""
        self.window.views.camera.reset()

    def zoom_pixels(self) -> None:
        """Show one picture pixel on one screen pixel."""
        image = self.window.views.active_image()
        if image.image is not None:
            ratio = image.devicePixelRatioF()
            size = image.image.size()
            self.window.views.camera.set_zoom_pixels(1.0 / ratio, size.width(), size.height(), image.area())

    def toggle_smooth(self) -> None:
        """Switch between interpolated and square pixels."""
        camera = self.window.views.camera
        camera.set_smooth(not camera.is_smooth)

    def toggle_grid(self) -> None:
        """Show or hide the pixel grid."""
        camera = self.window.views.camera
        camera.set_grid(not camera.shows_grid)

    def toggle_theme(self) -> None:
        """Switch between the dark and the light theme."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        dark = theme().name != "dark"
        apply_theme(app, dark)
        self.window.settings.set("dark", dark)

    def copy_picture(self) -> None:
        """Copy the active view's picture to the clipboard at its rendered size."""
        image = self.window.views.active_pane().image.image
        if image is not None:
            QGuiApplication.clipboard().setImage(image)
            self.window.show_message("Picture copied")

    def close_model(self) -> None:
        """Close the model of the active view."""
        self.session.models.request(self.session.active, "")

    # motion ----------------------------------------------------------------------------------------------

    def toggle_play(self) -> None:
        """Play or pause the timeline if it is visible; otherwise start or stop the clock, or start to drift."""
        session = self.session
        if session.transport.is_playing or (self.window.shows_timeline and session.transport.has_animation):
            self.window.timeline.toggle_play()
            return
        moving = any(session.motion.is_moving(view) for view in session.visible_views())
        if session.motion.clock.is_playing and moving:
            session.motion.pause()
        else:
            session.motion.play()
            if not moving:
                session.look.set_drift(DRIFT)
        self.window.show_state()

    def toggle_drift(self) -> None:
        """Start or stop the drift."""
        self.session.look.set_drift(0.0 if self.session.look_of().drift else DRIFT)

    # timeline and film ------------------------------------------------------------------------------------

    def toggle_timeline(self) -> None:
        """Show or hide the timeline."""
        self.window.show_timeline(not self.window.shows_timeline)

    def add_key(self) -> None:
        """Add a key of the whole state at the playhead."""
        self.window.show_timeline(True)
        self.session.transport.keys.add()

    def toggle_record(self) -> None:
        """Start or stop recording a performance."""
        self.window.show_timeline(True)
        self.window.timeline.toggle_record()

    def render_film(self) -> None:
        """Open the dialog that renders a film of the timeline."""
        self.window.open_film()

    def go_to_start(self) -> None:
        """Move the playhead to the start."""
        self.session.transport.seek(0.0)

    def step_to_key(self, direction: int) -> None:
        """Move the playhead to the next key (1) or the previous one (-1)."""
        self.session.transport.step_to_key(direction)

    def motion(self, kind: str) -> None:
        """Choose how the picture moves over time."""
        self.session.look.set_animation(kind=kind)
        self.window.show_state()
