"""Files dropped on the window: always handled as a copy, so that the source keeps its files."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.theme import GRID, color

__all__ = ["DropFrame", "dropped_files", "local_paths", "take_copy"]


def dropped_files(event: QDropEvent) -> list[str]:
    """Return the paths of the local files in a drag."""
    return local_paths(event.mimeData())


def local_paths(data: QMimeData) -> list[str]:
    """Return the paths of the local files in a drag or on the clipboard, as Python represents them.

    Qt replaces bytes that are not UTF-8, and the file would not be found.
    """
    return [_local_path(url) for url in data.urls() if url.isLocalFile()]


def _local_path(url: QUrl) -> str:
    if os.name == "nt" or url.host():
        return url.toLocalFile()
    return os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))


def take_copy(event: QDropEvent) -> bool:
    """Accept a drag or a drop as a copy; refuse it and return False if the source does not offer one.

    File managers delete the file once a move is accepted, and propose a move by default or while Shift is held.
    """
    copy = Qt.DropAction.CopyAction
    if not event.possibleActions() & copy:
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.ignore()
        return False
    event.setDropAction(copy)
    event.accept()
    return True


class DropFrame(QWidget):
    """An outline over the drop target, with a text that describes the action."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self.message, self._owner = "", owner
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self, target: QWidget, message: str) -> None:
        """Outline `target`, with a short text in its centre."""
        self.message = message
        if self.parent() is not target:
            self.setParent(target)
        self.setGeometry(target.rect())
        self.show()
        self.raise_()
        self.update()

    def leave(self) -> None:
        """Hide the outline."""
        self.hide()
        self.setParent(self._owner)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(color("accent"), 2))
        p.setBrush(color("accent", 30))
        p.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 6, 6)
        width = p.fontMetrics().horizontalAdvance(self.message) + 4 * GRID
        pill = QRect((self.width() - width) // 2, self.height() // 2 - 2 * GRID, width, 4 * GRID)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent"))
        p.drawRoundedRect(pill, 6, 6)
        p.setPen(color("on_accent"))
        p.drawText(pill, Qt.AlignmentFlag.AlignCenter, self.message)
        p.end()
