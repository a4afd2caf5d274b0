"""The help sheet: every shortcut of the menus and every gesture, on one page over the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from explorer.widgets.gestures import HINTS
from explorer.widgets.parts import label
from explorer.widgets.theme import GRID, color

__all__ = ["HelpSheet"]

SLIDER_HINTS: tuple[tuple[str, str], ...] = (
    ("Drag", "change; with Shift: fine"),
    ("Middle drag", "relative to where it is"),
    ("Wheel, arrows", "step; with Shift: fine"),
    ("Type, click the number", "enter a value"),
    ("Double-click, Backspace", "back to the default mark"),
    ("Esc", "take the running drag back"),
)
KEY_HINTS: tuple[tuple[str, str], ...] = (
    ("Arrows", "walk the latent plane a little"),
    ("Shift + arrows", "move the picture a little"),
)


class HelpSheet(QWidget):
    """Lies over the whole window until a key or a click."""

    def __init__(self, parent: QWidget, menus: Sequence[tuple[str, Sequence[QAction]]]) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lines: list[tuple[str, str]] = []
        card = QFrame(self)
        card.setObjectName("card")
        columns = QHBoxLayout(card)
        columns.setContentsMargins(4 * GRID, 3 * GRID, 4 * GRID, 3 * GRID)
        columns.setSpacing(5 * GRID)
        blocks: list[tuple[str, list[tuple[str, str]]]] = [
            ("On the picture", [*HINTS, *KEY_HINTS]),
            ("On a slider", list(SLIDER_HINTS)),
        ]
        for title, actions in menus:
            found = [(_keys(action), action.text().rstrip(" \u2026")) for action in actions if action.shortcuts()]
            if found:
                blocks.append((title, found))
        for group in _balanced(blocks, 3):
            column = QVBoxLayout()
            column.setSpacing(2 * GRID)
            for title, lines in group:
                column.addLayout(self._block(title, lines))
            column.addStretch(1)
            columns.addLayout(column)
        self._card = card
        self.setGeometry(parent.rect())
        self._place()

    def _block(self, title: str, lines: Sequence[tuple[str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(3)
        grid.addWidget(label(title, "heading"), 0, 0, 1, 2)
        for i, (keys, text) in enumerate(lines, start=1):
            self.lines.append((keys, text))
            name = label(keys, "muted")
            name.setMinimumWidth(112)
            grid.addWidget(name, i, 0)
            words = label(text, "")
            words.setWordWrap(False)
            grid.addWidget(words, i, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _place(self) -> None:
        hint = self._card.sizeHint()
        width, height = min(hint.width(), self.width() - 2 * GRID), min(hint.height(), self.height() - 2 * GRID)
        self._card.setGeometry((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    def open(self) -> None:
        """Show the sheet and take the keys."""
        self.show()
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.deleteLater()
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.deleteLater()
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), color("canvas", 190))


def _keys(action: QAction) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(sequence.toString(native) for sequence in action.shortcuts())


def _balanced(
    blocks: list[tuple[str, list[tuple[str, str]]]], count: int
) -> list[list[tuple[str, list[tuple[str, str]]]]]:
    """The blocks in columns of about the same height, each block in the shortest one so far."""
    columns: list[list[tuple[str, list[tuple[str, str]]]]] = [[] for _ in range(count)]
    for block in sorted(blocks, key=lambda b: -len(b[1])):
        min(columns, key=lambda c: sum(len(lines) + 3 for _, lines in c)).append(block)
    return columns
