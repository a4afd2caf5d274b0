"""The source panel: the picture that an image-to-image network changes, its mask, and styles of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.drops import dropped_files, take_copy
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.assets.picture import StoredPicture
    from explorer.session import Session
    from explorer.state import Source

__all__ = ["SourcePanel"]

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.npy);;All files (*)"
_SIDE = 96


class _Well(QWidget):
    """Shows the source; takes dropped pictures, and asks for one where it is clicked."""

    clicked = Signal()
    dropped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(_SIDE, _SIDE)
        self.setAcceptDrops(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._image: QImage | None = None

    def show_picture(self, picture: StoredPicture | None) -> None:
        """Show a picture, its shorter side filled, or that there is none."""
        self._image = None if picture is None else _square(picture)
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


def _square(picture: StoredPicture) -> QImage:
    """Return the middle square of a picture, as networks take it, at the size of the well."""
    array = picture.array
    side = min(array.shape[:2])
    top, left = (array.shape[0] - side) // 2, (array.shape[1] - side) // 2
    cut = np.ascontiguousarray(array[top : top + side, left : left + side])
    formats = {1: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}
    image = QImage(cut.data, side, side, cut.strides[0], formats[cut.shape[2]])
    return image.scaled(2 * _SIDE, 2 * _SIDE, mode=Qt.TransformationMode.SmoothTransformation)


class SourcePanel(Panel):
    """The source of image-to-image networks; others have none, and say so."""

    key = "source"
    title = "Source"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        sources = session.sources
        self.well = _Well()
        self.name = label("", "muted")
        self.load = IconButton("folder-open", "Choose the source picture", self.ask_source, text="Open")
        self.remove = IconButton("trash", "Remove the source picture and its mask", sources.remove)
        self.style_of = IconButton(
            "palette",
            "Take the style of a picture, for the chosen domain",
            self.ask_style,
            text="Style of a picture",
        )
        self.open_mask = IconButton(
            "selection-all", "Open a mask: bright where details of the source are kept", self.ask_mask, text="Mask"
        )
        self.no_mask = IconButton("trash", "Remove the mask", lambda: sources.set_masks(()), size=14)
        self.mask_name = label("", "muted")
        self.add(row(self.well, None))
        self.add(row(self.name, None, self.load, self.remove))
        self.add(row(self.mask_name, None, self.open_mask, self.no_mask))
        self.add(row(self.style_of, None))
        self._bind()

    def _bind(self) -> None:
        sources = self.session.sources
        self.well.clicked.connect(self.ask_source)
        self.well.dropped.connect(sources.open)
        sources.failed.connect(self.problem)
        self.bind.look(lambda look: look.source, self._show)
        self.bind.available("source.picture", self.well, self.load, self.remove)
        self.bind.available("source.masks", self.open_mask, self.no_mask)
        self.bind.available("source.style", self.style_of)

    def _show(self, source: Source) -> None:
        picture, masks = self.session.sources.picture, self.session.sources.masks
        self.well.show_picture(picture)
        height, width = picture.array.shape[:2] if picture is not None else (0, 0)
        self.name.setText(picture.name or "picture" if picture is not None else "No source")
        set_tip(self.well, f"{width}\u00d7{height} px" if picture is not None else "Drop a picture, or click")
        self.remove.setVisible(bool(source.picture))
        self.no_mask.setVisible(bool(masks))
        self.mask_name.setText(masks[0].name or "mask" if masks else "No mask")

    def ask_source(self) -> None:
        """Ask for the source picture."""
        self._ask("Choose the source picture", self.session.sources.open)

    def ask_mask(self) -> None:
        """Ask for the mask."""
        self._ask("Open a mask", self.session.sources.open_masks)

    def ask_style(self) -> None:
        """Ask for the picture whose style is taken."""
        self._ask("Take the style of a picture", self.session.sources.open_style)

    def _ask(self, title: str, then: Callable[[str], None]) -> None:
        path, _ = QFileDialog.getOpenFileName(self, title, "", PICTURES)
        if path:
            then(path)
