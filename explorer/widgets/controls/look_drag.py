"""Drags of a picture within the window: what is carried is its look, for targets that take a latent."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from explorer.errors import ProjectError
from explorer.state import Look
from explorer.state.codec import decode, encode
from explorer.util.strict_json import parse_json
from explorer.widgets.controls.drops import take_copy

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QImage

__all__ = ["LookTarget", "drag_look", "is_drag", "look_data", "look_in"]

_MIME = "application/x-latentwalk-look"
_OURS = secrets.token_hex(8)
"""Identifies drags of this window: assets that a look of another one names are not here."""

_PX = 56


def is_drag(pressed: QPointF, at: QPointF) -> bool:
    """Return whether the pointer is far enough from where it was pressed for a drag."""
    return (at - pressed).manhattanLength() >= QApplication.startDragDistance()


def look_data(look: Look) -> QMimeData:
    """Return what a drag of a look carries."""
    data = QMimeData()
    data.setData(_MIME, f"{_OURS}{json.dumps(encode(look))}".encode())
    return data


def look_in(data: QMimeData) -> Look | None:
    """Return the look that a drag of this window carries; None for any other drag."""
    text = bytes(data.data(_MIME).data()).decode(errors="replace")
    if not text.startswith(_OURS):
        return None
    try:
        return decode(Look, parse_json(text.removeprefix(_OURS)), "look")
    except (ProjectError, ValueError):
        return None


def drag_look(widget: QWidget, look: Look, image: QImage | None) -> None:
    """Drag a look from a widget, with its picture at the pointer, until it is dropped."""
    drag = QDrag(widget)
    drag.setMimeData(look_data(look))
    if image is not None:
        mode = Qt.AspectRatioMode.KeepAspectRatio
        drag.setPixmap(QPixmap.fromImage(image).scaled(_PX, _PX, mode, Qt.TransformationMode.SmoothTransformation))
        drag.setHotSpot(QPoint(_PX // 2, _PX // 2))
    drag.exec(Qt.DropAction.CopyAction)


class LookTarget(QWidget):
    """A widget on which pictures of this window can be dropped. Subclasses say what happens then."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)

    def mark_target(self, *, is_target: bool) -> None:
        """Show whether a picture that is dragged would be dropped here."""
        raise NotImplementedError  # every target shows it in its own way

    def take_look(self, look: Look) -> None:
        """Take the look of a picture that was dropped."""
        raise NotImplementedError  # what a drop means is the target's

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if look_in(event.mimeData()) is None or not take_copy(event):
            event.ignore()
            return
        self.mark_target(is_target=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.mark_target(is_target=False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.mark_target(is_target=False)
        look = look_in(event.mimeData())
        if look is not None and take_copy(event):
            self.take_look(look)
