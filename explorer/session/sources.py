"""SourceIntents: the source of image-to-image networks, its crop and its masks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal, Slot

from explorer.assets.picture import StoredMask, StoredPicture
from explorer.assets.picture_files import load_masks, load_picture
from explorer.errors import NoSourceError, UsageError
from explorer.state import Crop, Source
from explorer.state.crops import clamped
from explorer.state.view_layout import with_active
from explorer.util.plain_text import visible
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.session.core import SessionCore
    from explorer.session.reading import Reading
    from explorer.state import ExplorerState

__all__ = ["Editing", "SourceIntents"]

Editing = Literal["", "crop", "mask"]
"""What is edited on the picture itself."""


class SourceIntents(QObject):
    """Changes to the source of the active view. GUI thread only.

    Signals: `failed(LatentwalkError)` where a file cannot be used; `editing_changed()` where the crop or the mask
    begins or ends to be edited on the picture.

    Attributes:
        editing: What is edited on the picture of `editing_view`.
    """

    failed = Signal(object)
    editing_changed = Signal()

    def __init__(self, session: SessionCore, reading: Reading) -> None:
        super().__init__(session)
        self._session, self._reading = session, reading
        self.editing: Editing = ""
        self.editing_view = 0
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model_changed)

    # -- the picture ---------------------------------------------------------------------------------------

    @property
    def picture(self) -> StoredPicture | None:
        """The source picture of the active view's look."""
        return self.picture_of(self._session.active)

    def picture_of(self, view: int) -> StoredPicture | None:
        """Return the source picture of a view's look; None if it has none, or is given another view's picture."""
        source = self._session.look_of(view).source
        return None if source.view >= 0 else self._session.table.find(StoredPicture, source.picture)

    def takes_source(self, view: int) -> bool:
        """Return whether a view's network takes a source picture."""
        info = self._session.info(view)
        return info is not None and bool(info.source_channels)

    def open(self, path: str) -> None:
        """Read a picture in the background and make it the source."""
        self._read(path, lambda: load_picture(path), self.use)

    def use(self, picture: StoredPicture) -> None:
        """Make a picture the source; the masks and the crop of another one are dropped."""
        self._session.edit("Source picture", source=Source(self._session.table.add(picture)))

    def use_view(self, view: int) -> None:
        """Make the picture of another view the source, as it changes; masks stay, pictures are dropped."""
        source = self._session.look_of().source
        masks = source.masks if source.view >= 0 else ()
        self._session.edit(f"Source: view {letter(view)}", source=Source(masks=masks, view=view))

    def offers(self, view: int, error: object) -> list[tuple[str, Callable[[], object]]]:
        """Return the remedies for an error of a view that has no source, as (button text, action)."""
        if not isinstance(error, NoSourceError) or view >= len(self._session.state.views):
            return []

        def use(other: int) -> None:
            self._session.store.update_transient(with_active(self._session.state, view))
            self.use_view(other)

        return [(f"Use view {letter(other)}", partial(use, other)) for other in self.views_to_use(view)]

    def views_to_use(self, view: int | None = None) -> tuple[int, ...]:
        """Return the views that can be the source of one (None: the active one): with a model, not made from it."""
        session, active = self._session, self._session.active if view is None else view
        found = []
        for view in range(len(session.state.views)):
            at, seen = view, {active}
            while at >= 0 and at not in seen:
                seen.add(at)
                at = session.look_of(at).source.view if self.takes_source(at) else -1
            if view != active and session.info(view) is not None and at < 0:
                found.append(view)
        return tuple(found)

    def remove(self) -> None:
        """Remove the source picture and its masks."""
        self._session.edit("Remove source", source=Source())

    # -- the crop ------------------------------------------------------------------------------------------

    def set_crop(self, crop: Crop) -> None:
        """Set the part of the source that the network is given."""
        source, picture = self._session.look_of().source, self.picture
        info = self._session.info(self._session.active)
        if picture is not None and info is not None:
            crop = clamped(crop, picture.array.shape[:2], info.img_size)
        self._session.edit("Crop source", source=replace(source, crop=crop))

    def reset_crop(self) -> None:
        """Give the network the largest part in the middle again."""
        self._session.edit("Reset crop", source=replace(self._session.look_of().source, crop=Crop()))

    def set_editing(self, editing: Editing) -> None:
        """Begin to edit the crop or the mask on the picture of the active view, or end it."""
        view = self._session.active
        if editing == "crop" and self.picture is None:
            editing = ""
        if (editing, view) != (self.editing, self.editing_view):
            self.editing, self.editing_view = editing, view
            self.editing_changed.emit()

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if not self.editing:
            return
        is_gone = self.editing_view >= len(new.views) or new.active != self.editing_view
        if is_gone or (self.editing == "crop" and self.picture_of(self.editing_view) is None):
            self._end_editing()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if self.editing and view == self.editing_view:
            self._end_editing()

    def _end_editing(self) -> None:
        self.editing = ""
        self.editing_changed.emit()

    # -- masks ---------------------------------------------------------------------------------------------

    @property
    def masks(self) -> tuple[StoredMask, ...]:
        """The masks of the active view's look; empty for none."""
        return self.masks_of(self._session.active)

    def masks_of(self, view: int) -> tuple[StoredMask, ...]:
        """Return the masks of a view's look; empty for none."""
        found = (self._session.table.find(StoredMask, key) for key in self._session.look_of(view).source.masks)
        return tuple(mask for mask in found if mask is not None)

    def open_masks(self, path: str) -> None:
        """Read masks in the background; a single one serves for all masks of the network."""
        self._read(path, lambda: load_masks(path), self._use_masks)

    def set_masks(self, masks: Sequence[StoredMask], name: str = "Mask") -> None:
        """Set all masks of the network; none removes them."""
        keys = tuple(self._session.table.add(mask) for mask in masks)
        self._session.edit(name, source=replace(self._session.look_of().source, masks=keys))

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

    def _read(self, path: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._reading.start(f"Reading {visible(Path(path).name)}", lambda control: work(), then, self.failed.emit)
