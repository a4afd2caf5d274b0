"""Notices that stay until the user responds: missing models, work left by a crash, failing autosave."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog

from explorer.checkpoints.parts import split_part, with_part
from explorer.project.file_kinds import MODEL_FILTER
from explorer.util.plain_text import visible
from explorer.widgets.viewer.notices import Notices
from explorer.widgets.window.part import WindowBase, WindowPart
from explorer.widgets.window.read_files import locate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.project.document import Project
    from explorer.project.model_places import ModelPlace
    from explorer.project.model_search import FoundModels
    from explorer.session import Session
    from explorer.util.control import Control
    from explorer.util.plugins import BrokenPlugin
    from explorer.widgets.window.file_commands import FileCommands

__all__ = ["Alerts"]


class Alerts(WindowPart):
    """The notices above the pictures, and the actions of their buttons."""

    def __init__(self, window: WindowBase, files: FileCommands) -> None:
        super().__init__(window)
        self._files = files
        self.strip = Notices()

    def attach(self, session: Session) -> None:
        """Connect to a session's signals."""
        session.documents.autosaver.problem.connect(self._on_autosave)
        session.documents.opening.connect(self._on_opening)

    @Slot(str)
    def _on_autosave(self, message: str) -> None:
        if not message:
            self.strip.clear("autosave")
            return
        hint = "Until it works again, a crash would lose your changes: save the project somewhere else."
        save = ("Save as\u2026", self._files.ask_save)
        self.strip.show_notice("autosave", f"{message} {hint}", [save], can_dismiss=False)

    @Slot()
    def _on_opening(self) -> None:
        """Clear the notices about the previous project's models."""
        self.strip.clear("missing")
        self.strip.clear("changed")

    # models ----------------------------------------------------------------------------------------------

    def show_found(self, found: FoundModels) -> None:
        """Report which of a project's models have changed, and ask for the missing ones, all at once."""
        if found.notes:
            self.strip.show_notice("changed", " ".join(found.notes))
        if not found.missing:
            self.strip.clear("missing")
            return
        names = [visible(Path(place.name).name, 60) for place in found.missing]
        are = "are missing" if len(names) > 1 else "is missing"
        message = f"{', '.join(names)} {are}: not at the saved path, next to the project, or among known models."
        offers = [
            (f"Locate {name}\u2026", partial(self._ask_missing, found, place))
            for name, place in zip(names, found.missing, strict=True)
        ]
        self.strip.show_notice("missing", message, offers)

    def _ask_missing(self, found: FoundModels, place: ModelPlace) -> None:
        title = f"Locate {visible(Path(place.name).name)}"
        path, _ = QFileDialog.getOpenFileName(self.window, title, self._files.folder(), MODEL_FILTER)
        if path:
            self.locate_model(found, place, path)

    def locate_model(self, found: FoundModels, place: ModelPlace, path: str) -> None:
        """Use a file for a missing model in all views, and files in the same folder for other missing ones."""
        others = [(other.name, other.sha256) for other in found.missing if other != place]

        path, file = with_part(path, split_part(place.name)[1]), path

        def take(answer: tuple[bool, dict[str, str]]) -> None:
            is_other, beside = answer
            self.session.documents.locate_models({place.name: path, **beside})
            self._files.remember(file)
            left = tuple(p for p in found.missing if p != place and p.name not in beside)
            name = visible(Path(file).name)
            note = f"{name} is not the network that the project was made with. Pictures may differ."
            self.show_found(replace(found, missing=left, notes=(note,) if is_other else ()))

        self._files.read(path, lambda control: locate(path, place.sha256, others), take)

    # plug-ins -------------------------------------------------------------------------------------------

    def show_broken_plugins(self, broken: Sequence[BrokenPlugin]) -> None:
        """Name the plug-ins that failed to load, with a button that shows their tracebacks."""
        if not broken:
            self.strip.clear("plugins")
            return
        named = [f"{visible(item.name, 60)} ({visible(item.distribution or item.group, 60)})" for item in broken]
        if len(named) == 1:
            message = f"The plug-in {named[0]} failed to load: {visible(broken[0].error, 160)}."
        else:
            listed = ", ".join(named[:4]) + (" and others" if len(named) > 4 else "")
            message = f"{len(named)} plug-ins failed to load: {listed}."
        message += " Everything else works. The \u201cdoctor\u201d command lists all plug-ins."
        trace = "\n\n".join(f"{name}\n{item.traceback}" for name, item in zip(named, broken, strict=True))
        offers = [("Show traceback", partial(self._show_trace, message, trace))]
        self.strip.show_notice("plugins", message, offers)

    def _show_trace(self, message: str, trace: str) -> None:
        banner = self.window.views.active_pane().banner
        banner.show_fault(message, trace)
        banner.details.click()

    # recovery --------------------------------------------------------------------------------------------

    def offer_recovery(self) -> None:
        """Offer to restore the autosaved session after a crash; ignoring the offer loses nothing."""
        left = self.session.documents.crashed()
        if not left:
            self.strip.clear("recovery")
            return
        saved = datetime.fromtimestamp(left[0][1]).strftime("%Y-%m-%d %H:%M")
        message = f"Latentwalk closed unexpectedly. Your session was saved ({saved})."
        if len(left) > 1:
            sessions = "session is" if len(left) == 2 else "sessions are"
            message += f" {len(left) - 1} older {sessions} kept and will be offered later."
        path = left[0][0]
        offers = [("Restore", partial(self._restore, path)), ("Discard", partial(self._discard_recovery, path))]
        self.strip.show_notice("recovery", message, offers)

    def _restore(self, path: Path) -> None:
        recent = self.window.settings.strings("recent")
        read = self.session.documents.recovery_reader(path)

        def work(control: Control) -> tuple[Project, FoundModels]:
            from explorer.project.model_search import find_models

            project = read()
            return project, find_models(project, recent, control)

        def take(answer: tuple[Project, FoundModels]) -> None:
            project, found = answer
            if self._files.may_discard():
                self.session.documents.take_recovered(path, replace(project, state=found.state))
                self.window.touched()
                self.strip.clear("recovery")
                self.show_found(found)

        self._files.read(str(path), work, take)

    def _discard_recovery(self, path: Path) -> None:
        self.session.documents.discard_recovery(path)
        self.offer_recovery()
