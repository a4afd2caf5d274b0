"""Thumbnails: requested from the session by key, cached, and painted with rounded corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from explorer.state import Source
from explorer.widgets.controls.theme import color

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.render.results import Frame, Thumbnail
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["Thumbnails", "fitted", "paint_thumbnail", "picture_image", "thumbnail_image"]


def picture_image(array: NDArray[np.uint8]) -> QImage:
    """Return a QImage over a copy of a stored picture's bytes, `[H, W, C]` of grey, RGB, or RGB and opacity."""
    formats = {1: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}
    height, width, channels = array.shape
    return QImage(array.tobytes(), width, height, channels * width, formats[channels]).copy()


def thumbnail_image(thumbnail: Thumbnail | Frame) -> QImage:
    """Return a QImage over a copy of a rendered picture's bytes."""
    pixels = thumbnail.pixels
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32).copy()


def fitted(image: QImage, box: QRectF) -> QRectF:
    """Return the largest rectangle with the picture's aspect ratio in the middle of `box`."""
    scale = min(box.width() / max(image.width(), 1), box.height() / max(image.height(), 1))
    place = QRectF(0.0, 0.0, scale * image.width(), scale * image.height())
    place.moveCenter(box.center())
    return place


def paint_thumbnail(p: QPainter, image: QImage | None, box: QRectF, *, mark: QColor | None = None) -> None:
    """Paint a picture, whole and unstretched, or a placeholder into `box` with rounded corners.

    `mark` draws a border.
    """
    path = QPainterPath()
    path.addRoundedRect(box, 4, 4)
    p.save()
    p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    p.setClipPath(path)
    p.fillRect(box, color("faint", 60))
    if image is not None:
        p.drawImage(fitted(image, box), image)
    p.restore()
    if mark is not None:
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(mark, 2))
        p.drawRoundedRect(box, 4, 4)


class Thumbnails(QObject):
    """The thumbnails of one panel. `on_change` is called when a picture arrives.

    `prefix` separates the keys of different panels; pictures of a closed model are dropped, and those of another
    source once that rests. `max_px`: pixels of their longer side at most.
    """

    LIMIT = 256

    def __init__(
        self, session: Session, prefix: str, on_change: Callable[[], None], parent: QObject, *, max_px: int = 96
    ) -> None:
        super().__init__(parent)
        self._session, self._prefix, self._on_change, self._max_px = session, prefix, on_change, max_px
        self._images: dict[str, QImage] = {}
        self._bases: dict[str, NDArray[np.float32]] = {}
        self._asked: set[str] = set()
        self._source = Source()
        session.thumbnail.connect(self._on_thumbnail)
        session.lab.rested.connect(self._on_rest)

    def get(self, key: str, look: Look, view: int | None = None) -> QImage | None:
        """Return the picture with that key; if it is missing, request it and return None."""
        image = self._images.get(key)
        number = self._session.active if view is None else view
        if image is None and key not in self._asked and self._session.info(number) is not None:
            self._asked.add(key)
            self._source = self._session.look_of(number).source
            self._session.request_thumbnail(f"{self._prefix}/{key}", look, number, self._max_px)
        return image

    def w(self, key: str) -> NDArray[np.float32] | None:
        """Return the latent w `[w_dim]` of a picture, before mixing and truncation; None until it is there."""
        base = self._bases.get(key)
        return base if base is None or base.ndim == 1 else base.mean(axis=0)

    def clear(self) -> None:
        """Drop all pictures, so that they are requested again."""
        self._images.clear()
        self._bases.clear()
        self._asked.clear()

    @Slot()
    def _on_rest(self) -> None:
        """Drop the pictures if the source of an image-to-image network has changed."""
        info, source = self._session.info(self._session.active), self._session.look_of().source
        if self._asked and info is not None and info.source_channels and source != self._source:
            self.clear()
            self._on_change()

    @Slot(object)
    def _on_thumbnail(self, thumbnail: Thumbnail) -> None:
        prefix, _, key = thumbnail.key.partition("/")
        if prefix != self._prefix or key not in self._asked:
            return
        if len(self._images) >= self.LIMIT:
            oldest = next(iter(self._images))
            del self._images[oldest], self._bases[oldest]
            self._asked.discard(oldest)
        self._images[key], self._bases[key] = thumbnail_image(thumbnail), thumbnail.base
        self._on_change()
