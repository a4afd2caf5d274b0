"""A short message at the lower edge that disappears by itself, with at most one button."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from explorer.widgets.controls.plain_text import PlainLabel
from explorer.widgets.controls.theme import GRID

if TYPE_CHECKING:
    from explorer.widgets.viewer.notices import Offer

__all__ = ["Toast"]

_SHOWN_MS = 3500
_SHOWN_WITH_OFFER_MS = 12_000  # time to read, to decide and to reach the button


class Toast(QFrame):
    """Reports what was just done. It receives mouse events only while it has a button."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._over = parent
        self._label = PlainLabel()
        self._action: Callable[[], object] | None = None
        self.button = QPushButton()
        self.button.setProperty("flat", True)
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.clicked.connect(self._accept)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        self._row.setSpacing(2 * GRID)
        self._row.addWidget(self._label, 1)
        self._row.addWidget(self.button)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """The message shown; empty if none."""
        return self._label.text() if not self.isHidden() else ""

    def show_message(self, text: str, offer: Offer | None = None) -> None:
        """Show a message for a few seconds.

        Args:
            text: A sentence.
            offer: Text and action of a button; the message is then shown longer.
        """
        self._label.setText(text)
        self._action = offer[1] if offer else None
        self.button.setText(offer[0] if offer else "")
        self.button.setVisible(offer is not None)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, offer is None)
        self.show()
        self.reposition()
        self.raise_()
        self._timer.start(_SHOWN_WITH_OFFER_MS if offer else _SHOWN_MS)

    def reposition(self) -> None:
        """Move to the lower edge of the parent."""
        parent = self._over
        self._label.setWordWrap(False)
        width = min(self.sizeHint().width(), parent.width() - 2 * GRID)
        self._label.setWordWrap(self.sizeHint().width() > width)
        height = self._row.heightForWidth(width) if self._label.wordWrap() else self.sizeHint().height()
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - 5 * GRID, width, height)

    def _accept(self) -> None:
        action, self._action = self._action, None
        self.hide()
        if action is not None:
            action()
