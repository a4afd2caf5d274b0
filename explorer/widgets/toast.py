"""A few words at the lower edge that go away by themselves."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from explorer.widgets.plain import PlainLabel
from explorer.widgets.theme import GRID

__all__ = ["Toast"]

_SHOWN_MS = 3500


class Toast(QFrame):
    """Says what was just done. Never takes the mouse."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._over = parent
        self._words = PlainLabel()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        self._row.addWidget(self._words)
        self._timer = QTimer(self, interval=_SHOWN_MS, singleShot=True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """What is said; empty if nothing."""
        return self._words.text() if not self.isHidden() else ""

    def say(self, text: str) -> None:
        """Show the words for a few seconds."""
        self._words.setText(text)
        self.show()
        self.place()
        self.raise_()
        self._timer.start()

    def place(self) -> None:
        """Lie at the lower edge of the parent."""
        parent = self._over
        width = min(self.sizeHint().width(), parent.width() - 2 * GRID)
        self._words.setWordWrap(self.sizeHint().width() > width)
        height = self._row.heightForWidth(width) if self._words.wordWrap() else self.sizeHint().height()
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - 5 * GRID, width, height)
