"""ContactSheets: renders pictures between the frames and writes them as one PNG. GUI thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from explorer.animation.contact_sheet import compose, sheet_spec
from explorer.errors import ProjectError
from explorer.project.document import write_png
from explorer.session.job_runner import JobRunner
from explorer.state import Breeding, LineageNode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.session.core import SessionCore
    from explorer.session.file_writer import FileWorker
    from explorer.state import ExplorerState, Look
    from explorer.state.request import RenderRequest

__all__ = ["ContactSheets", "SheetEntry"]


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """One picture of a sheet: its look, its name, and a second line."""

    look: Look
    name: str
    detail: str = ""


class ContactSheets(QObject):
    """Makes one contact sheet at a time.

    Signals: `progress(Report)`; then one of `finished()`, when the file is being written, or `failed(error)`, also
    for a sheet that was cancelled.
    """

    progress = Signal(object)
    finished = Signal()
    failed = Signal(object)

    def __init__(self, session: SessionCore, files: FileWorker) -> None:
        super().__init__(session)
        self._session, self._files = session, files
        self._runner = JobRunner(self, session)
        self._runner.reported.connect(self.progress)
        self._runner.finished.connect(self._on_finished)
        self._runner.failed.connect(self.failed)
        self._path, self._columns = Path(), 1
        self._entries: tuple[SheetEntry, ...] = ()
        self._state: ExplorerState = session.state

    @property
    def is_running(self) -> bool:
        """Whether a sheet is being rendered."""
        return self._runner.is_running

    def start(self, path: Path, entries: Sequence[SheetEntry], *, columns: int, px: int) -> None:
        """Begin a sheet of the active view's model; its file carries a project whose lineage has its latents.

        Args:
            path: Ends in .png.
            entries: The pictures.
            columns: Of the sheet.
            px: Pixels of the longer side of each picture; 0 for as many as it has.

        Raises:
            LatentwalkError: There is no picture, one cannot be rendered, or another sheet is being made.
        """
        if path.suffix.lower() != ".png":
            raise ProjectError(f"{path.name} is not a PNG.", "Contact sheets are saved as .png.")
        spec = sheet_spec([self._request(entry.look) for entry in entries], px)
        self._runner.start(spec, self._session.active)
        self._path, self._columns, self._entries = path, columns, tuple(entries)
        self._state = _carrying(self._session.state, self._entries)

    def cancel(self) -> None:
        """Cancel the sheet."""
        self._runner.cancel()

    def close(self) -> bool:
        """Cancel, and return True once that has ended."""
        return self._runner.close()

    def _request(self, look: Look) -> RenderRequest:
        return self._session.resolve_look(look, self._session.active)

    @Slot(object)
    def _on_finished(self, found: tuple[NDArray[np.uint8], ...]) -> None:
        path, columns, state = self._path, self._columns, self._state
        captions = [(entry.name, entry.detail) for entry in self._entries]
        table, digests = self._session.table, self._session.digests()

        def write() -> None:
            page = compose(found, captions, columns)
            write_png(path, np.ascontiguousarray(page[:, :, ::-1]), state, table, digests)

        self._files.write(path, write)
        self.finished.emit()


def _carrying(state: ExplorerState, entries: Sequence[SheetEntry]) -> ExplorerState:
    """Return a state whose lineage has every latent of a sheet, those it lacks as roots of their own."""
    breeding: Breeding = state.breeding
    known = {node.latent for node in breeding.lineage}
    number = 1 + max((node.number for node in breeding.lineage), default=-1)
    added: list[LineageNode] = []
    for entry in entries:
        if entry.look.latent not in known:
            known.add(entry.look.latent)
            added.append(LineageNode(number + len(added), entry.look.latent, -1, entry.name))
    return replace(state, breeding=replace(breeding, lineage=(*breeding.lineage, *added)))
