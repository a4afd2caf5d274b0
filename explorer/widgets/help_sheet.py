"""The help sheet: every shortcut of the menus and every gesture, on one page over the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from explorer.widgets.events import keep_keys
from explorer.widgets.gestures import HINTS
from explorer.widgets.parts import label
from explorer.widgets.theme import GRID, color

__all__ = ["HelpSheet"]

SLIDER_HINTS: tuple[tuple[str, str], ...] = (
    ("Drag", "change; with Shift: fine"),
    ("Middle drag", "relative to where it is"),
    ("Ctrl + wheel, arrows", "step; with Shift: fine"),
    ("Type, click the number", "enter a value"),
    ("Double-click, Backspace", "back to the default mark"),
    ("Esc", "take the running drag back"),
)
TIMELINE_HINTS: tuple[tuple[str, str], ...] = (
    ("Drag the ruler", "scrub"),
    ("Double-click", "add a key"),
    ("Drag a key", "move it; up and down: its value"),
    ("Alt + drag", "copy"),
    ("Ctrl + drag", "stretch the selected keys"),
    ("Ctrl + wheel", "zoom; wheel: scroll"),
    ("Del", "delete the selected keys"),
)
Block = tuple[str, list[tuple[str, str]]]
_HANDS = ("On the picture", "On a slider", "On the timeline")
_PLACES = (_HANDS, ("File", "Edit", "Model", "Lab", "Help"), ("View", "Animate"))
KEY_HINTS: tuple[tuple[str, str], ...] = (
    ("Arrows", "walk the latent plane a little"),
    ("Shift + arrows", "move the picture a little"),
)


class HelpSheet(QWidget):
    """Lies over the whole window until a key or a click."""

    def __init__(self, parent: QWidget, menus: Sequence[tuple[str, Sequence[QAction]]]) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        keep_keys(self, lambda event: True)
        self.lines: list[tuple[str, str]] = []
        card = QFrame(self)
        card.setObjectName("card")
        columns = QHBoxLayout(card)
        columns.setContentsMargins(4 * GRID, 3 * GRID, 4 * GRID, 3 * GRID)
        columns.setSpacing(5 * GRID)
        blocks: list[Block] = [
            ("On the picture", [*HINTS, *KEY_HINTS]),
            ("On a slider", list(SLIDER_HINTS)),
            ("On the timeline", list(TIMELINE_HINTS)),
        ]
        for title, actions in menus:
            found = [
                (_keys(action), str(action.data()).rstrip(" \u2026")) for action in actions if action.shortcuts()
            ]
            if found:
                blocks.append((title, found))
        for group in _columns(blocks):
            column = QVBoxLayout()
            column.setSpacing(2 * GRID)
            for title, lines in group:
                column.addLayout(self._block(title, lines))
            column.addStretch(1)
            columns.addLayout(column)
        self._card, self._over = card, parent
        self.hide()

    def _block(self, title: str, lines: Sequence[tuple[str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(3)
        grid.addWidget(label(title, "heading"), 0, 0, 1, 2)
        for i, (keys, text) in enumerate(lines, start=1):
            self.lines.append((keys, text))
            name = label(keys, "muted")
            name.setMinimumWidth(136)
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
        """Show the sheet over the whole window and take the keys."""
        self.setGeometry(self._over.rect())
        self._place()
        self.show()
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), color("canvas", 190))


def _keys(action: QAction) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(sequence.toString(native) for sequence in action.shortcuts())


def _columns(blocks: list[Block]) -> list[list[Block]]:
    """The blocks in columns: hands, then documents, then pictures; what has no place yet goes last."""
    columns: list[list[Block]] = [[] for _ in _PLACES]
    for block in blocks:
        place = next((i for i, titles in enumerate(_PLACES) if block[0] in titles), len(_PLACES) - 1)
        columns[place].append(block)
    return columns
