"""Dragging a look by its thumbnail from one part of the window to another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QApplication

from explorer.errors import ProjectError
from explorer.state import Look
from explorer.state.codec import decode, encode
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QWidget

__all__ = ["drag_look", "is_drag", "look_in", "mime_of"]

_FORMAT = "application/x-latentwalk-look+json"
_PX = 48


def is_drag(pressed: QPointF, at: QPointF) -> bool:
    """Return whether the pointer is far enough from where it was pressed for a drag."""
    return (at - pressed).manhattanLength() >= QApplication.startDragDistance()


def mime_of(look: Look) -> QMimeData:
    """Return what a drag of a look carries."""
    data = QMimeData()
    data.setData(_FORMAT, json.dumps(encode(look)).encode())
    return data


def look_in(data: QMimeData) -> Look | None:
    """Return the look that a drag carries; None for a drag of something else."""
    if not data.hasFormat(_FORMAT):
        return None
    try:
        return decode(Look, parse_json(bytes(data.data(_FORMAT).data()).decode()))
    except (ProjectError, ValueError):  # of another version of the program
        return None


def drag_look(source: QWidget, look: Look, image: QImage | None) -> None:
    """Drag a look, with its picture at the pointer, until it is dropped."""
    drag = QDrag(source)
    drag.setMimeData(mime_of(look))
    if image is not None:
        mode = Qt.TransformationMode.SmoothTransformation
        drag.setPixmap(QPixmap.fromImage(image).scaledToWidth(_PX, mode))
    drag.exec(Qt.DropAction.CopyAction)
