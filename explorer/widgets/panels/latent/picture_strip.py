"""PictureStrip: stored pictures side by side; files can be added by a button or a drop, and removed by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.drops import dropped_files, take_copy
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail, picture_image

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from explorer.assets.picture import StoredPicture

__all__ = ["PictureStrip"]

_PX, _GAP = 48, 4


class PictureStrip(QWidget):
    """Pictures in rows as wide as the widget.

    Signals: `removed(index)` by a click on a picture; `dropped(paths)`.

    Args:
        empty: Shown while there is no picture.
    """

    removed = Signal(int)
    dropped = Signal(list)

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._empty = empty
        self._images: dict[str, QImage] = {}
        self.pictures: tuple[StoredPicture, ...] = ()
        self._hovered = -1
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.setMinimumHeight(_PX)

    def show_pictures(self, pictures: Sequence[StoredPicture]) -> None:
        """Show pictures; each is made small once."""
        self.pictures = tuple(pictures)
        self._images = {p.key: self._images.get(p.key) or _small(p) for p in self.pictures}
        self._fit()
        self.update()

    def _columns(self) -> int:
        return max(1, (self.width() + _GAP) // (_PX + _GAP))

    def _fit(self) -> None:
        rows = max(1, -(-len(self.pictures) // self._columns()))
        self.setFixedHeight(rows * (_PX + _GAP) - _GAP)

    def _box(self, index: int) -> QRectF:
        columns = self._columns()
        return QRectF(index % columns * (_PX + _GAP), index // columns * (_PX + _GAP), _PX, _PX)

    def _at(self, at: QPointF) -> int:
        return next((i for i in range(len(self.pictures)) if self._box(i).contains(at)), -1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self._at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            set_tip(self, f"{self.pictures[hovered].name or 'picture'}: a click removes it" if hovered >= 0 else "")
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position())
        if event.button() is Qt.MouseButton.LeftButton and index >= 0:
            self._hovered = -1
            self.removed.emit(index)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not (self.isEnabled() and dropped_files(event) and take_copy(event)):
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = dropped_files(event)
        if paths and take_copy(event):
            self.dropped.emit(paths)

    def sizeHint(self) -> QSize:
        return QSize(6 * (_PX + _GAP), _PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.pictures:
            p.setPen(color("muted"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, self._empty)
        for i, picture in enumerate(self.pictures):
            box = self._box(i)
            paint_thumbnail(p, self._images[picture.key], box)
            if i == self._hovered:
                p.fillRect(box, color("canvas", 140))
                p.setPen(QPen(color("text"), 2.0))
                cross = box.adjusted(16, 16, -16, -16)
                p.drawLine(cross.topLeft(), cross.bottomRight())
                p.drawLine(cross.topRight(), cross.bottomLeft())
        p.end()


def _small(picture: StoredPicture) -> QImage:
    """Return the middle square of a picture, small."""
    image = picture_image(picture.array)
    side = min(image.width(), image.height())
    middle = image.copy((image.width() - side) // 2, (image.height() - side) // 2, side, side)
    return middle.scaled(2 * _PX, 2 * _PX, mode=Qt.TransformationMode.SmoothTransformation)
