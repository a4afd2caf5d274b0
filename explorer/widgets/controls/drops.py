"""Files dropped on the window: they are read and stay where they are, whatever the source proposes."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.theme import GRID, color

__all__ = ["DropFrame", "dropped_files", "local_paths", "take_copy"]


def dropped_files(event: QDropEvent) -> list[str]:
    """Return the paths of the local files that a drag carries."""
    return local_paths(event.mimeData())


def local_paths(data: QMimeData) -> list[str]:
    """Return the paths of the local files that are carried or on the clipboard, as Python has them.

    Qt would replace what is not UTF-8 in a name, and no such file would be found.
    """
    return [_local_path(url) for url in data.urls() if url.isLocalFile()]


def _local_path(url: QUrl) -> str:
    if os.name == "nt" or url.host():
        return url.toLocalFile()
    return os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))


def take_copy(event: QDropEvent) -> bool:
    """Answer a drag or a drop as a copy; False where the source offers none, and then it is refused.

    A file manager deletes its file once a move is accepted, and it proposes one while Shift is held, or by default.
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
    """A frame over the picture on which a carried file would be dropped, and what would happen."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self.words, self._owner = "", owner
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self, target: QWidget, words: str) -> None:
        """Frame `target`, with a few words in the middle."""
        self.words = words
        if self.parent() is not target:
            self.setParent(target)
        self.setGeometry(target.rect())
        self.show()
        self.raise_()
        self.update()

    def leave(self) -> None:
        """Take the frame away."""
        self.hide()
        self.setParent(self._owner)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(color("accent"), 2))
        p.setBrush(color("accent", 30))
        p.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 6, 6)
        width = p.fontMetrics().horizontalAdvance(self.words) + 4 * GRID
        pill = QRect((self.width() - width) // 2, self.height() // 2 - 2 * GRID, width, 4 * GRID)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent"))
        p.drawRoundedRect(pill, 6, 6)
        p.setPen(color("on_accent"))
        p.drawText(pill, Qt.AlignmentFlag.AlignCenter, self.words)
        p.end()
