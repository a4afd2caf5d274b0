"""Notices over all pictures, which stay until the user responds or they are resolved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from explorer.util.plain_text import visible
from explorer.widgets.controls.plain_text import PlainLabel
from explorer.widgets.controls.theme import GRID

__all__ = ["Notices"]

LIMIT = 600

Offer = tuple[str, Callable[[], object]]
"""Text and action of a button under a message."""


class _Notice(QFrame):
    """A notice: a text with buttons."""

    def __init__(self, on_dismiss: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAccessibleName("Notice")
        self.message = PlainLabel(limit=LIMIT)
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._row = QHBoxLayout()
        self._row.setSpacing(GRID)
        self._row.addStretch(1)
        self.dismiss = self._button("Dismiss")
        self.dismiss.clicked.connect(lambda: on_dismiss())
        self._row.addWidget(self.dismiss)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID + 4, GRID, GRID, GRID)
        column.setSpacing(4)
        column.addWidget(self.message)
        column.addLayout(self._row)
        self._offers: tuple[Offer, ...] = ()
        self._buttons: list[QToolButton] = []  # those beyond the offers are hidden

    def _button(self, text: str = "") -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button

    def _make_offer(self, index: int) -> QToolButton:
        """Return the button of the offer at an index."""
        button = self._button()
        button.clicked.connect(lambda: self._offers[index][1]())
        self._row.insertWidget(index, button)
        return button

    def set_offers(self, offers: Sequence[Offer]) -> None:
        """Replace the offers."""
        self._offers = tuple(offers)
        while len(self._buttons) < len(offers):
            self._buttons.append(self._make_offer(len(self._buttons)))
        for button, (text, _) in zip(self._buttons, offers, strict=False):
            button.setText(visible(text, 60))
            button.show()
        for button in self._buttons[len(offers) :]:
            button.hide()


class Notices(QWidget):
    """A strip of notices, each with a key; it takes no space while empty."""

    def __init__(self) -> None:
        super().__init__()
        self._notices: dict[str, _Notice] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, GRID // 2, 0, 0)
        self._column.setSpacing(GRID // 2)
        self.hide()

    def text(self, key: str) -> str:
        """Return the text of a notice; empty if it is not shown."""
        notice = self._notices.get(key)
        return notice.message.text() if notice is not None and not notice.isHidden() else ""

    def show_notice(self, key: str, text: str, offers: Sequence[Offer] = (), *, can_dismiss: bool = True) -> None:
        """Show a notice, replacing one with the same key.

        Args:
            key: Identifies the notice for `clear`.
            text: What happened and what to do.
            offers: Text and action of each button. The notice stays until `clear`.
            can_dismiss: Whether it can be dismissed.
        """
        notice = self._notices.get(key)
        if notice is None:
            notice = self._notices[key] = _Notice(lambda: self.clear(key))
            self._column.addWidget(notice)
        notice.message.setText(text)
        notice.set_offers(offers)
        notice.dismiss.setVisible(can_dismiss)
        notice.show()
        self.show()

    def clear(self, key: str) -> None:
        """Remove a notice."""
        notice = self._notices.get(key)
        if notice is not None:
            notice.hide()
            self.setVisible(any(not n.isHidden() for n in self._notices.values()))
