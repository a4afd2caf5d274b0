"""Render film: what the film is like and where it goes, then how far it is; the window stays usable meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDesktopServices, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.animation.compose import LAYOUTS
from explorer.animation.film import Film, whole_film
from explorer.animation.folder import folder_of
from explorer.animation.formats import FORMATS, QUALITIES, available
from explorer.animation.job import Job, discard, is_unfinished, read_job
from explorer.errors import CancelledError, LatentwalkError
from explorer.widgets.parts import Check, Choice, IconButton, label, row, value_label
from explorer.widgets.theme import GRID, ROW, color

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress
    from explorer.session import Session
    from explorer.settings import Settings

__all__ = ["FilmDialog"]

SMALLEST = 256
"""Pixels; pictures of smaller networks are enlarged at first."""

SIZES = (0, 128, 256, 512, 720, 1024, 1080, 2160)
QUALITY_WORDS = {"draft": "Draft: small", "good": "Good", "best": "Best: no visible loss"}


class _Picture(QWidget):
    """The last frame, as large as fits."""

    def __init__(self) -> None:
        super().__init__()
        self.image: QImage | None = None
        self.setMinimumHeight(180)

    def show_pixels(self, pixels: np.ndarray) -> None:
        """Shows a frame `[H, W, 3]` red-green-blue."""
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        self.image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        p.fillRect(self.rect(), color("canvas"))
        if self.image is not None:
            size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            p.drawImage(QRectF(left, top, size.width(), size.height()), self.image)
        p.end()


class FilmDialog(QDialog):
    """Not modal. One page: settings, and under them the film's progress once it runs.

    `said` has a few words for the user, `failed` an error to show.
    """

    said = Signal(str)
    failed = Signal(object)

    def __init__(self, parent: QWidget, session: Session, remembered: Settings) -> None:
        super().__init__(parent)
        self._session, self._remembered = session, remembered
        self.setWindowTitle("Render film")
        self.setMinimumWidth(440)
        self._seen = False
        self._done: Path | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        self.settings = self._make_settings()
        column.addWidget(self.settings)
        self.words = label("", "muted", wrap=True)
        column.addWidget(self.words)
        self.running = self._make_running()
        column.addWidget(self.running, 1)
        self.running.hide()
        column.addWidget(self._make_buttons())
        self._make_return_render()
        session.films.progress.connect(self._on_progress)
        session.films.finished.connect(self._on_finished)
        session.films.failed.connect(self._on_failed)
        session.changed.connect(self._show_summary)

    def _make_settings(self) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2 + 2)
        self.format = Choice()
        for kind in available():
            self.format.addItem(kind.title, kind.key)
        self.side = Choice()
        for side in SIZES:
            self.side.addItem("as the network makes it" if side == 0 else f"{side} px high", side)
        self.quality = Choice()
        for quality in QUALITIES:
            self.quality.addItem(QUALITY_WORDS[quality], quality)
        self.quality.setCurrentIndex(1)
        self.layout_choice = Choice()
        self.layout_choice.addItem("as in the window", "")
        for key, text in LAYOUTS.items():
            self.layout_choice.addItem(text, key)
        self.columns, self.rows = _count("Columns of the grid"), _count("Rows of the grid")
        self.columns.setValue(3)
        self.rows.setValue(2)
        self.samples = _count("Pictures averaged for each frame: motion blur; each costs a render")
        self.captions = Check("Burn in what is shown", "Seed, truncation and motion at the bottom left")
        self.path = QLineEdit()
        self.path.setToolTip("The film's file; PNG pictures go into a folder of that name")
        browse = IconButton("folder-open", "Choose the file", self._browse)
        lines: tuple[tuple[str, QWidget], ...] = (
            ("Format", self.format),
            ("Quality", self.quality),
            ("Picture", self.side),
            ("Layout", row(self.layout_choice, self.columns, label("x", "faint"), self.rows)),
            ("Samples a frame", row(self.samples, 8, self.captions, None)),
            ("File", row(self.path, browse)),
        )
        for i, (name, widget) in enumerate(lines):
            grid.addWidget(label(name, "muted"), i, 0)
            grid.addWidget(widget, i, 1)
        grid.setColumnStretch(1, 1)
        for choice in (self.format, self.quality, self.side, self.layout_choice):
            choice.setMinimumHeight(ROW)
            choice.activated.connect(self._show_summary)
        self.format.activated.connect(self._fit_suffix)
        for number in (self.columns, self.rows, self.samples):
            number.valueChanged.connect(self._show_summary)
        self.path.textChanged.connect(self._show_summary)
        return box

    def _make_running(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        self.picture = _Picture()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.figures = value_label("")
        column.addWidget(self.picture, 1)
        column.addWidget(self.bar)
        column.addWidget(self.figures)
        return box

    def _make_buttons(self) -> QWidget:
        self.start = QPushButton("Render")
        self.start.clicked.connect(lambda _=False: self.render_film())
        self.go_on = QPushButton("Go on")
        self.go_on.setToolTip("Goes on with the unfinished film of this name, with its own project and settings")
        self.go_on.clicked.connect(lambda _=False: self.go_on_with_film())
        self.pause = QPushButton("Pause")
        self.pause.clicked.connect(lambda _=False: self._toggle_pause())
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("What is done is kept; rendering the same film again goes on from there")
        self.cancel.clicked.connect(lambda _=False: self._session.films.cancel())
        self.show_file = QPushButton("Show in folder")
        self.show_file.clicked.connect(lambda _=False: self._open_folder())
        self.leave = QPushButton("Close")
        self.leave.clicked.connect(lambda _=False: self.close())
        for late in (self.pause, self.cancel, self.show_file, self.go_on):
            late.hide()
        buttons = (self.show_file, None, self.pause, self.cancel, self.leave, self.go_on, self.start)
        return row(*buttons, spacing=GRID)

    def _make_return_render(self) -> None:
        """A dialog makes any button that may be the default one, so no other may."""
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        self.start.setDefault(True)

    def sizeHint(self) -> QSize:
        return QSize(460, 320 if self.running.isHidden() else 560)

    # -- settings ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Shows the dialog for the present project."""
        if not self._seen:
            self._seen = True
            facts = self._session.facts(self._session.active)
            if facts is not None and facts.info.img_resolution < SMALLEST:  # too small to look at elsewhere
                self.side.setCurrentIndex(self.side.findData(512))
        if not self._session.films.is_running and not is_unfinished(Path(self.path.text() or "none")):
            self.path.setText(str(self._first_path()))
        self._show_summary()
        self.show()
        self.raise_()
        self.activateWindow()

    def _first_path(self) -> Path:
        project = self._session.documents.project_path
        known = self._remembered
        folder = known.text("film-folder") or known.text("folder") or str(Path.home())
        stem = Path(project).stem if project else "walk"
        suffix = FORMATS[str(self.format.currentData())].suffix
        path = Path(folder) / f"{stem}{suffix}"
        number = 2
        while path.exists() or folder_of(path).is_dir():
            path = Path(folder) / f"{stem}-{number}{suffix}"
            number += 1
        return path

    def film(self) -> Film:
        """What the settings say."""
        return whole_film(
            self._session.state,
            format=str(self.format.currentData()),
            quality=self.quality.currentData(),
            side=int(self.side.currentData()),
            samples=self.samples.value(),
            layout=str(self.layout_choice.currentData()),
            columns=self.columns.value(),
            rows=self.rows.value(),
            captions=self.captions.isChecked(),
        )

    @Slot()
    def _show_summary(self, *_: object) -> None:
        if self._session.films.is_running or (not self.isVisible() and self._done is not None):
            return
        film = self.film()
        is_grid = str(self.layout_choice.currentData()) == "grid"
        self.columns.setEnabled(is_grid)
        self.rows.setEnabled(is_grid)
        self.quality.setEnabled(FORMATS[film.format].crf is not None or film.format == "webp")
        words = f"{film.frames} frames, {film.seconds:.2f} s at {float(film.fps):.5g} frames/s."
        if not self._session.deck.has_animation:
            words += " Nothing is on the timeline: the film shows what moves by itself."
        path = Path(self.path.text())
        self.start.setEnabled(bool(path.name))
        unfinished = bool(path.name) and is_unfinished(path)
        self.go_on.setVisible(unfinished)
        if not path.name:
            words += " Choose its file."
        elif unfinished:
            words = f"{path.name} is unfinished: it can go on, or be rendered anew. {words}"
        elif path.exists():
            words += " A file of this name is there; you will be asked."
        self.words.setText(words)

    def _fit_suffix(self) -> None:
        suffix = FORMATS[str(self.format.currentData())].suffix
        if self.path.text():
            self.path.setText(str(Path(self.path.text()).with_suffix(suffix)))

    def _browse(self) -> None:
        suffix = FORMATS[str(self.format.currentData())].suffix
        options = QFileDialog.Option.DontConfirmOverwrite  # asked when rendering begins
        path, _ = QFileDialog.getSaveFileName(
            self, "Film", self.path.text(), f"Films (*{suffix})", options=options
        )
        if path:
            self.path.setText(str(Path(path).with_suffix(suffix)))

    # -- running -------------------------------------------------------------------------------------------

    def render_film(self, *, overwrite: bool = False) -> None:
        """Begins; asks before anything is overwritten."""
        path = Path(self.path.text()).expanduser()
        job = Job(path, self.film(), self._session.state, self._session.table, self._session.render_settings)
        self._session.deck.pause()
        try:
            if not overwrite and not self._may_write(job):
                return
            self._start(job)
        except LatentwalkError as error:
            self.words.setText(str(error))

    def go_on_with_film(self) -> None:
        """Goes on with the unfinished film of that name."""
        self._session.deck.pause()
        try:
            self._start(read_job(Path(self.path.text()).expanduser()))
        except LatentwalkError as error:
            self.words.setText(str(error))

    def _start(self, job: Job) -> None:
        self._session.films.start(job, overwrite=True)
        path = job.path
        self._remembered.set("film-folder", str(path.resolve().parent))
        self._done = None
        self.settings.setEnabled(False)
        self.running.show()
        self.bar.setRange(0, job.film.frames)
        self.words.setText(f"Rendering {path.name}. The window can be used meanwhile.")
        self._show_buttons()
        self.adjustSize()

    def _may_write(self, job: Job) -> bool:
        from PySide6.QtWidgets import QMessageBox

        from explorer.animation.job import target_of

        target = target_of(job.path, job.film)
        button = QMessageBox.StandardButton
        if target.exists():
            words = f"{target.name} is there already. Replace it?"
            return QMessageBox.question(self, "Render film", words) == button.Yes
        if is_unfinished(job.path):
            same = _same(job)
            words = f"{job.path.name} is an unfinished film with other settings. Discard it and begin anew?"
            if not same and QMessageBox.question(self, "Render film", words) != button.Yes:
                return False
            if not same:
                discard(job.path)
        return True

    def _toggle_pause(self) -> None:
        films = self._session.films
        if films.is_paused:
            films.resume()
        else:
            films.pause()
        self._show_buttons()

    def _show_buttons(self) -> None:
        films = self._session.films
        for widget in (self.pause, self.cancel):
            widget.setVisible(films.is_running)
        self.start.setVisible(not films.is_running)
        self.go_on.setVisible(not films.is_running and is_unfinished(Path(self.path.text() or "none")))
        self.show_file.setVisible(self._done is not None)
        self.pause.setText("Go on" if films.is_paused else "Pause")

    def _open_folder(self) -> None:
        if self._done is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._done.parent)))

    @Slot(object)
    def _on_progress(self, p: Progress) -> None:
        self.bar.setRange(0, p.total)
        self.bar.setValue(p.done)
        if p.picture is not None and self.isVisible():
            self.picture.show_pixels(p.picture)
        left = round(p.seconds_left)
        texts = {
            "loading": "Reading the model ...",
            "rendering": f"{p.done} of {p.total}   {p.fps:.1f} frames/s   {left // 60}:{left % 60:02d} left",
            "finishing": f"Finishing the file: {p.done} of {p.total}",
            "done": f"{p.total} frames",
        }
        self.figures.setText(texts[p.stage] + ("   paused" if self._session.films.is_paused else ""))

    @Slot(str)
    def _on_finished(self, path: str) -> None:
        self._done = Path(path)
        self._end(f"{self._done.name} is ready. Drop it on the window, and its timeline is back.")
        self.said.emit(f"The film {self._done.name} is ready")

    @Slot(object)
    def _on_failed(self, error: LatentwalkError) -> None:
        self._end(str(error))
        if not isinstance(error, CancelledError):
            self.failed.emit(error)

    def _end(self, words: str) -> None:
        self.settings.setEnabled(True)
        self.words.setText(words)
        self._show_buttons()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._session.films.is_running:
            self.said.emit("The film goes on; Ctrl+M shows how far it is")
        else:
            self.running.hide()
            self._done = None
            self._show_buttons()
        super().closeEvent(event)


def _count(tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 16)
    box.setToolTip(tip)
    box.setAccessibleName(tip.partition(":")[0])
    box.setFixedWidth(56)
    return box


def _same(job: Job) -> bool:
    try:
        return read_job(job.path).same_as(job)
    except LatentwalkError:
        return False
