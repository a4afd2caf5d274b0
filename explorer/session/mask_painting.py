"""MaskPainting: where details of the source are kept, painted with a brush on the picture of the active view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from explorer.assets.picture import StoredMask
from explorer.render.sources import mask_tensor
from explorer.state import Crop
from explorer.state.crops import frame_of
from explorer.util.brush import BRUSH, brushed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.session.core import SessionCore
    from explorer.session.sources import SourceIntents
    from explorer.util.brush import Place

__all__ = ["MaskPainting"]

_INSIDE = 127
"""Values of a mask above this are inside, where it is painted further."""

_MOST = 2048
"""Longest side of a mask that is painted, in pixels."""


class MaskPainting(QObject):
    """Paints one mask for all that the network of the active view takes. GUI thread only.

    A mask belongs to the source picture, and is cropped and turned with it. A stroke is one undo step.

    Signal: `changed()` during a stroke, and where the brush changes.

    Attributes:
        brush: Radius in widths of the view's picture.
        is_erasing: Whether the brush takes away.
    """

    changed = Signal()

    def __init__(self, session: SessionCore, sources: SourceIntents) -> None:
        super().__init__(session)
        self._session, self._sources = session, sources
        self.brush, self.is_erasing = BRUSH, False
        self._stroke: tuple[NDArray[np.bool_], bool] | None = None
        self._shown: tuple[object, NDArray[np.bool_] | None] = (None, None)

    def set_brush(self, radius: float) -> None:
        """Set the radius of the brush, in widths of the view's picture."""
        self.brush = radius
        self.changed.emit()

    def set_erasing(self, is_erasing: bool) -> None:
        """Let the brush add to the mask, or take away from it."""
        self.is_erasing = is_erasing
        self.changed.emit()

    def region(self, view: int) -> NDArray[np.bool_] | None:
        """Return what is inside the first mask as a view's network is given it, bool `[H, W]`; None for no mask."""
        info = self._session.info(view)
        is_drawn = self._stroke is not None and view == self._session.active
        mask = self._stroke[0] if self._stroke is not None and is_drawn else self._mask(view)
        if mask is None or info is None:
            return None
        crop = self._session.look_of(view).source.crop
        key = (id(mask) if is_drawn else self._sources.masks_of(view)[0].key, crop, info.img_size)
        if is_drawn or self._shown[0] != key:
            tensor = mask_tensor(
                np.where(mask, 255, 0).astype(np.uint8), info.img_size, None if crop == Crop() else crop
            )
            self._shown = key, tensor[0, 0].numpy() > 0.5
        return self._shown[1]

    def _mask(self, view: int) -> NDArray[np.bool_] | None:
        masks = self._sources.masks_of(view)
        return masks[0].array > _INSIDE if masks else None

    def begin_stroke(self, is_other: bool = False) -> None:
        """Begin a stroke of the brush; `is_other`: it erases instead of painting, or the other way round."""
        mask, size = self._mask(self._session.active), self._size()
        if size is not None:
            self._stroke = np.zeros(size, bool) if mask is None else mask, self.is_erasing != is_other

    def _size(self) -> tuple[int, int] | None:
        """Return (height, width) of a new mask: of the source's shape, as fine as the network sees it."""
        info, picture = self._session.info(self._session.active), self._sources.picture
        if info is None or not info.num_masks:
            return None
        if picture is None:
            return info.img_size
        whole = picture.array.shape[:2]
        scale = info.img_size[0] / frame_of(Crop(), whole, info.img_size).height
        scale = min(scale, _MOST / max(whole))
        return max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))

    def paint(self, start: Place, end: Place) -> None:
        """Paint between two points, in widths of the view's picture from its upper left corner."""
        info = self._session.info(self._session.active)
        if self._stroke is None or info is None:
            return
        mask, is_erasing = self._stroke
        frame = frame_of(self._session.look_of().source.crop, mask.shape, info.img_size)
        width, aspect = mask.shape[1], info.aspect
        places = [frame.to_picture((x, y / aspect)) for x, y in (start, end)]
        first, last = ((x / width, y / width) for x, y in places)
        radius = self.brush * frame.width / width
        self._stroke = brushed(mask, mask.shape, first, last, radius, is_erasing=is_erasing), is_erasing
        self.changed.emit()

    def end_stroke(self) -> None:
        """End the stroke: one undo step."""
        if self._stroke is None:
            return
        (mask, is_erasing), self._stroke = self._stroke, None
        info = self._session.info(self._session.active)
        count = info.num_masks if info is not None else 0
        if mask.any():
            made = StoredMask(np.where(mask, 255, 0).astype(np.uint8), "painted")
            self._sources.set_masks([made] * count, "Erase mask" if is_erasing else "Paint mask")
        else:
            self._sources.set_masks((), "Erase mask")
        self.changed.emit()

    def cancel_stroke(self) -> None:
        """End the stroke without a change."""
        self._stroke = None
        self.changed.emit()
