"""The Render film dialog: settings and file of a film, then its progress; the window stays usable."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import QDialog, QPushButton, QVBoxLayout, QWidget

from explorer.animation.film import Film, frame_size_of
from explorer.animation.forecast import bytes_beforehand, size_text
from explorer.animation.formats import FORMATS
from explorer.animation.job import FilmJob, discard, is_unfinished, read_job, target_of
from explorer.errors import CancelledError, LatentwalkError
from explorer.state.view_layout import compared
from explorer.util.plain_text import LIMIT, visible
from explorer.util.user_folders import home_folder
from explorer.widgets.controls.basic import label, row
from explorer.widgets.controls.plain_text import error_text, set_tip
from explorer.widgets.controls.save_dialog import choose, may_destroy
from explorer.widgets.controls.theme import GRID
from explorer.widgets.film.film_progress import FilmProgress
from explorer.widgets.film.film_settings import FilmSettings

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress
    from explorer.session import Session
    from explorer.session.settings import Settings

__all__ = ["FilmDialog"]


class FilmDialog(QDialog):
    """A modeless dialog with the settings of a film, and its progress below them once it is being rendered.

    Signals: `status(text)`, a message for the user; `failed(error)`, an error to show.
    """

    status = Signal(str)
    failed = Signal(object)

    def __init__(self, parent: QWidget, session: Session, remembered: Settings) -> None:
        super().__init__(parent)
        self._session, self._films, self._remembered = session, session.films, remembered
        self.setWindowTitle("Render film")
        self.setMinimumWidth(440)
        self._seen = False
        self._views: tuple[int, tuple[int, ...], bool] = (
            2,
            (0, 1),
            False,
        )  # number of views, the compared ones, and whether one takes a source
        self._done: Path | None = None
        self.settings = FilmSettings()
        self.summary = label("", "muted", wrap=True, limit=3 * LIMIT)
        self.running = FilmProgress()
        self.running.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(self.settings)
        column.addWidget(self.summary)
        column.addWidget(self.running, 1)
        column.addWidget(self._make_buttons())
        self._make_return_render()
        self.settings.changed.connect(self._show_summary)
        session.changed.connect(self._show_summary)
        self._films.progress.connect(self._on_progress)
        self._films.finished.connect(self._on_finished)
        self._films.failed.connect(self._on_failed)

    def _make_buttons(self) -> QWidget:
        self.start = QPushButton("Render")
        self.start.clicked.connect(lambda _=False: self.render_film())
        self.resume = QPushButton("Continue")
        set_tip(self.resume, "Continue the unfinished film of this name, with its own project and settings")
        self.resume.clicked.connect(lambda _=False: self.continue_film())
        self.pause = QPushButton("Pause")
        self.pause.clicked.connect(lambda _=False: self._toggle_pause())
        self.cancel = QPushButton("Cancel")
        set_tip(self.cancel, "Finished frames are kept; rendering the same film again continues from there")
        self.cancel.clicked.connect(lambda _=False: self._films.cancel())
        self.show_file = QPushButton("Show in folder")
        self.show_file.clicked.connect(lambda _=False: self._open_folder())
        self.leave = QPushButton("Close")
        self.leave.clicked.connect(lambda _=False: self.close())
        for late in (self.pause, self.cancel, self.show_file, self.resume):
            late.hide()
        buttons = (self.show_file, None, self.pause, self.cancel, self.leave, self.resume, self.start)
        return row(*buttons, spacing=GRID)

    def _make_return_render(self) -> None:
        """Make Render the only possible default button: by default any button of a dialog can become it."""
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        self.start.setDefault(True)

    def sizeHint(self) -> QSize:
        return QSize(480, 350 if self.running.isHidden() else 590)

    # -- settings ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Show the dialog for the current project."""
        if not self._seen:
            self._seen = True
            info = self._session.info(self._session.active)
            if info is not None:
                self.settings.enlarge(info.img_size[0])
        if not self._films.is_running and not self._is_unfinished():
            known, project = self._remembered, self._session.documents.project_path
            folder = known.text("film-folder") or known.text("folder") or str(home_folder())
            self.settings.name_file(Path(folder), Path(project).stem if project else "walk")
        self.show()
        self.raise_()
        self.activateWindow()
        if self._done is not None and not self._done.exists():
            self._forget_done()  # the file may have been moved or deleted
        if self._done is None:  # otherwise the result of the last film stays visible
            self._show_summary()

    def _forget_done(self) -> None:
        self._done = None
        self.running.hide()
        self._show_buttons()

    def _is_unfinished(self) -> bool:
        file = self.settings.file
        return file is not None and is_unfinished(file)

    @Slot()
    def _show_summary(self, *_: object) -> None:
        if self._films.is_running or not self.isVisible():
            return
        state = self._session.state
        has_sources = any(self._session.sources.takes_source(view) for view in range(len(state.views)))
        views = len(state.views), compared(state), has_sources
        if views != self._views:
            self._views = views
            self.settings.set_views(*views[:2], has_sources=has_sources)
        film = self.settings.film(state)
        text = f"{film.frames} frames, {film.seconds:.2f} s at {float(film.fps):.5g} frames/s"
        text += f"{self._size_of(film)}."
        kind = FORMATS[film.format]
        if kind.least_ms and film.fps == kind.playable(Fraction(1000)):
            text += f" Players show {film.format.upper()} at no more than {float(film.fps):.3g} frames per second."
        if not self._session.transport.has_animation:
            text += " The timeline is empty: the film shows drift and motion only."
        file, unfinished = self.settings.file, self._is_unfinished()
        self.start.setEnabled(file is not None)
        self.resume.setVisible(unfinished)
        if file is None:
            text += " Choose a file."
        elif unfinished:
            text = f"{visible(file.name)} is unfinished: you can continue it, or render it again. {text}"
        elif file.exists():
            text += " A file with this name exists; you will be asked before it is replaced."
        self.summary.setText(text)

    def _size_of(self, film: Film) -> str:
        """Return a text with the film's picture size and estimated file size; empty while a model is missing."""
        state = self._session.state
        infos = [self._session.info(view) for view in range(len(state.views))]
        try:
            width, height = frame_size_of(film, state, [info.img_size if info else (0, 0) for info in infos])
            film.check()
        except LatentwalkError:
            return ""
        size = bytes_beforehand(film.format, film.quality, (width, height), film.frames)
        return f", {width} x {height} px, {size_text(size)}" if min(width, height) > 0 else ""

    # -- running -------------------------------------------------------------------------------------------

    def render_film(self, *, overwrite: bool = False) -> None:
        """Start rendering; ask before a file is overwritten."""
        file, s = self.settings.file, self._session
        if file is None:
            return
        job = FilmJob(file, self.settings.film(s.state), s.state, s.table, s.devices.settings)
        s.transport.pause()
        try:
            if overwrite or self._may_write(job):
                self._start(job)
        except LatentwalkError as error:
            self.summary.setText(error_text(error))

    def continue_film(self) -> None:
        """Continue the unfinished film of that name."""
        file = self.settings.file
        if file is None:
            return
        self._session.transport.pause()
        try:
            self._start(read_job(file))
        except LatentwalkError as error:
            self.summary.setText(error_text(error))

    def _start(self, job: FilmJob) -> None:
        self._films.start(job, overwrite=True)
        self._remembered.set("film-folder", str(job.path.resolve().parent))
        self._done = None
        self.settings.setEnabled(False)
        self.running.begin(job.film.frames)
        self.summary.setText(f"Rendering {visible(job.path.name)}. You can keep using the window.")
        self._show_buttons()
        self.adjustSize()

    def _may_write(self, job: FilmJob) -> bool:
        target = target_of(job.path, job.film)
        if target.exists():
            choice = choose(self, "Render film", f"{target.name} already exists.", ("Replace", "Keep both"))
            if choice == 1:
                self._keep_both(job.path)
            return choice == 0
        if is_unfinished(job.path) and not _same(job):
            text = f"{job.path.name} is an unfinished film with other settings. Discard it and start again?"
            if not may_destroy(self, "Render film", text):
                return False
            discard(job.path)
        return True

    def _keep_both(self, path: Path) -> None:
        """Render to the next name that is not in use."""
        self.settings.name_file(path.parent, path.stem)
        self.render_film()

    def _toggle_pause(self) -> None:
        if self._films.is_paused:
            self._films.resume()
        else:
            self._films.pause()
        self._show_buttons()

    def _show_buttons(self) -> None:
        films = self._films
        for widget in (self.pause, self.cancel):
            widget.setVisible(films.is_running)
        self.start.setVisible(not films.is_running)
        self.resume.setVisible(not films.is_running and self._is_unfinished())
        self.show_file.setVisible(self._done is not None)
        self.pause.setText("Continue" if films.is_paused else "Pause")

    def _open_folder(self) -> None:
        if self._done is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._done.parent)))

    @Slot(object)
    def _on_progress(self, progress: Progress) -> None:
        self.running.show_progress(progress, paused=self._films.is_paused)
        if progress.note:
            self.status.emit(progress.note)

    @Slot(str)
    def _on_finished(self, path: str) -> None:
        self._done = Path(path)
        self._end(f"{visible(self._done.name)} is ready. Drop it on the window to open its timeline.")
        self.status.emit(f"The film {self._done.name} is ready")

    @Slot(object)
    def _on_failed(self, error: LatentwalkError) -> None:
        self._end(error_text(error))
        if not isinstance(error, CancelledError):
            self.failed.emit(error)

    def _end(self, text: str) -> None:
        self.settings.setEnabled(True)
        self.summary.setText(text)
        self._show_buttons()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._films.is_running:
            self.status.emit("The film is still rendering: its progress is at the top right; Ctrl+M reopens this")
        else:
            self._forget_done()
        super().closeEvent(event)


def _same(job: FilmJob) -> bool:
    try:
        return read_job(job.path).same_as(job)
    except LatentwalkError:
        return False
