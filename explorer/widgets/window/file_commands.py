"""Commands that open, save and list recent files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from explorer.checkpoints.bundled import bundled
from explorer.checkpoints.parts import file_of
from explorer.errors import LatentwalkError, ProjectError, UnreadableFileError, UsageError
from explorer.project.file_kinds import DIALOG_FILTER, MODEL_FILTER, is_picture, models_among
from explorer.session.settings import RECENT_LIMIT
from explorer.state.view_layout import MAX_VIEWS
from explorer.util.plain_text import LIMIT, visible
from explorer.util.view_marks import letter
from explorer.widgets.controls.plain_text import menu_text, set_tip
from explorer.widgets.controls.save_dialog import ask, ask_file, file_stem, may_destroy
from explorer.widgets.viewer.overlays import LoadingCard
from explorer.widgets.window.part import WindowBase, WindowPart
from explorer.widgets.window.read_files import ReadFile, read_files, read_latents, read_project

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from explorer.assets.latent import Space
    from explorer.session import Session
    from explorer.util.control import Control
    from explorer.widgets.viewer.notices import Offer

__all__ = ["FileCommands"]


class FileCommands(WindowPart):
    """The file commands of the window. The session knows which project is open."""

    models_found = Signal(object)
    """A project was opened; `FoundModels` lists which of its models were found."""

    def __init__(self, window: WindowBase) -> None:
        super().__init__(window)
        self._recent: list[QAction] = []
        self._recent_paths: list[str] = []  # an action's text would lose bytes that are not UTF-8
        self._card: LoadingCard | None = None

    def attach(self, session: Session) -> None:
        """Show what a session is reading, and clear file errors when another project opens."""
        card = self._card = LoadingCard(self.window.middle)
        card.cancelled.connect(session.reading.cancel)
        session.reading.slow.connect(self._on_slow)
        session.reading.ended.connect(self._on_reading_ended)
        session.documents.opening.connect(self._on_opening)

    @Slot(str)
    def _on_slow(self, message: str) -> None:
        if self._card is not None:
            self._card.set_progress(-1.0, message)

    @Slot()
    def _on_reading_ended(self) -> None:
        if self._card is not None:
            self._card.set_shown(False)

    @Slot()
    def _on_opening(self) -> None:
        """Clear the errors about the previous project's files."""
        for pane in self.window.views.panes:
            self._end_fault(pane.view)

    def _end_fault(self, view: int) -> None:
        """Clear a file error shown over a view; errors of rendering stay until they are resolved."""
        if self.session.last_failure(view) is None:
            self.window.views.panes[view].banner.clear()

    @property
    def title(self) -> str:
        """Display name of the open project: its file, or the picture or film that it was opened from."""
        session = self.window.session
        if self.project is not None:
            return self.project.name
        opened = session.documents.opened_from if session is not None else ""
        return f"From {Path(opened).name}" if opened else "Untitled"

    @property
    def project(self) -> Path | None:
        """The file of the open project; None for a new one."""
        session = self.window.session
        path = session.documents.project_path if session is not None else ""
        return Path(path) if path else None

    def _attempt(self, callback: Callable[[], object]) -> bool:
        try:
            callback()
        except LatentwalkError as error:
            self.window.show_problem(error)
        except OSError as error:
            self.window.show_problem(UnreadableFileError(f"{error.filename}: {error.strerror}.", "Check the path."))
        else:
            return True
        return False

    # opening ---------------------------------------------------------------------------------------------

    def ask_open(self) -> None:
        """Ask for a file of any kind and open it."""
        path, _ = QFileDialog.getOpenFileName(self.window, "Open", self.folder(), DIALOG_FILTER)
        if path:
            self.open_path(path)

    def ask_model(self, view: int) -> None:
        """Ask for a model file and load it into a view."""
        path, _ = QFileDialog.getOpenFileName(self.window, "Open a model", self.folder(), MODEL_FILTER)
        if path:
            self.open_model(path, view)

    def open_at_start(self, paths: list[str]) -> None:
        """Open the files named on the command line, except models that the initial state already names."""
        models = models_among(paths)
        for path in models:
            if Path(path).exists():
                self.remember(path)
        if rest := [path for path in paths if path not in models]:
            self.open_many(rest)

    def open_path(self, path: str, view: int | None = None) -> None:
        """Open a model, project, picture or latent."""
        self.open_many([path], view)

    def open_many(self, paths: list[str], view: int | None = None) -> None:
        """Open files that were dropped or named on the command line; several models open in A, B, C ...

        The files are read in a thread first; then their contents are shown, with questions where needed.
        """
        if paths:
            info, recent = self.session.info(self._view(view)), self.window.settings.strings("recent")
            work = partial(read_files, list(paths), info, recent)
            self.read(paths[0], work, partial(self._show_all, view), view)

    def _view(self, view: int | None) -> int:
        return self.session.active if view is None else view

    def read(
        self,
        path: str,
        work: Callable[[Control], object],
        then: Callable[[Any], object],
        view: int | None = None,
    ) -> None:
        """Read a file in a thread.

        Args:
            path: The file, for display.
            work: Reads the file in a thread; see `Reading.start`.
            then: Called with the result.
            view: The view over which an error is shown; the active one by default.
        """
        self._end_fault(self._view(view))
        message = f"Reading {visible(Path(path).name, 60)}"
        self.session.reading.start(message, work, then, lambda error: self._show_error(path, error, view))

    def _show_all(self, view: int | None, files: list[ReadFile]) -> None:
        models = [file for file in files if file.kind == "model"]
        is_pair = len(models) > 1 and view is None
        for number, file in enumerate(models[:MAX_VIEWS] if is_pair else models):
            if is_pair and number >= len(self.session.state.views):
                self.session.views.add("")
            self.open_model(file.path, number if is_pair else self._view(view))
        for file in files:
            if file.error is not None:
                self._show_error(file.path, file.error, view)
            elif file.kind == "project":
                self._take_project(file)
            elif file.kind == "latent":
                if view is not None:
                    self.session.views.set_active(view)
                self._take_latents(file)
            elif file.kind == "directions":
                self._take_directions(file, self._view(view))
            elif file.kind == "points":
                self._take_points(file, self._view(view))
            elif file.kind == "picture":
                self._take_picture(file.path, self._view(view))

    def open_source(self, path: str, view: int) -> None:
        """Make a picture the source of a view whose network takes one, and show the panel of the source."""
        self._end_fault(view)
        self.session.views.set_active(view)
        self.window.reveal("source")
        self.session.sources.open(path)
        self.remember(path)

    def _take_picture(self, path: str, view: int) -> None:
        """Make a picture the source of a view whose network takes one."""
        if self.session.sources.takes_source(view):
            self.open_source(path, view)
            return
        name = visible(Path(path).name, 60)
        error = UsageError(
            f"{name} is a picture, and the model of view {letter(view)} makes pictures from a latent alone.",
            "Open an image-to-image model there, such as StarGAN v2.",
        )
        self.window.show_problem(error, (), view)

    def _take_points(self, file: ReadFile, view: int) -> None:
        if self._attempt(lambda: self.session.dragging.open_drags(file.drags, view)):
            self.remember(file.path)

    def _take_directions(self, file: ReadFile, view: int) -> None:
        """Add the directions of a file to those of a view's model, and say why they were not taken for latents."""
        assert file.directions is not None
        if self.session.info(view) is None:  # it was closed since
            return
        self.session.views.set_active(view)
        self.session.directions.add(view, file.directions)
        self.window.reveal("directions")
        self.remember(file.path)
        count, name = len(file.directions), visible(Path(file.path).name, 60)
        added = f"{count} direction{'s' * (count != 1)} of {name} added"
        if file.sign == "length":
            offer: Offer = ("Open as latent", partial(self.open_latent, file.path))
            self.window.show_message(f"{added}: vectors of length one are taken for directions", offer)
        else:
            self.window.show_message(added)

    def _show_error(
        self, path: str, error: LatentwalkError, view: int | None = None, *, convert: bool = False
    ) -> None:
        """Show an error, with buttons to choose the latent's space or to convert it if it does not fit."""
        from explorer.latents.files import LatentMisfit  # imports torch, too slow for the first paint

        offers: list[Offer] = []
        if isinstance(error, LatentMisfit):
            offers = [
                (f"It is {choice}", partial(self.open_latent, path, choice, convert=convert))
                for choice in error.choices
            ]
            if error.offer and not convert:
                offers.append((error.offer, partial(self.open_latent, path, convert=True)))
        if (
            isinstance(error, ProjectError)
            and is_picture(path)
            and self.session.sources.takes_source(self._view(view))
        ):
            offers.append(("Use as the source", partial(self.open_source, path, self._view(view))))
        self.window.show_problem(error, offers, view)

    def open_model(self, path: str, view: int) -> None:
        """Load a model into a view; its picture follows once it is loaded."""
        self.window.touched()
        self._end_fault(view)
        self.session.models.request(view, path)
        if file_of(path).exists():
            self.remember(str(file_of(path)))

    def open_beside(self, path: str) -> None:
        """Load a model into a new view; into the active one if there is no room for more."""
        if len(self.session.state.views) < MAX_VIEWS:
            self.window.touched()
            self.session.views.add(path)
        else:
            self.open_model(path, self.session.active)

    def open_latent(self, path: str, space: Space | None = None, *, convert: bool = False) -> None:
        """Load a latent into the active view; offer to convert one that does not fit."""
        info, view = self.session.info(self.session.active), self.session.active
        self.read(
            path,
            lambda control: read_latents(path, info, space),
            partial(self._take_latents, convert=convert),
            view,
        )

    def _take_latents(self, file: ReadFile, *, convert: bool = False) -> None:
        try:
            name = Path(file.path).name
            self.session.documents.take_latents(file.latents, name, convert=convert)
        except LatentwalkError as error:
            self._show_error(file.path, error, convert=convert)
        else:
            self.remember(file.path)

    def paste_latent(self, text: str, *, convert: bool = False) -> None:
        """Go to a latent given as text; offer to convert one that does not fit."""
        from explorer.latents.files import LatentMisfit

        try:
            self.session.documents.paste_latent_text(text, convert=convert)
        except LatentMisfit as misfit:
            offers: list[Offer] = [(misfit.offer, partial(self.paste_latent, text, convert=True))]
            self.window.show_problem(misfit, offers if misfit.offer and not convert else ())
        except LatentwalkError as error:
            self.window.show_problem(error)

    def open_project(self, path: str) -> None:
        """Open a project, after asking about unsaved changes."""
        recent = self.window.settings.strings("recent")
        self.read(path, partial(read_project, path, recent), self._take_project)

    def _take_project(self, file: ReadFile) -> None:
        assert file.project is not None
        assert file.found is not None
        if not self.may_discard():
            return
        project = replace(file.project, state=file.found.state)
        self.session.documents.take_project(file.path, project)
        self.remember(file.path)
        self.window.touched()
        self.models_found.emit(file.found)

    def new_project(self) -> None:
        """Start a new project with the models that are open."""
        if self.may_discard():
            self.session.documents.new_project()

    # saving ----------------------------------------------------------------------------------------------

    def save(self) -> bool:
        """Save to the project's file, or ask for one; return False if nothing was saved."""
        return self._save_to(self.project) if self.project else self.ask_save()

    def ask_save(self) -> bool:
        """Ask for a file and save the project."""
        start = self.project or Path(self.folder()) / "walk.json"
        path = ask_file(self.window, "Save project", start, "Projects", ".json")
        return path is not None and self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        if not self._attempt(lambda: self.session.documents.save_project(str(path))):
            return False
        self.remember(str(path))
        self.window.show_message(f"Saved {visible(path.name)}")
        return True

    def ask_save_picture(self) -> None:
        """Ask for a file and save the active view's picture with its project inside."""
        model_info = self.session.model_info(self.session.active)
        latent = self.session.look_of().latent
        name = f"{file_stem(model_info.name if model_info else 'picture')}-seed{latent.seed}.png"
        path = ask_file(self.window, "Save picture", Path(self.folder()) / name, "Pictures", ".png")
        if path is not None:
            self.save_picture(path)

    def save_picture(self, path: Path) -> bool:
        """Save the active view's picture with its project inside."""
        done = self._attempt(lambda: self.session.documents.snapshot(self.session.active, str(path)))
        if done:
            self.remember(str(path))
        return done

    def may_discard(self) -> bool:
        """Ask about unsaved changes, including a running recording; return False to cancel closing."""
        if self.window.session is not None:
            self.window.session.transport.stop_recording()
        if not self.window.is_unsaved or not self.window.asks_before_discarding:
            return True
        button = QMessageBox.StandardButton
        answer = ask(
            self.window,
            "Unsaved changes",
            f'Save changes to "{visible(self.title)}"?',
            button.Save | button.Discard | button.Cancel,
            button.Save,
        )
        return self.save() if answer == button.Save else answer == button.Discard

    def may_stop_film(self) -> bool:
        """Ask whether a film that is being rendered may be stopped; return False to keep rendering."""
        if not self.session.films.is_running or not self.window.asks_before_discarding:
            return True
        message = "A film is being rendered. Stop it? Finished frames are kept: rendering it again resumes there."
        return may_destroy(self.window, "Film", message)

    # recent files ----------------------------------------------------------------------------------------

    def remember(self, path: str) -> None:
        """Add a file to the recent files."""
        self.window.settings.add_recent(path)
        self.window.settings.set("folder", str(Path(path).resolve().parent))

    def folder(self) -> str:
        """Return the folder in which file dialogs open."""
        return self.window.settings.text("folder")

    def recent_menu(self) -> QMenu:
        """Return the menu of recent files, created once."""
        return self.window.menus["recent"]

    def fill_recent(self, menu: QMenu) -> None:
        """Update the menu of recent files; its entries are reused and renamed."""
        if not self._recent:
            for _ in range(RECENT_LIMIT):
                action = menu.addAction("")
                action.triggered.connect(partial(self._open_recent, len(self._recent)))
                self._recent.append(action)
        paths = self._recent_paths = self.window.settings.recent()
        for i, action in enumerate(self._recent):
            path = paths[i] if i < len(paths) else ""
            action.setVisible(bool(path))
            action.setText(menu_text(Path(path).name))
            set_tip(action, path, LIMIT)
        if not paths:
            self._recent[0].setText("No recent files")
            self._recent[0].setVisible(True)
        self._recent[0].setEnabled(bool(paths))

    def _open_recent(self, number: int) -> None:
        self.open_path(self._recent_paths[number])

    def fill_bundled(self, menu: QMenu) -> None:
        """Fill the menu of bundled models, for each view."""
        menu.clear()
        for item in bundled():
            for view in range(len(self.session.state.views)):
                name = f"{item.title or item.name} in {letter(view)}"
                menu.addAction(menu_text(name), partial(self.open_model, item.name, view))
        if menu.isEmpty():
            menu.addAction("None are installed").setEnabled(False)
