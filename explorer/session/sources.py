"""SourceIntents: the source picture and masks of image-to-image networks, and styles taken from pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.assets.latent import StoredLatent
from explorer.assets.picture import StoredMask, StoredPicture
from explorer.assets.picture_files import load_masks, load_picture
from explorer.errors import LatentwalkError, UsageError
from explorer.render.encode_job import encode_spec
from explorer.state import Latent, Source
from explorer.state.request import KeyedArray
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.session.reading import Reading

__all__ = ["SourceIntents"]

_JOB = "encode"


class SourceIntents(QObject):
    """Changes to the source of the active view. GUI thread only.

    Signals: `failed(LatentwalkError)` where a file cannot be read, or a style cannot be taken.
    """

    failed = Signal(object)

    def __init__(self, session: SessionCore, reading: Reading) -> None:
        super().__init__(session)
        self._session, self._reading = session, reading
        self._waiting: StoredPicture | None = None  # whose style is being taken
        self._sha = ""
        session.service.job_event.connect(self._on_job_event)

    @property
    def picture(self) -> StoredPicture | None:
        """The source picture of the active view's look."""
        key = self._session.look_of().source.picture
        return self._session.table.find(StoredPicture, key) if key else None

    @property
    def masks(self) -> tuple[StoredMask, ...]:
        """The masks of the active view's look; empty for none."""
        found = (self._session.table.find(StoredMask, key) for key in self._session.look_of().source.masks)
        return tuple(mask for mask in found if mask is not None)

    def open(self, path: str) -> None:
        """Read a picture in the background and make it the source."""
        self._read(path, lambda: load_picture(path), self.use)

    def use(self, picture: StoredPicture) -> None:
        """Make a picture the source; the masks of another one are dropped."""
        self._session.edit("Source picture", source=Source(self._session.table.add(picture)))

    def remove(self) -> None:
        """Remove the source picture and its masks."""
        self._session.edit("Remove source", source=Source())

    def open_masks(self, path: str) -> None:
        """Read masks in the background; a single one serves for all masks of the network."""
        self._read(path, lambda: load_masks(path), self._use_masks)

    def set_masks(self, masks: Sequence[StoredMask]) -> None:
        """Set all masks of the network; none removes them."""
        keys = tuple(self._session.table.add(mask) for mask in masks)
        self._session.edit("Mask", source=replace(self._session.look_of().source, masks=keys))

    def _use_masks(self, masks: Sequence[StoredMask]) -> None:
        info = self._session.info(self._session.active)
        count = info.num_masks if info is not None else 0
        found = list(masks) * count if len(masks) == 1 else list(masks)
        if len(found) != count:
            self.failed.emit(
                UsageError(
                    f"The file holds {len(masks)} masks, and this network takes {count}.", "Use one of them."
                )
            )
            return
        self.set_masks(found)

    def open_style(self, path: str) -> None:
        """Read a picture in the background and take its style as the latent."""
        self._read(path, lambda: load_picture(path), self.take_style)

    def take_style(self, picture: StoredPicture) -> None:
        """Encode a picture as the style of the active view, under its classes; it becomes the latent."""
        view = self._session.active
        try:
            request = self._session.resolve_view(view)
        except LatentwalkError as error:
            self.failed.emit(error)
            return
        self._waiting, self._sha = picture, request.model.sha256
        source = KeyedArray(picture.digest, picture.array)
        self._session.service.run_job(f"{_JOB}/{view}", view, encode_spec(replace(request, source=source)))

    def _read(self, path: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._reading.start(f"Reading {visible(Path(path).name)}", lambda control: work(), then, self.failed.emit)

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        if not event.key.startswith(f"{_JOB}/") or self._waiting is None:
            return
        if event.error is not None:
            self._waiting = None
            if isinstance(event.error, LatentwalkError):
                self.failed.emit(event.error)
        elif event.report is not None and event.report.value is not None:
            name, self._waiting = self._waiting.name, None
            style = StoredLatent("w", event.report.value, self._sha, name=name)
            key = self._session.table.add(style)
            self._session.edit(f"Style of {visible(name or 'a picture', 60)}", latent=Latent(stored=key), drift=0.0)
