"""The session: single point of contact for the widgets; looks, documents, timeline, lab and films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Slot

from explorer.session.attributes import AttributeIntents
from explorer.session.bending import Bending
from explorer.session.breeding import BreedingIntents
from explorer.session.camera import CameraIntents
from explorer.session.class_names import ClassNameIntents
from explorer.session.contact_sheets import ContactSheets
from explorer.session.core import SessionCore
from explorer.session.difference import DifferenceOfViews
from explorer.session.directions import DirectionIntents
from explorer.session.documents import Documents
from explorer.session.dragging import Dragging
from explorer.session.favourites import Favourites
from explorer.session.file_writer import FileWorker
from explorer.session.films import FilmService
from explorer.session.lab import StickingLab
from explorer.session.latent_map import LatentMapIntents
from explorer.session.looks import LookIntents
from explorer.session.mask_painting import MaskPainting
from explorer.session.misfits import Misfits
from explorer.session.reading import Reading
from explorer.session.references import ReferenceIntents
from explorer.session.restyle_grids import RestyleGrids
from explorer.session.sources import SourceIntents
from explorer.session.style_channels import StyleChannelSearch
from explorer.session.transport import Transport
from explorer.session.views import ViewIntents
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from explorer.session.recovery import Recovery

__all__ = ["Session"]


class Session(SessionCore):
    """The interface through which widgets read and change everything. GUI thread only.

    What the user does is a method of one of its parts: `look` (the active view's look), `views`, `class_names`,
    `documents`, `directions`, `attributes`, `latent_map`, `breeding` (children and their tree), `favourites`,
    `sheets` (contact sheets), `dragging`, `channels`, `bending`, `sources`, `references`, `masks`, `camera`
    and `grids` (of image-to-image networks), `transport` (the timeline), `lab`, `films`, `misfits`, `difference`,
    and those of `SessionCore`, on which the parts build: it holds the state, gestures and undo, and turns every
    change into requests.

    Args:
        parent: Owner.
        recovery: The recovery files for autosave; None disables it.
        favourites: The folder of the user's favourites; None forgets them with the session.
        options: `state`, `service`, `clock`, `settings`, `opened` as `SessionCore` takes them.
    """

    def __init__(
        self, parent: QObject | None = None, *, recovery: Recovery | None = None, favourites: Path | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(parent, **options)
        self.files = FileWorker(self)
        self.reading = Reading(self)
        self.files.written.connect(self._on_written)
        self.files.failed.connect(self._on_not_written)
        self.look = LookIntents(self)
        self.views = ViewIntents(self)
        self.class_names = ClassNameIntents(self)
        self.documents = Documents(self, self.files, recovery)
        self.transport = Transport(self, self.documents.autosaver)
        self.documents.opening.connect(self.transport.rewind)
        self.lab = StickingLab(self, self.files)
        self.channels = StyleChannelSearch(self)
        self.lab.tour_begins.connect(self.transport.leave)
        self.directions = DirectionIntents(self)
        self.latent_map = LatentMapIntents(self, self.directions, self.transport, self.lab)
        self.attributes = AttributeIntents(self, self.directions)
        self.sources = SourceIntents(self, self.reading)
        self.references = ReferenceIntents(self, self.reading)
        self.masks = MaskPainting(self, self.sources)
        self.camera = CameraIntents(self, self.sources)
        self.documents.opening.connect(self.camera.stop)
        self.films = FilmService(self)
        self.bending = Bending(self)
        self.dragging = Dragging(self)
        self.misfits = Misfits(self)
        self.difference = DifferenceOfViews(self)
        self.breeding = BreedingIntents(self)
        self.favourites = Favourites(self, favourites)
        self.sheets = ContactSheets(self, self.files)
        self.grids = RestyleGrids(self, self.files, self.reading, self.class_names)

    @Slot(object)
    def _on_written(self, path: str) -> None:
        if not self.is_closed:
            self.status.emit(f"Saved {visible(Path(path).name)}")

    @Slot(str)
    def _on_not_written(self, text: str) -> None:
        if not self.is_closed:
            self.status.emit(text)

    def close(self, *, keep: bool = False) -> bool:
        """End all work; return True if every thread has ended.

        Args:
            keep: Keep the recovery files for the next start, because the user was not asked about unsaved changes.
        """
        if self.is_closed:
            return True
        self.transport.pause()
        if keep:
            self.documents.autosaver.flush()
        self.reading.close()
        self.lab.close()
        ended = self.transport.even_speed.close()
        ended = self.films.close() and ended
        ended = self.bending.close() and ended
        ended = self.sheets.close() and ended
        ended = self.grids.close() and ended
        ended = self.camera.close() and ended
        ended = super().close() and ended
        self.documents.close(keep=keep)
        return ended
