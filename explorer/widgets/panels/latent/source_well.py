"""SourceWell: shows the part of the source that the network is given, and takes dropped pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.state.crops import frame_of
from explorer.widgets.controls.drops import dropped_files, take_copy
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.state import Crop

__all__ = ["SIDE_PX", "SourceWell"]

SIDE_PX = 96


class SourceWell(QWidget):
    """Shows the source; takes dropped pictures, and asks for one where it is clicked.

    Signals: `clicked`; `dropped(path)`.
    """

    clicked = Signal()
    dropped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(SIDE_PX, SIDE_PX)
        self.setAcceptDrops(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._image: QImage | None = None

    def show_picture(self, image: QImage | None, crop: Crop | None, size: tuple[int, int]) -> None:
        """Show a picture, or that there is none.

        Args:
            image: The whole picture.
            crop: The part of it that is shown; None for all of it.
            size: (height, width) of the network, for the shape of the crop.
        """
        self._image = image if image is None or crop is None else _cut(image, crop, size)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not (self.isEnabled() and dropped_files(event) and take_copy(event)):
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = dropped_files(event)
        if paths and take_copy(event):
            self.dropped.emit(paths[0])

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        paint_thumbnail(p, self._image, QRectF(self.rect()))
        if self._image is None:
            p.setPen(color("muted"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, "Drop a\npicture")
        p.end()


def _cut(image: QImage, crop: Crop, size: tuple[int, int]) -> QImage:
    """Return the part of a picture in a crop, at the size of the well; beyond the picture it is transparent."""
    side = 2 * SIDE_PX
    # Qt's smooth transformation looks at four pixels only, so a large picture is made smaller first.
    factor = 2 * side / min(_frame(image, crop, size)[2:4])
    if factor < 1.0:
        width, height = max(1, round(image.width() * factor)), max(1, round(image.height() * factor))
        image = image.scaled(width, height, mode=Qt.TransformationMode.SmoothTransformation)
    x, y, wide, high = _frame(image, crop, size)
    made = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    made.fill(Qt.GlobalColor.transparent)
    p = QPainter(made)
    p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    p.translate(side / 2, side / 2)
    p.scale(side / wide, side / high)
    p.rotate(crop.rotate)
    p.translate(-x, -y)
    p.drawImage(QPointF(0.0, 0.0), image)
    p.end()
    return made


def _frame(image: QImage, crop: Crop, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the middle of a crop on an image, and its width and height, in the image's pixels."""
    frame = frame_of(crop, (image.height(), image.width()), size)
    return frame.x, frame.y, frame.width, frame.height
